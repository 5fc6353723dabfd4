#include <stddef.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/oneshot_internal.h"

void oneshot_decide(struct group *g, void *arg) {
    const struct oneshot *o = arg;
    struct err err;
    if (correlate_group(&o->correlator, o->options.bundle, g, &err)) log_error("analyze", err.msg, LOG_S("group", g->id));
}

void oneshot_group_going(struct group *g, void *arg) {
    const struct oneshot *o = arg;
    reads_drop(o->correlator.reads, &g->caused_by);
}

/* An owner that was asked for is known. */
static void touched(struct evaluation *e, void *arg) {
    (void)arg;
    group_decide_later((struct group *)((char *)e - offsetof(struct group, caused_by)));
}

int oneshot_make_correlator(struct oneshot *o, struct err *err) {
    struct correlator *c = &o->correlator;
    *c = (struct correlator){.cluster = o->options.cluster, .calls = o->calls, .reads = reads_new(touched, o)};
    if (c->reads) c->owners = owners_new(o->options.loop, o->options.cluster, c->reads);
    if (!c->owners) return err_set(err, ERR_NOMEM, "no memory for a diagnosis");
    owners_share(c->owners, diagnosis_owners(o->diagnosis));
    return 0;
}

void oneshot_free_correlator(struct oneshot *o) {
    owners_free(o->correlator.owners);
    reads_free(o->correlator.reads);
}

static void note_waiting(struct group *g, void *arg) {
    for (size_t i = 0; i < g->count; i++) *(bool *)arg |= g->findings[i].awaited_ms != 0;
}

static bool waits(const struct oneshot *o) {
    bool waiting = false;
    findings_each(o->findings, note_waiting, &waiting);
    return waiting;
}

/* What is not known when time is up follows from nothing: it is shown for itself. */
void oneshot_correlate(const struct oneshot *o) {
    static const bool never = false;
    findings_decide(o->findings);
    while (o->options.loop && waits(o) && clock_mono_us() < o->until_us) {
        (void)loop_run_until(o->options.loop, &never, ONESHOT_POLL_MS);
        findings_decide(o->findings);
    }
}
