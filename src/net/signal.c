#include <stdlib.h>

#include "net/loop_internal.h"

static void on_signal(uv_signal_t *handle, int signum) {
    struct signal_watch *w = handle->data;
    w->handler(signum, w->arg);
}

static struct signal_watch *find(const struct loop *loop, int signum) {
    struct signal_watch *w = loop->signals;
    while (w && w->uv.signum != signum) w = w->next;
    return w;
}

static void on_closed(uv_handle_t *handle) { free(handle->data); }

static int add(struct loop *loop, int signum, struct signal_watch **out, struct err *err) {
    struct signal_watch *w = calloc(1, sizeof *w);
    if (!w) return err_set(err, ERR_NOMEM, "no memory for a signal handler");
    int rc = uv_signal_init(&loop->uv, &w->uv);
    if (rc) {
        free(w);
        return loop_uv_error(err, rc, "cannot watch signals");
    }
    w->uv.data = w;
    rc = uv_signal_start(&w->uv, on_signal, signum);
    if (rc) {
        uv_close((uv_handle_t *)&w->uv, on_closed);
        return loop_uv_error(err, rc, "cannot watch the signal");
    }
    w->next = loop->signals;
    loop->signals = *out = w;
    return 0;
}

int loop_on_signal(struct loop *loop, int signum, void (*handler)(int signum, void *arg), void *arg, struct err *err) {
    struct signal_watch *w = find(loop, signum);
    if (!w) {
        int rc = add(loop, signum, &w, err);
        if (rc) return rc;
    }
    w->handler = handler;
    w->arg = arg;
    return 0;
}

void loop_signals_close(struct loop *loop) {
    for (struct signal_watch *w = loop->signals; w; w = w->next) uv_close((uv_handle_t *)&w->uv, on_closed);
    loop->signals = NULL;
}
