/*
 * workqueue: which keys want a run, and when: client-go's work queue (util/workqueue), on the loop.
 *
 * A key is a struct work inside what it stands for: the operator has one in each tenant. It waits at most once and never runs twice at
 * once; whatever wants it during its run makes one more run. A run that failed is repeated after a back-off of its own, which one that
 * went well resets. Keys start in the order in which they came, in slices of 5 ms a loop turn.
 */
#ifndef OPERATOR_WORKQUEUE_H
#define OPERATOR_WORKQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"

struct workqueue;

struct work {
    struct workqueue *queue;
    struct timer *timer; /* the next run by the clock */
    struct work *next;   /* waiting */
    int64_t queued_us;   /* monotonic */
    int failures;        /* runs in a row that failed */
    bool queued, running, again;
};

struct workqueue_owner {
    bool (*ready)(void *arg);                    /* false: nothing starts until workqueue_wake */
    void (*start)(struct work *w, void *arg);    /* a run; work_done or work_failed ends it, from within or later */
    void (*added)(void *arg);                    /* a key waits now; for metrics */
    void (*taken)(int64_t waited_us, void *arg); /* one no longer waits; for metrics */
    void *arg;
};

struct workqueue *workqueue_new(struct loop *loop, const struct workqueue_owner *owner); /* NULL without memory */
void workqueue_free(struct workqueue *q);                                                /* every key is freed before; NULL: nothing */
void workqueue_wake(struct workqueue *q);                                                /* `ready` may say otherwise now */
size_t workqueue_depth(const struct workqueue *q);                                       /* keys that wait */

/* A zeroed key; false without memory. work_free leaves the queue, also during a run, whose end is not told then. */
bool work_init(struct work *w, struct workqueue *q) __attribute__((warn_unused_result));
void work_free(struct work *w);

/* Wants a run: as soon as may be, after the one under way, or once the time has passed. */
void work_add(struct work *w);
void work_add_after(struct work *w, int64_t delay_ms);

/* The run is over. `next_ms`: another one then; < 0: none. */
void work_done(struct work *w, int64_t next_ms);

/* It failed: another one after retry_after_ms, or where that is 0 after the back-off. The ms that it waits. */
int64_t work_failed(struct work *w, int64_t retry_after_ms);

/* 5 ms after the first failure in a row, then twice as long each time, at most 1000 s (client-go's ItemExponentialFailureRateLimiter). */
int64_t work_backoff_ms(int failures);

#endif
