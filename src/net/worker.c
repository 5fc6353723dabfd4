#include <stdlib.h>

#include "net/loop_internal.h"

/* The check handle runs the work after I/O; the idle handle only keeps the loop from blocking in between. */
struct worker {
    uv_check_t check;
    uv_idle_t idle;
    bool (*work)(void *arg);
    void *arg;
    bool woken; /* by worker_wake from within `work` */
    bool freed;
    unsigned open_handles;
};

static void on_idle(uv_idle_t *handle) { (void)handle; }

static void rest(struct worker *w) {
    (void)uv_check_stop(&w->check);
    (void)uv_idle_stop(&w->idle);
}

static void on_check(uv_check_t *handle) {
    struct worker *w = handle->data;
    w->woken = false;
    bool more = w->work(w->arg);
    if (!more && !w->woken && !w->freed) rest(w);
}

struct worker *worker_new(struct loop *loop, bool (*work)(void *arg), void *arg) {
    struct worker *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    (void)uv_check_init(&loop->uv, &w->check);
    (void)uv_idle_init(&loop->uv, &w->idle);
    w->check.data = w->idle.data = w;
    w->work = work;
    w->arg = arg;
    w->open_handles = 2;
    return w;
}

void worker_wake(struct worker *w) {
    w->woken = true;
    (void)uv_check_start(&w->check, on_check);
    (void)uv_idle_start(&w->idle, on_idle);
}

static void on_closed(uv_handle_t *handle) {
    struct worker *w = handle->data;
    if (--w->open_handles == 0) free(w);
}

void worker_free(struct worker *w) {
    if (!w) return;
    w->freed = true;
    uv_close((uv_handle_t *)&w->check, on_closed);
    uv_close((uv_handle_t *)&w->idle, on_closed);
}
