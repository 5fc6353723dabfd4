/*
 * findings: what one K8sGPT resource reports: failures with identity, over time.
 *
 * A verdict says what is wrong with an object now. A finding is one such failure as people see it: it opens once it has lasted for its
 * rule's grace, stays one finding however its text changes, and resolves once it has been gone for its rule's settle time (at once when
 * the object is gone). The findings of one analyzer and one object are a group, and become one Result; where the analyzer says that some
 * are about something else that the object stands for (a webhook of a configuration), those are a group of their own.
 *
 * An open finding may follow from another one (findings_cause.c): correlate policies say from which, the root of such a chain is its cause.
 *
 * A group that differs from what was published last is dirty. What is published, and how, is decided above.
 */
#ifndef OPERATOR_FINDINGS_H
#define OPERATOR_FINDINGS_H

#include "base/hash.h"
#include "base/sha256.h"
#include "operator/deadline.h"
#include "operator/diagnosis.h"

enum finding_state {
    FINDING_PENDING, /* within its grace time: nobody sees it */
    FINDING_OPEN,
    FINDING_SETTLING, /* gone, but not for long enough: still shown as open */
    FINDING_RESOLVED, /* kept until everybody has the news */
};

struct finding {
    char id[SHA256_HEX_LEN + 1];
    enum finding_state state;
    enum severity severity;
    bool seen;                 /* in the verdict at hand */
    bool hidden;               /* a filter hides it; shown to nobody */
    bool worded, worded_shown; /* notify: everybody was told of it, or is being told; whether as open */
    enum severity worded_severity;
    bool told;           /* notify: somebody knows of it or is about to; after a restart the records say it */
    bool decided;        /* correlate policies have decided about it before */
    int64_t awaited_ms;  /* since when they wait for what they have to read first; 0: they do not */
    bool filtered;       /* filters have decided about it before */
    uint64_t hidden_by;  /* hash of the name of the filter that hides it */
    struct cause *cause; /* its place among those that follow from each other; NULL: it has none */
    char *rule, *key;
    struct doc *failure;     /* as the analyzer gave it, with its text; NULL after a restart, until the first verdict */
    struct doc *adopted;     /* until then, the entry of spec.error that it was read back from, or NULL */
    enum policy_layer layer; /* of the policy that decided */
    int64_t first_seen_ms, last_seen_ms, opens_ms, settle_ms;
};

/* That somebody was told. */
struct notification {
    char *sink;
    char finding[SHA256_HEX_LEN + 1];
    enum severity severity; /* as told */
    int64_t sent_ms;
    char *ref;     /* the sink's reference, or NULL */
    bool given_up; /* the sink refused for good: not tried again until something changes, and no part of the Result */
};

struct group {
    char *id; /* "analyzer/kind/namespace/name", and where it is shown as something else that too */
    struct findings *all;
    char *analyzer, *api_version, *kind, *ns, *name, *parent;
    char *details;           /* what an AI said of the object; NULL: nothing */
    char *as_kind, *as_name; /* what it is shown as; "": its own */
    struct aliases *aliases; /* with next_alias: all that the object is shown as; NULL: itself */
    struct group *next_alias;
    struct subject *subject; /* with next_of_subject: all groups about the same object */
    struct group *next_of_subject;
    struct finding *findings;
    size_t count;
    struct notification *notifications;
    size_t notification_count;
    int64_t first_seen_ms, changed_ms, resolved_ms; /* resolved_ms 0: something is open */
    int64_t text_shown_ms;                          /* when texts were last offered */
    int64_t noticed_us;                             /* monotonic: the change behind the present dirt; 0: none */
    struct deadline due;
    struct evaluation kept_by;         /* what the filters read for this group */
    struct evaluation caused_by;       /* what the correlate policies did */
    int64_t decide_again_ms;           /* when they want to be asked again by the clock; 0: not */
    uint64_t shown_mark;               /* of the findings that were open when last looked at, and their severities */
    char *result_name;                 /* of its Result, once there is one */
    struct doc *former;                /* the Go operator's Result, until ours is written; NULL: none */
    struct doc *published;             /* the Result as last written or found; NULL: none */
    struct contest *contest;           /* publish: over the Result; NULL: there is none */
    uint64_t version, offered_version; /* counts changes; which one is being published */
    uint64_t report;                   /* the last one that spoke of it (reported.h); 0: none */
    bool text_stale;                   /* a text differs from the one offered last */
    bool undecided;                    /* the correlate policies have to be asked again */
    bool undone;                       /* somebody else changed it since we wrote it */
    bool refilter;                     /* the filters have to look at it again */
    bool untold;                       /* somebody could not be told; tried again by the next run */
    bool dirty, offered;               /* offered: handed to a step that has not published it yet */
    struct group *next_dirty;
    UT_hash_handle hh, by_result;
};

