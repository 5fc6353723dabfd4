/*
 * diagnosis_internal: what diagnosis.c (which analyses are to be done), analysis.c (doing one), judgement.c (asking the policies), turns.c
 * (who may ask the world) and analyzer_state.c (which can be done) share.
 */
#ifndef OPERATOR_DIAGNOSIS_INTERNAL_H
#define OPERATOR_DIAGNOSIS_INTERNAL_H

#include "base/ptrset.h"
#include "operator/ask.h"
#include "operator/diagnosis.h"

struct turn;

/* One policy at work on one of its subjects. */
struct analyzer {
    const struct policy *policy;
    const struct policy_watch *subject;
    enum analyzer_state state;
    char reason[512];          /* why it waits or is inactive; of an active one, what it may not read */
    const struct gvk *awaited; /* while it waits for one */
    bool absent;               /* inactive, as the cluster does not serve its subject: no objects are left */
    struct doc **sweep;        /* the objects still to be looked at for the first time, from sweep_at on; referenced */
    size_t sweep_at, sweep_count;
    bool swept;
    size_t failing;
    char failure[512]; /* of the last analysis that failed */
    size_t denied;     /* of those that fail: ended by a read that is denied, or without an answer from the world */
    size_t waiting;    /* analyses that read what is not known yet */
    char unknown[256]; /* what the last of them waits for */
    size_t withheld;   /* analyses that had to do without something, see judgement_withheld */
    char lacking[160]; /* what that was */
    struct turns {
        size_t asking;     /* analyses that ask the world now */
        struct turn *line; /* those that wait for their turn */
    } turns[2];            /* [1]: those that had no answer last time */
};

/* `key` is the namespace, NUL, the name, NUL. */
struct analysis {
    struct evaluation evaluation; /* first: touched() casts */
    struct deadline again;
    struct diagnosis *diagnosis;
    struct analyzer *analyzer;
    struct analysis *next;        /* in the queue */
    struct doc *failures;         /* an array, or NULL: healthy */
    const struct policy *decider; /* whose verdict it is: a layer below the policy in effect may stand in; NULL: none yet */
    char *parent;                 /* of an object with failures */
    int64_t noticed_us;
    uint32_t name_at;  /* where the name starts in key */
    struct turn *turn; /* of one that has asked the world; NULL: it never did */
    bool queued, failed, denied, waiting, withheld;
    bool incomplete; /* something it asked for was not answered: what was found is not all that there may be */
    char key[];
};

struct diagnosis {
    struct cluster *cluster;
    struct policycalls *calls;
    struct deadlines *deadlines;
    struct diagnosis_listener listener;
    struct worker *worker; /* NULL: one-shot */
    struct reads *reads;
    struct owners *owners;
    struct secrets *secrets; /* NULL: one-shot */
    struct asks asks;
    struct bundle *bundle;
    struct analyzer *analyzers; /* those of one policy stand together */
    size_t analyzer_count, policy_count;
    struct ptrset analyses;
    struct analysis *queue, **queue_end;
    size_t queued;
};

/* As the cluster is now; writes reason and absent. */
enum analyzer_state analyzer_state_now(const struct diagnosis *d, struct analyzer *z);

/* Whether it is known which objects there are: also that there are none. */
bool analyzer_knows_objects(const struct analyzer *z);

struct str analysis_ns(const struct analysis *a);
struct str analysis_name(const struct analysis *a);

/* Memory ran out for something that nothing else brings up again. */
void diagnosis_lost(const struct diagnosis *d, const char *what);

/* Puts the analysis into the queue unless it is there. */
void analysis_enqueue(struct analysis *a);

/* Does it: runs the policy, keeps what it read, tells the listener when the verdict changed. Frees `a` when nothing is to be remembered. */
void analysis_do(struct analysis *a);

/* Releases everything; `a` is in no queue. */
void analysis_free(struct analysis *a);

/* The verdict as it stands. */
struct verdict analysis_verdict(const struct analysis *a);

#endif
