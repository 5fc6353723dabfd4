/*
 * oneshot_internal: the state behind oneshot.h, shared by oneshot.c (reading and diagnosing) and oneshot_report.c (what is said of it).
 */
#ifndef OPERATOR_ONESHOT_INTERNAL_H
#define OPERATOR_ONESHOT_INTERNAL_H

#include "operator/oneshot.h"

struct oneshot {
    struct oneshot_options options;
    int64_t until_us; /* monotonic: when reading is given up */
    bool ready;       /* what is planned can be put in use */
    struct policycalls *calls;
    struct reads *reads; /* of filters, whom nobody asks again */
    struct owners *owners;
    struct diagnosis *diagnosis;
    struct findings *findings;
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

#endif