struct findings_owner {
    /* True when the finding is to be reported. */
    bool (*keep)(struct group *g, struct finding *f, void *arg);
    /* Around those calls for all findings of a group, so that what they read together is recorded as one (group->kept_by). May be NULL. */
    void (*keep_begin)(struct group *g, void *arg);
    void (*keep_end)(struct group *g, void *arg);
    void (*dirty)(void *arg); /* a group became dirty */
    void (*lost)(void *arg);  /* memory ran out, and part of a verdict with it: it has to be told again; may be NULL */
    void (*free_group)(struct group *g, void *arg); /* lets go of what else refers to it; may be NULL */
    /* Asks from what the open findings of a group follow, and says so by finding_follow. May be NULL: nothing follows from anything. */
    void (*decide)(struct group *g, void *arg);
    /* True when the sink of the K8sGPT was told of what this Result of the Go operator says. NULL: it was. */
    bool (*was_told)(const struct doc *former, void *arg);
    void (*opened)(const struct group *g, void *arg); /* which findings of its object are open, or how severe, changed; may be NULL */
    void *arg;
};

struct findings_identity {
    struct str cluster, cr_ns, cr_name;
};

struct findings;

/* `immediate`: no grace, no settle (one-shot, --grace 0). Strings are copied. NULL without memory. */
struct findings *findings_new(const struct findings_identity *identity, struct deadlines *deadlines, bool immediate,
                              const struct findings_owner *owner);
void findings_free(struct findings *f);

/* There is no waiting for a failure that does not say since when it is there: it opens at once. Without deadlines this is so anyway. */
void findings_set_no_past(struct findings *f);

/* From now on every rule has this grace, whatever it declares. */
void findings_set_grace(struct findings *f, int64_t grace_s);

/* Takes a verdict in. */
void findings_verdict(struct findings *f, const struct verdict *v);

/* Every object of the analyzer (empty: of every analyzer) has been looked at: what belongs to objects that `exists` denies is gone. */
void findings_swept(struct findings *f, struct str analyzer, bool (*exists)(const struct group *g, void *arg), void *arg);

/* What analyzers found that are not wanted (any more) is gone. */
void findings_retain(struct findings *f, bool (*wanted)(const char *analyzer, void *arg), void *arg);

/* The filters, or what one of them read, changed. */
void findings_refilter(struct findings *f);
void group_refilter_later(struct group *g);

/* The correlate policies, or what one of them read, changed. */
void findings_decide_later(struct findings *f);
void group_decide_later(struct group *g);

/* Asks for all that is to be decided, at once; for one-shot use. */
void findings_decide(struct findings *f);

/* A finding and its group; both NULL: none. */
struct finding_place {
    struct group *group;
    struct finding *finding;
};

/* `f` of `g` follows from another one, or from none, as the policy of this mark says. Only open findings follow or are followed. */
int finding_follow(struct group *g, struct finding *f, struct finding_place from, uint64_t by, struct err *err) ERR_MUST_CHECK;
/* The policies cannot tell yet, since `since_ms` (0: they can). Until they can, the group and what follows from it is not offered. */
void finding_await(struct group *g, struct finding *f, int64_t since_ms);
/* From what that policy said it follows; none where another policy said so, too. */
struct finding_place finding_followed(const struct finding *f, uint64_t by);

