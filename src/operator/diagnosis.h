/*
 * diagnosis: keeps the answer to "what is wrong with which object" true, at the cost of what changed.
 *
 * An analysis is one analyzer's verdict on one object. It is redone when the object changes or anything else that the analyzer read
 * for it. An analysis without verdict, reads or deadline needs no memory: absence means "healthy, and depends on nothing but the object".
 * Independent of K8sGPT resources: who wants to see which verdicts is decided above (findings). Work is done in slices
 * of at most 5 ms a loop turn.
 */
#ifndef OPERATOR_DIAGNOSIS_H
#define OPERATOR_DIAGNOSIS_H

#include "operator/deadline.h"
#include "operator/policycall.h"
#include "script/bundle.h"

struct diagnosis;

/* The verdict on one object. All borrowed for the call. */
struct verdict {
    const struct policy *policy;  /* the analyzer in effect */
    const struct policy *decider; /* whose run this is: the same, or a layer below that stands in */
    const struct gvk *gvk;
    struct str ns, name;
    struct doc_value failures;          /* an array of failures; absent: healthy */
    struct str parent;                  /* "Kind/namespace/name" of the root owner, or empty */
    bool gone;                          /* the object is no longer there */
    bool partial;                       /* a stand-in's, or not all was answered: may open findings, must not resolve any */
    const struct policy_rule *any_rule; /* for failures of rules that the policies do not declare; NULL: those do not count */
    struct str details;                 /* what an AI said of the object; p NULL: nothing new */
    uint64_t report;                    /* of one that was reported from outside: in which report (reported.h); 0: our own */
    int64_t noticed_us;                 /* monotonic: when the change that led here was read; 0: not a change */
};

struct diagnosis_listener {
    void (*verdict)(const struct verdict *v, void *arg);
    void (*swept)(const struct policy *analyzer, void *arg); /* every object of this analyzer has been looked at */
    void (*changed)(void *arg);                              /* an analyzer became active, inactive or failing */
    void (*lost)(void *arg); /* memory ran out: something was not looked at, and diagnosis_use makes good for it; may be NULL */
    int64_t (*interval_s)(const struct policy *analyzer, void *arg); /* after which one that asks the world asks again; NULL: never */
    void *arg;
};

enum analyzer_state { ANALYZER_WAITING, ANALYZER_ACTIVE, ANALYZER_INACTIVE };

/* Borrows all for its life. `deadlines` NULL: ctx.after schedules nothing (one-shot). */
struct diagnosis *diagnosis_new(struct loop *loop, struct cluster *cluster, struct policycalls *calls, struct deadlines *deadlines,
                                const struct diagnosis_listener *listener, struct err *err) ERR_MUST_CHECK;
void diagnosis_free(struct diagnosis *d);

/* From now on these analyzers of this bundle run (names that it lacks are ignored), on the cluster's stores as they are now; all objects
 * are looked at anew. */
int diagnosis_use(struct diagnosis *d, struct bundle *bundle, const struct str *names, size_t count, struct err *err) ERR_MUST_CHECK;

/* Analyzers may read what is in Secrets from now on, those that say so. */
void diagnosis_permit_secret_content(struct diagnosis *d);

/* The interval of the analyzer is another one now. */
void diagnosis_interval_changed(struct diagnosis *d, struct str analyzer);

/* True when exactly these analyzers are in use. */
bool diagnosis_uses(const struct diagnosis *d, const struct str *names, size_t count);

/* What the cluster tells of. */
void diagnosis_object_changed(struct diagnosis *d, struct store *store, const struct doc *before, const struct doc *after);
void diagnosis_state_changed(struct diagnosis *d, const struct gvk *gvk);

/* State of an analyzer in use; WAITING for any other. *reason (may be NULL) is borrowed until the next change. */
enum analyzer_state diagnosis_analyzer(const struct diagnosis *d, struct str name, const char **reason);
size_t diagnosis_failing(const struct diagnosis *d, struct str name,
                         const char **reason); /* analyses that failed, and why one of them did */

/* Of these, the ones that a denied read ended, or that the world did not answer. */
size_t diagnosis_denied(const struct diagnosis *d, struct str name);

/* Analyses that read what is not known yet (an owner, a Secret, a kind that is not synced), and what one of them waits for. */
size_t diagnosis_waiting(const struct diagnosis *d, struct str name, const char **reason);

/* Analyses that had to do without something that is nobody's fault (what is in Secrets), and what that was. */
size_t diagnosis_withheld(const struct diagnosis *d, struct str name, const char **what);

/* True when the analyzer is active and has looked at every object, or cannot. */
bool diagnosis_swept(const struct diagnosis *d, struct str name);

/* True while the analyzer is not in use yet, or can look at objects and has not looked at all of them. */
bool diagnosis_looking(const struct diagnosis *d, struct str name);

/* True when the analyzer waits for a kind that the API server has failed to give for some time. */
bool diagnosis_stuck(const struct diagnosis *d, struct str name);

/* Calls back for every analysis of this analyzer that has failures, as if it had just been done. */
void diagnosis_replay(struct diagnosis *d, struct str name, void (*verdict)(const struct verdict *v, void *arg), void *arg);

/* The verdict on this object is told again soon, also when it is healthy; not while its analysis fails. */
void diagnosis_retell(struct diagnosis *d, struct str analyzer, struct str kind, struct str ns, struct str name);

/* What it knows of owners that nobody watches; borrowed. */
const struct owners *diagnosis_owners(const struct diagnosis *d);

size_t diagnosis_pending(const struct diagnosis *d); /* analyses that are to be done */

/* Does all that is to be done, at once; for one-shot use. */
void diagnosis_finish(struct diagnosis *d);

#endif
