#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/http_server_internal.h"

enum {
    BLOCK_BYTES = 4096,          /* of HTTP/1.0 peers; chunks for others are as large as the connection's memory allows */
    KEPT_BUFFER_BYTES = 16 << 10 /* a larger buffer is released once it is empty */
};

static size_t pending_bytes(const struct http_stream *st) { return st->pending.len - st->sent; }

static void forget_sent(struct http_stream *st) {
    buf_consume(&st->pending, st->sent);
    st->sent = 0;
    if (st->pending.len == 0 && st->pending.cap > KEPT_BUFFER_BYTES) buf_free(&st->pending);
}

/* Called by the daemon when it has room; suspends the connection when there is nothing to send. */
static ssize_t on_read(void *arg, uint64_t position, char *out, size_t max) {
    (void)position;
    struct http_exchange *x = arg;
    struct http_stream *st = &x->stream;
    size_t n = pending_bytes(st);
    if (st->cut) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n == 0 && st->ended) return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == 0) {
        http_exchange_suspend(x);
        return 0;
    }
    if (n > max) n = max;
    memcpy(out, st->pending.data + st->sent, n);
    st->sent += n;
    if (st->sent == st->pending.len) forget_sent(st);
    return (ssize_t)n;
}

/* shutdown reaches the daemon in whatever state the connection is, also while it waits to write. */
void http_stream_cut(struct http_exchange *x) {
    x->stream.cut = true;
    (void)shutdown(http_conn_fd(x->connection), SHUT_RDWR);
    http_exchange_resume(x);
}

static void on_hangup(uv_poll_t *handle, int status, int events) {
    (void)status;
    (void)events;
    (void)uv_poll_stop(handle);
    http_stream_cut(handle->data);
}

/* The daemon does not watch a suspended connection: a second poll, for the end of the peer alone, does. */
static bool watch_hangup(struct http_exchange *x) {
    uv_poll_t *poll = calloc(1, sizeof *poll);
    if (!poll) return false;
    if (uv_poll_init_socket(loop_uv(x->server->loop), poll, http_conn_fd(x->connection))) {
        free(poll);
        return false;
    }
    poll->data = x;
    x->stream.hangup = poll;
    return uv_poll_start(poll, UV_DISCONNECT, on_hangup) == 0;
}

static void on_poll_closed(uv_handle_t *handle) { free(handle); }

void http_stream_release(struct http_exchange *x) {
    struct http_stream *st = &x->stream;
    if (st->hangup) uv_close((uv_handle_t *)st->hangup, on_poll_closed);
    buf_free(&st->pending);
    st->hangup = NULL;
    if (!st->open) return;
    st->open = false;
    st->closed(st->arg);
}

void http_stream_begin(struct http_exchange *x, int status, const char *content_type, size_t max_pending_bytes, void (*closed)(void *arg),
                       void *arg) {
    if (!x->connection) {
        http_exchange_free(x);
        closed(arg);
        return;
    }
    x->stream = (struct http_stream){
        .closed = closed, .arg = arg, .pending = buf_new(SIZE_MAX / 2), .max_pending_bytes = max_pending_bytes, .open = true};
    struct MHD_Response *response = NULL;
    if (watch_hangup(x)) response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, x, NULL);
    http_exchange_answer(x, status, content_type, response);
}

/* What is still pending two turns after it was written, the peer has left unread. */
static bool peer_is_slow(struct http_exchange *x) {
    struct http_stream *st = &x->stream;
    if (x->server->turns >= st->left_at + 2) {
        st->left_bytes = pending_bytes(st);
        st->left_at = x->server->turns;
    }
    return st->left_bytes > st->max_pending_bytes;
}

void http_stream_write(struct http_exchange *x, struct str bytes) {
    struct http_stream *st = &x->stream;
    if (st->cut || bytes.n == 0) return;
    if (st->sent > st->pending.len / 2) forget_sent(st);
    if (peer_is_slow(x) || buf_append(&st->pending, bytes.p, bytes.n, NULL)) {
        http_stream_cut(x);
        return;
    }
    http_exchange_resume(x);
    http_server_wake(x->server); /* a daemon that waits to write counts turns as well */
}

void http_stream_end(struct http_exchange *x) {
    x->stream.open = false;
    x->stream.ended = true;
    http_exchange_resume(x);
}