/*
 * The finding at the root of what `f` follows from; none: `f` is itself a root. Where findings follow from each other in
 * a circle, the most severe of them is the root, of those the one with the lowest id.
 */
struct finding_place finding_cause(const struct finding *f);
/* The same for a group: of its most severe open finding that has a cause in another group. */
struct finding_place group_cause(const struct group *g);
/* Whether the finding was told is another matter now: those that follow from it are to be worded anew. */
void finding_told(struct finding *f, bool told);
bool finding_is_told(const struct group *g, const struct finding *f);

/* The open findings of an object by any analyzer, the most severe first: an array of k8sgpt.OpenFinding, the caller's. */
struct doc *findings_open(const struct findings *f, struct str kind, struct str ns, struct str name, struct err *err) ERR_MUST_CHECK;
/* Which of them such an entry stands for; none: it is not open. */
int findings_open_find(const struct findings *f, struct doc_value entry, struct finding_place *out, struct err *err) ERR_MUST_CHECK;

/*
 * A Result of an earlier process, or of the leader before us: its findings are open (or resolved and not yet delivered) as it says, and
 * people were told what it says. A group that is known by our own verdicts takes that over; it stays dirty where it differs. A Result of
 * the Go operator goes once ours is written (group->former).
 */
int findings_adopt(struct findings *f, struct doc *result, struct err *err) ERR_MUST_CHECK;

/* Another leads now and writes the Results: what we know of them counts no more, what is diagnosed stays. */
void findings_forget_results(struct findings *f);

/* The group behind a Result of that name, or of that id; NULL: none. */
struct group *findings_by_result(struct findings *f, struct str result_name);
struct group *findings_by_id(struct findings *f, struct str id);

/* Under which name its Result is found; in place of an earlier one. ERR_NOMEM: under none. */
int group_note_result_name(struct group *g, struct str name, struct err *err) ERR_MUST_CHECK;

/* Marks a group as differing from what is published, and tells the owner. */
void group_touch(struct group *g);

/* The next dirty group that has not been offered in this run, now marked as offered; NULL: none. */
struct group *findings_next_dirty(struct findings *f);
bool findings_any_dirty(const struct findings *f);
void findings_retry_untold(struct findings *f); /* at the start of a run: offers again what somebody could not be told */
void findings_end_run(struct findings *f);      /* what was offered and not published is dirty again */

/* The former Result is deleted. */
void former_gone(struct group *g);

/* The watch brought this state of the group's Result; NULL: it was deleted. Somebody else's change makes the group dirty. */
void group_result_changed(struct group *g, struct doc *result);

/* What was offered is published; `result` is as the server has it now. A group that is over is freed by group_deleted. */
void group_published(struct group *g, struct doc *result);
void group_publish_failed(struct group *g);
void group_deferred(struct group *g); /* it is not to be published now; who says so touches the group when it may be */
void group_deleted(struct group *g);

bool finding_is_shown(const struct finding *f);                           /* open or settling, and not hidden */
struct str finding_text(const struct finding *f);                         /* borrowed; empty: not known */
bool finding_has_records(const struct group *g, const struct finding *f); /* somebody was told of it, and not yet of its end */
bool group_is_open(const struct group *g);

/* Open findings by severity. */
void findings_count(const struct findings *f, size_t counts[SEVERITIES]);
void findings_each(const struct findings *f, void (*each)(struct group *g, void *arg), void *arg);

/*
 * What steps get (k8sgpt.Group), and what cause, keep, route and sink policies get (k8sgpt.Finding; change NULL: none, and no cause, on
 * which neither may depend; `object`, where it is given, adds its labels and annotations). Owned by the caller.
 */
struct doc *group_document(const struct group *g, bool delivered, struct err *err) ERR_MUST_CHECK;
struct doc *finding_document(const struct group *g, const struct finding *f, const char *change, const struct doc *object,
                             struct err *err) ERR_MUST_CHECK;

const struct findings_identity *findings_identity(const struct findings *f);

#endif
