#include "operator/workqueue.h"

#include <stdlib.h>

#include "base/clock.h"

enum {
    SLICE_US = 5000,
    BACKOFF_FIRST_MS = 5,
    BACKOFF_LAST_MS = 1000 * 1000,
};

struct workqueue {
    struct loop *loop;
    struct workqueue_owner owner;
    struct work *first, **end;
    size_t depth;
    struct worker *worker;
};

/* ---- the queue ---------------------------------------------------------------------------------------------------------------- */

static struct work *take(struct workqueue *q) {
    struct work *w = q->first;
    q->first = w->next;
    if (!q->first) q->end = &q->first;
    q->depth--;
    w->queued = false;
    timer_stop(w->timer);
    q->owner.taken(clock_mono_us() - w->queued_us, q->owner.arg);
    return w;
}

static bool run_some(void *arg) {
    struct workqueue *q = arg;
    int64_t until_us = clock_mono_us() + SLICE_US;
    while (q->first && q->owner.ready(q->owner.arg)) {
        struct work *w = take(q);
        w->running = true;
        q->owner.start(w, q->owner.arg);
        if (clock_mono_us() >= until_us) return q->first != NULL;
    }
    return false;
}

struct workqueue *workqueue_new(struct loop *loop, const struct workqueue_owner *owner) {
    struct workqueue *q = calloc(1, sizeof *q);
    if (!q) return NULL;
    *q = (struct workqueue){.loop = loop, .owner = *owner, .worker = worker_new(loop, run_some, q)};
    q->end = &q->first;
    if (q->worker) return q;
    free(q);
    return NULL;
}

void workqueue_free(struct workqueue *q) {
    if (!q) return;
    worker_free(q->worker);
    free(q);
}

void workqueue_wake(struct workqueue *q) { worker_wake(q->worker); }

size_t workqueue_depth(const struct workqueue *q) { return q->depth; }

/* ---- one key ------------------------------------------------------------------------------------------------------------------ */

static void timer_fired(void *arg) { work_add(arg); }

bool work_init(struct work *w, struct workqueue *q) {
    w->queue = q;
    w->timer = timer_new(q->loop, timer_fired, w);
    return w->timer != NULL;
}

static void leave(struct work *w) {
    struct workqueue *q = w->queue;
    struct work **p = &q->first;
    while (*p != w) p = &(*p)->next;
    *p = w->next;
    if (!*p) q->end = p;
    q->depth--;
    w->queued = false;
}

void work_free(struct work *w) {
    if (w->queued) leave(w);
    timer_free(w->timer);
    w->timer = NULL;
}

void work_add(struct work *w) {
    struct workqueue *q = w->queue;
    if (w->running) {
        w->again = true;
        return;
    }
    if (w->queued) return;
    w->queued = true;
    w->queued_us = clock_mono_us();
    w->next = NULL;
    *q->end = w;
    q->end = &w->next;
    q->depth++;
    q->owner.added(q->owner.arg);
    worker_wake(q->worker);
}

void work_add_after(struct work *w, int64_t delay_ms) { timer_start(w->timer, delay_ms); }

/* What was wanted meanwhile does not wait for the clock. */
static void end_run(struct work *w, int64_t next_ms) {
    bool again = w->again;
    w->running = w->again = false;
    if (again)
        work_add(w);
    else if (next_ms >= 0)
        work_add_after(w, next_ms);
}

void work_done(struct work *w, int64_t next_ms) {
    w->failures = 0;
    end_run(w, next_ms);
}

int64_t work_failed(struct work *w, int64_t retry_after_ms) {
    w->failures++;
    int64_t wait_ms = retry_after_ms > 0 ? retry_after_ms : work_backoff_ms(w->failures);
    end_run(w, wait_ms);
    return wait_ms;
}

int64_t work_backoff_ms(int failures) {
    int64_t ms = BACKOFF_FIRST_MS;
    for (int i = 1; i < failures && ms < BACKOFF_LAST_MS; i++) ms *= 2;
    return ms < BACKOFF_LAST_MS ? ms : BACKOFF_LAST_MS;
}
