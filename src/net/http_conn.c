#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/clock.h"
#include "net/http_server_internal.h"

/*
 * libmicrohttpd's own time limit starts again with every byte, so that a slow sender holds a connection for hours (slowloris).
 * Therefore each connection has until idle_timeout_s to send a whole request, and when all places are taken the one that has
 * waited longest gives way: a probe always gets in.
 */

int http_conn_fd(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static struct http_conn *conn_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static int64_t limit_us(const struct http_server *s) { return (int64_t)s->limits.idle_timeout_s * 1000000; }

static void arm(struct http_server *s) {
    if (!s->waiting || !s->limits.idle_timeout_s || timer_active(s->sweeper)) return;
    int64_t left_us = s->waiting->since_us + limit_us(s) - clock_mono_us();
    timer_start(s->sweeper, left_us > 0 ? left_us / 1000 : 0);
}

static void leave(struct http_server *s, struct http_conn *c) {
    if (!c->waiting) return;
    DL_DELETE(s->waiting, c);
    c->waiting = false;
}

/* The daemon finds the socket at its end and closes it. */
static void evict(struct http_server *s, struct http_conn *c) {
    leave(s, c);
    (void)shutdown(c->fd, SHUT_RDWR);
}

static void enter(struct http_server *s, struct http_conn *c) {
    leave(s, c);
    c->since_us = clock_mono_us();
    c->waiting = true;
    DL_APPEND(s->waiting, c);
    arm(s);
}

void http_conn_wait(struct http_server *s, struct MHD_Connection *connection) {
    struct http_conn *c = conn_of(connection);
    if (c) enter(s, c);
}

void http_conn_busy(struct http_server *s, struct MHD_Connection *connection) {
    struct http_conn *c = conn_of(connection);
    if (c) leave(s, c);
}

void http_conn_sweep(void *server) {
    struct http_server *s = server;
    int64_t oldest_us = clock_mono_us() - limit_us(s);
    while (s->waiting && s->waiting->since_us <= oldest_us) evict(s, s->waiting);
    arm(s);
}

static void opened(struct http_server *s, struct MHD_Connection *connection, void **slot) {
    struct http_conn *c = calloc(1, sizeof *c);
    *slot = c;
    s->connections++;
    if (!c) {
        (void)shutdown(http_conn_fd(connection), SHUT_RDWR);
        return;
    }
    c->fd = http_conn_fd(connection);
    enter(s, c);
    if (s->connections > s->limits.connections) evict(s, s->waiting);
}

static void closed(struct http_server *s, void **slot) {
    struct http_conn *c = *slot;
    s->connections--;
    *slot = NULL;
    if (c) leave(s, c);
    free(c);
}

void http_conn_notify(void *server, struct MHD_Connection *connection, void **slot, enum MHD_ConnectionNotificationCode what) {
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        opened(server, connection, slot);
    } else {
        closed(server, slot);
    }
}
