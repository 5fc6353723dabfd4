/*
 * findings: what one K8sGPT resource reports: failures with identity, over time.
 *
 * A verdict says what is wrong with an object now. A finding is one such failure as people see it: it opens once it has lasted for its
 * rule's grace, stays one finding however its text changes, and resolves once it has been gone for its rule's settle time (at once when
 * the object is gone). The findings of one analyzer and one object are a group, and become one Result; where the analyzer says that some
 * are about something else that the object stands for (a webhook of a configuration), those are a group of their own.
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
    bool filtered;      /* filters have decided about it before */
    uint64_t hidden_by; /* hash of the name of the filter that hides it */
    char *rule, *key, *text;
    struct doc *failure;     /* as the analyzer gave it; NULL after a restart, until the first verdict */
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
    char *as_kind, *as_name; /* what it is shown as; "": its own */
    struct aliases *aliases; /* with next_alias: all that the object is shown as; NULL: itself */
    struct group *next_alias;
    struct finding *findings;
    size_t count;
    struct notification *notifications;
    size_t notification_count;
    int64_t first_seen_ms, changed_ms, resolved_ms; /* resolved_ms 0: something is open */
    int64_t text_shown_ms;                          /* when texts were last offered */
    bool text_stale;                                /* a text differs from the one offered last */
    int64_t noticed_us;                             /* monotonic: the change behind the present dirt; 0: none */
    struct deadline due;
    struct evaluation kept_by;         /* what the filters read for this group */
    char *result_name;                 /* of its Result, once there is one */
    struct doc *published;             /* the Result as last written or found; NULL: none */
    bool undone;                       /* somebody else changed it since we wrote it */
    struct contest *contest;           /* publish: over the Result; NULL: there is none */
    uint64_t version, offered_version; /* counts changes; which one is being published */
    bool refilter;                     /* the filters have to look at it again */
    bool untold;                       /* somebody could not be told; tried again by the next run */
    bool dirty, offered;               /* offered: handed to a step that has not published it yet */
    struct group *next_dirty;
    UT_hash_handle hh;
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

/* Every object of the analyzer has been looked at: what belongs to objects that `exists` denies is gone. */
void findings_swept(struct findings *f, struct str analyzer, bool (*exists)(const struct group *g, void *arg), void *arg);

/* What analyzers found that are not wanted (any more) is gone. */
void findings_retain(struct findings *f, bool (*wanted)(const char *analyzer, void *arg), void *arg);

/* The filters, or what one of them read, changed. */
void findings_refilter(struct findings *f);
void group_refilter_later(struct group *g);

/*
 * A Result of an earlier process, or of the leader before us: its findings are open (or resolved and not yet delivered) as it says, and
 * people were told what it says. A group that is known by our own verdicts takes that over; it stays dirty where it differs.
 */
int findings_adopt(struct findings *f, struct doc *result, struct err *err) ERR_MUST_CHECK;

/* Another leads now and writes the Results: what we know of them counts no more, what is diagnosed stays. */
void findings_forget_results(struct findings *f);

/* The group behind a Result of that name, or of that id; NULL: none. */
struct group *findings_by_result(struct findings *f, struct str result_name);
struct group *findings_by_id(struct findings *f, struct str id);

/* Marks a group as differing from what is published, and tells the owner. */
void group_touch(struct group *g);

/* The next dirty group that has not been offered in this run, now marked as offered; NULL: none. */
struct group *findings_next_dirty(struct findings *f);
bool findings_any_dirty(const struct findings *f);
void findings_retry_untold(struct findings *f); /* at the start of a run: offers again what somebody could not be told */
void findings_end_run(struct findings *f);      /* what was offered and not published is dirty again */

/* The watch brought this state of the group's Result; NULL: it was deleted. Somebody else's change makes the group dirty. */
void group_result_changed(struct group *g, struct doc *result);

/* What was offered is published; `result` is as the server has it now. A group that is over is freed by group_deleted. */
void group_published(struct group *g, struct doc *result);
void group_publish_failed(struct group *g);
void group_deferred(struct group *g); /* it is not to be published now; who says so touches the group when it may be */
void group_deleted(struct group *g);

bool finding_is_shown(const struct finding *f);                           /* open or settling, and not hidden */
bool finding_has_records(const struct group *g, const struct finding *f); /* somebody was told of it, and not yet of its end */
bool group_is_open(const struct group *g);

/* Open findings by severity. */
void findings_count(const struct findings *f, size_t counts[SEVERITIES]);
void findings_each(const struct findings *f, void (*each)(struct group *g, void *arg), void *arg);

/*
 * What steps get (k8sgpt.Group), and what keep, route and sink policies get (k8sgpt.Finding; change NULL: none; `object`, where it is
 * given, adds its labels and annotations). Owned by the caller.
 */
struct doc *group_document(const struct group *g, bool delivered, struct err *err) ERR_MUST_CHECK;
struct doc *finding_document(const struct group *g, const struct finding *f, const char *change, const struct doc *object,
                             struct err *err) ERR_MUST_CHECK;

const struct findings_identity *findings_identity(const struct findings *f);

#endif
