#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "net/loop_internal.h"

int loop_uv_error(struct err *err, int uv_code, const char *what) {
    enum err_code code = uv_code == UV_ENOMEM ? ERR_NOMEM : uv_code == UV_ENOENT ? ERR_NOT_FOUND : ERR_IO;
    return err_set(err, code, "%s: %s", what, uv_strerror(uv_code));
}

static void ignore_async(uv_async_t *handle) { (void)handle; }

static void expire(uv_timer_t *handle) {
    struct loop *loop = handle->data;
    loop->expired = true;
}

static bool is_over(const struct loop *loop) { return *loop->awaited || loop->expired || loop->stopped; }

/* A turn runs the timers that are due and then blocks for I/O, even if one of them has just raised the flag: not so. */
static void before_blocking(uv_prepare_t *handle) {
    struct loop *loop = handle->data;
    if (is_over(loop)) uv_stop(&loop->uv);
}

/* OpenSSL writes to sockets without MSG_NOSIGNAL: a peer that went away must not end the process. */
static void ignore_sigpipe(void) { (void)signal(SIGPIPE, SIG_IGN); }

struct loop *loop_new(struct err *err) {
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        err_set(err, ERR_NOMEM, "no memory for the event loop");
        return NULL;
    }
    int rc = uv_loop_init(&loop->uv);
    if (rc) goto fail;
    rc = uv_async_init(&loop->uv, &loop->keep, ignore_async);
    if (rc) {
        (void)uv_loop_close(&loop->uv);
        goto fail;
    }
    (void)uv_timer_init(&loop->uv, &loop->deadline);
    (void)uv_prepare_init(&loop->uv, &loop->gate);
    loop->deadline.data = loop->gate.data = loop;
    ignore_sigpipe();
    return loop;
fail:
    loop_uv_error(err, rc, "cannot create the event loop");
    free(loop);
    return NULL;
}

static void report_leak(uv_handle_t *handle, void *arg) {
    size_t *leaks = arg;
    if (uv_is_closing(handle)) return;
    log_error("net.loop", "handle left open", LOG_S("type", uv_handle_type_name(uv_handle_get_type(handle))));
    ++*leaks;
}

void loop_free(struct loop *loop) {
    if (!loop) return;
    loop_signals_close(loop);
    loop_processes_close(loop);
    uv_close((uv_handle_t *)&loop->deadline, NULL);
    uv_close((uv_handle_t *)&loop->gate, NULL);
    uv_close((uv_handle_t *)&loop->keep, NULL);
    size_t leaks = 0;
    uv_walk(&loop->uv, report_leak, &leaks);
    assert(leaks == 0);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT)) {} /* more than once when a stop came after the last run */
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    (void)rc;
    free(loop);
}

void loop_run(struct loop *loop) {
    while (!loop->stopped) (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->stopped = false;
}

void loop_stop(struct loop *loop) {
    loop->stopped = true;
    uv_stop(&loop->uv);
}

bool loop_run_until(struct loop *loop, const bool *flag, int64_t timeout_ms) {
    loop->expired = false;
    loop->awaited = flag;
    uv_update_time(&loop->uv);
    (void)uv_timer_start(&loop->deadline, expire, timeout_ms > 0 ? (uint64_t)timeout_ms : 0, 0);
    (void)uv_prepare_start(&loop->gate, before_blocking);
    while (!is_over(loop)) (void)uv_run(&loop->uv, UV_RUN_ONCE);
    (void)uv_prepare_stop(&loop->gate);
    (void)uv_timer_stop(&loop->deadline);
    loop->stopped = false;
    return *flag;
}

struct uv_loop_s *loop_uv(struct loop *loop) {
    return &loop->uv;
}
