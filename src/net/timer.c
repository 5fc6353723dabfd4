#include <stdlib.h>

#include "net/loop_internal.h"

struct timer {
    uv_timer_t uv;
    void (*fire)(void *arg);
    void *arg;
    bool firing;
};

struct timer *timer_new(struct loop *loop, void (*fire)(void *arg), void *arg) {
    struct timer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    (void)uv_timer_init(&loop->uv, &t->uv);
    t->uv.data = t;
    t->fire = fire;
    t->arg = arg;
    return t;
}

static void on_timer(uv_timer_t *handle) {
    struct timer *t = handle->data;
    t->firing = true;
    t->fire(t->arg);
    t->firing = false; /* also of one that was freed: its memory stays until the turn ends */
}

/*
 * libuv counts from the start of the loop turn, in whole milliseconds: without the update and the added one it would fire early.
 * A timer that starts itself without delay would fire again in the same turn and never let I/O through.
 */
void timer_start(struct timer *t, int64_t delay_ms) {
    uint64_t least_ms = t->firing ? 1 : 0;
    uv_update_time(t->uv.loop);
    (void)uv_timer_start(&t->uv, on_timer, delay_ms > 0 ? (uint64_t)delay_ms + 1 : least_ms, 0);
}

void timer_stop(struct timer *t) { (void)uv_timer_stop(&t->uv); }

bool timer_active(const struct timer *t) { return uv_is_active((const uv_handle_t *)&t->uv); }

static void on_closed(uv_handle_t *handle) { free(handle->data); }

void timer_free(struct timer *t) {
    if (t) uv_close((uv_handle_t *)&t->uv, on_closed);
}
