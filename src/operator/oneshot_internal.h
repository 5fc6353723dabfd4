/*
 * oneshot_internal: the state behind oneshot.h, shared by oneshot.c (reading and diagnosing), oneshot_cause.c (which findings follow from
 * which) and oneshot_report.c (what is said of them).
 */
#ifndef OPERATOR_ONESHOT_INTERNAL_H
#define OPERATOR_ONESHOT_INTERNAL_H

#include "operator/correlate.h"
#include "operator/oneshot.h"

enum { ONESHOT_POLL_MS = 2 }; /* how long the loop turns before it is looked at what came */

struct oneshot {
    struct oneshot_options options;
    int64_t until_us; /* monotonic: when reading is given up */
    bool ready;       /* what is planned can be put in use */
    struct policycalls *calls;
    struct reads *reads; /* of filters, whom nobody asks again */
    struct owners *owners;
    struct diagnosis *diagnosis;
    struct findings *findings;
    struct correlator correlator; /* its reads and owners are its own */
    struct choice choice;
    size_t problems;
};

enum insight {
    INSIGHT_WHOLE,       /* why, where it is not "", says which kinds it had to do without */
    INSIGHT_NONE_NEEDED, /* the cluster does not have its kind */
    INSIGHT_FAILED,      /* the policy failed on some object */
    INSIGHT_UNREAD,      /* something may not or could not be read */
};

/* How far an analyzer could look; *why is borrowed, *objects are those that it could not judge. */
enum insight oneshot_insight(const struct oneshot *o, const char *analyzer, const char **why, size_t *objects);

/* Says of every open finding from which other one it follows; those that need an owner's metadata wait for it. After the diagnosis. */
void oneshot_correlate(const struct oneshot *o);

int oneshot_make_correlator(struct oneshot *o, struct err *err) ERR_MUST_CHECK; /* after its diagnosis */
void oneshot_free_correlator(struct oneshot *o);                                /* after its findings */

/* What its findings call: a group is to be decided; a group is freed. */
void oneshot_decide(struct group *g, void *arg);
void oneshot_group_going(struct group *g, void *arg);

#endif
