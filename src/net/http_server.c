#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "net/http_server_internal.h"

const struct http_server_limits HTTP_SERVER_PROBES = {
    .connections = 64,
    .header_bytes = 8 << 10,
    .body_bytes = 0,
    .idle_timeout_s = 5,
    .get_only = true,
};

enum {
    SLACK_CONNECTIONS = 32,      /* evicted ones that the daemon has not closed yet */
    CONNECTION_BYTES = 32 << 10, /* of the daemon for a connection, beside the headers */
    RUNS_A_TURN = 8,
};

/* The daemon moves a connection by a step or two a run; a resumed stream has its bytes on the wire after the second. */
static bool run(void *arg) {
    struct http_server *s = arg;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    enum MHD_Result timed = MHD_YES;
    s->turns++;
    for (int i = 0; i < RUNS_A_TURN && timed == MHD_YES && wait_ms == 0; i++) {
        (void)MHD_run(s->daemon);
        timed = MHD_get_timeout(s->daemon, &wait_ms);
    }
    if (timed == MHD_YES && wait_ms == 0) return true;
    if (timed == MHD_YES) {
        timer_start(s->timeout, (int64_t)wait_ms);
    } else {
        timer_stop(s->timeout);
    }
    return false;
}

void http_server_wake(struct http_server *s) { worker_wake(s->runner); }

static void on_timeout(void *arg) { http_server_wake(arg); }

static void on_ready(uv_poll_t *handle, int status, int events) {
    (void)status;
    (void)events;
    http_server_wake(handle->data);
}

static void on_poll_closed(uv_handle_t *handle) { free(handle); }

__attribute__((format(printf, 2, 0))) static void on_log(void *arg, const char *format, va_list args) {
    (void)arg;
    char line[512];
    if (!log_enabled(LOG_DEBUG)) return;
    (void)vsnprintf(line, sizeof line, format, args);
    log_debug("net.http_server", "libmicrohttpd", LOG_S("text", line));
}

static struct MHD_Daemon *start_daemon(struct http_server *s, int fd) {
    const struct http_server_limits *l = &s->limits;
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, http_exchange_request, s,
                            MHD_OPTION_EXTERNAL_LOGGER, on_log, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                            l->connections + SLACK_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, l->header_bytes + CONNECTION_BYTES,
                            MHD_OPTION_CONNECTION_TIMEOUT, l->idle_timeout_s, MHD_OPTION_NOTIFY_CONNECTION, http_conn_notify, s,
                            MHD_OPTION_NOTIFY_COMPLETED, http_exchange_completed, s, MHD_OPTION_END);
}

/* The daemon owns the socket from then on. */
static int open_daemon(struct http_server *s, const char *listen, struct err *err) {
    int fd = http_listen(listen, &s->port, err);
    if (fd < 0) return ERR_IO;
    s->daemon = start_daemon(s, fd);
    if (s->daemon) return 0;
    (void)close(fd);
    return err_set(err, ERR_IO, "cannot start the HTTP server on %s", listen);
}

static int watch_daemon(struct http_server *s, struct err *err) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uv_poll_t *poll = info ? calloc(1, sizeof *poll) : NULL;
    if (!poll) return err_set(err, ERR_NOMEM, "no memory for an HTTP server");
    if (uv_poll_init(loop_uv(s->loop), poll, info->epoll_fd)) {
        free(poll);
        return err_set(err, ERR_IO, "cannot watch the HTTP server");
    }
    poll->data = s;
    s->poll = poll;
    return uv_poll_start(poll, UV_READABLE, on_ready) ? err_set(err, ERR_IO, "cannot watch the HTTP server") : 0;
}

struct http_server *http_server_new(struct loop *loop, const char *listen, const struct http_server_limits *limits, http_handler handler,
                                    void *arg, struct err *err) {
    struct http_server *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(err, ERR_NOMEM, "no memory for an HTTP server");
        return NULL;
    }
    s->loop = loop;
    s->limits = *limits;
    s->handler = handler;
    s->arg = arg;
    s->timeout = timer_new(loop, on_timeout, s);
    s->sweeper = timer_new(loop, http_conn_sweep, s);
    s->runner = worker_new(loop, run, s);
    int rc = s->timeout && s->sweeper && s->runner ? 0 : err_set(err, ERR_NOMEM, "no memory for an HTTP server");
    if (!rc) rc = open_daemon(s, listen, err);
    if (!rc) rc = watch_daemon(s, err);
    if (!rc) return s;
    http_server_free(s);
    return NULL;
}

uint16_t http_server_port(const struct http_server *s) { return s->port; }

/* The daemon may not be stopped while connections are suspended. */
static void stop_daemon(struct http_server *s) {
    struct http_exchange *x;
    DL_FOREACH(s->exchanges, x) {
        x->stream.cut = true;
        http_exchange_resume(x);
    }
    MHD_stop_daemon(s->daemon);
}

void http_server_free(struct http_server *s) {
    if (!s) return;
    if (s->poll) uv_close((uv_handle_t *)s->poll, on_poll_closed);
    if (s->daemon) stop_daemon(s);
    timer_free(s->timeout);
    timer_free(s->sweeper);
    worker_free(s->runner);
    free(s);
}
