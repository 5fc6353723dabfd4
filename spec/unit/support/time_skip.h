/*
 * time_skip: a monotonic clock and timers that skip ahead when the test says so; between two skips time passes as ever.
 *
 * Include it in one file of a test binary: it stands before base/clock_mono and net/timer, which are then not linked.
 *
 *     time_skip_us(timer_due_us(t) - clock_mono_us());     t and all that are due before it fire in the next turns of the loop
 */
#ifndef SUPPORT_TIME_SKIP_H
#define SUPPORT_TIME_SKIP_H

#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "base/clock.h"
#include "net/loop.h"

struct timer {
    uv_timer_t uv;
    void (*fire)(void *arg);
    void *arg;
    int64_t due_us; /* INT64_MAX: it does not run */
    bool firing;
    struct timer *next, **place;
};

static struct timer *time_skip_timers;
static int64_t time_skipped_us;

int64_t clock_mono_us(void) {
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 + time_skipped_us;
}

struct timer *timer_new(struct loop *loop, void (*fire)(void *arg), void *arg) {
    struct timer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    (void)uv_timer_init(loop_uv(loop), &t->uv);
    t->uv.data = t;
    t->fire = fire;
    t->arg = arg;
    t->due_us = INT64_MAX;
    t->next = time_skip_timers;
    t->place = &time_skip_timers;
    if (t->next) t->next->place = &t->next;
    time_skip_timers = t;
    return t;
}

static void time_skip_fire(uv_timer_t *handle) {
    struct timer *t = handle->data;
    t->due_us = INT64_MAX;
    t->firing = true;
    t->fire(t->arg);
    t->firing = false;
}

static void time_skip_arm(struct timer *t) {
    int64_t left_us = t->due_us - clock_mono_us();
    uv_update_time(t->uv.loop);
    (void)uv_timer_start(&t->uv, time_skip_fire, left_us > 0 ? (uint64_t)left_us / 1000 + 1 : t->firing, 0);
}

void timer_start(struct timer *t, int64_t delay_ms) {
    t->due_us = clock_mono_us() + (delay_ms > 0 ? delay_ms * 1000 : 0);
    time_skip_arm(t);
}

void timer_stop(struct timer *t) {
    t->due_us = INT64_MAX;
    (void)uv_timer_stop(&t->uv);
}

bool timer_active(const struct timer *t) { return t->due_us != INT64_MAX; }

static void time_skip_closed(uv_handle_t *handle) { free(handle->data); }

void timer_free(struct timer *t) {
    if (!t) return;
    *t->place = t->next;
    if (t->next) t->next->place = t->place;
    uv_close((uv_handle_t *)&t->uv, time_skip_closed);
}

static inline int64_t timer_due_us(const struct timer *t) { return t->due_us; }

static inline void time_skip_us(int64_t us) {
    if (us > 0) time_skipped_us += us;
    for (struct timer *t = time_skip_timers; t; t = t->next)
        if (timer_active(t)) time_skip_arm(t);
}

#endif
