#include <stdlib.h>

#include "net/loop_internal.h"

struct dirwatch {
    uv_fs_event_t uv;
    void (*changed)(void *arg);
    void *arg;
};

/* An error status (an overflowed inotify queue) also means that something may have changed. */
static void on_event(uv_fs_event_t *handle, const char *filename, int events, int status) {
    (void)filename;
    (void)events;
    (void)status;
    struct dirwatch *w = handle->data;
    w->changed(w->arg);
}

static void on_closed(uv_handle_t *handle) { free(handle->data); }

struct dirwatch *dirwatch_new(struct loop *loop, const char *dir, void (*changed)(void *arg), void *arg, struct err *err) {
    struct dirwatch *w = calloc(1, sizeof *w);
    if (!w) {
        err_set(err, ERR_NOMEM, "no memory to watch %s", dir);
        return NULL;
    }
    (void)uv_fs_event_init(&loop->uv, &w->uv);
    w->uv.data = w;
    w->changed = changed;
    w->arg = arg;
    int rc = uv_fs_event_start(&w->uv, on_event, dir, 0);
    if (rc == 0) return w;
    loop_uv_error(err, rc, dir);
    dirwatch_free(w);
    return NULL;
}

void dirwatch_free(struct dirwatch *w) {
    if (w) uv_close((uv_handle_t *)&w->uv, on_closed);
}
