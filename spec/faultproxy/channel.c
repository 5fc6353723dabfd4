#include "channel_internal.h"

#include "memory.h"

enum { BLOCK_BYTES = 64 * 1024 };

struct sending {
    uv_write_t write;
    char bytes[];
};

static void on_closed(uv_handle_t *handle) {
    struct channel *c = handle->data;
    SSL_free(c->ssl);
    buf_free(&c->early);
    free(c);
}

static void close_now(struct channel *c) {
    c->closing = true;
    if (!uv_is_closing((uv_handle_t *)&c->tcp)) uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void channel_broke(struct channel *c, const char *why) {
    if (!c->closing) c->user->gone(why, c->arg);
}

/* ---- sending ------------------------------------------------------------------------------------------------------------------ */

static void on_sent(uv_write_t *write, int status) {
    struct channel *c = write->handle->data;
    free(write->data);
    if (c->closing || status == UV_ECANCELED) return;
    if (status)
        channel_broke(c, uv_strerror(status));
    else
        c->user->sent(c->arg);
}

void channel_send_raw(struct channel *c, struct str bytes) {
    struct sending *s = memory_new(sizeof *s + bytes.n);
    memcpy(s->bytes, bytes.p, bytes.n);
    s->write.data = s;
    uv_buf_t out = uv_buf_init(s->bytes, (unsigned)bytes.n);
    int rc = uv_write(&s->write, (uv_stream_t *)&c->tcp, &out, 1, on_sent);
    if (rc) free(s); /* the connection is over: its end is reported by reading */
}

void channel_send(struct channel *c, struct str bytes) {
    if (!bytes.n || c->closing || c->ended) return;
    if (c->ssl)
        channel_tls_send(c, bytes);
    else
        channel_send_raw(c, bytes);
}

size_t channel_unsent(const struct channel *c) { return c->early.len + uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp); }

static void on_shutdown(uv_shutdown_t *shutdown, int status) {
    struct channel *c = shutdown->handle->data;
    (void)status;
    free(shutdown);
    if (c->closing) close_now(c);
}

/* False: it cannot be done, as the connection does not stand or is over. */
static bool end_stream(struct channel *c) {
    uv_shutdown_t *shutdown = memory_new(sizeof *shutdown);
    if (uv_shutdown(shutdown, (uv_stream_t *)&c->tcp, on_shutdown) == 0) return true;
    free(shutdown);
    return false;
}

void channel_end(struct channel *c) {
    if (c->ended || c->closing) return;
    c->ended = true;
    if (!c->connected) return; /* on_connected does it */
    if (c->ssl) channel_tls_end(c);
    (void)end_stream(c);
}

void channel_close(struct channel *c) {
    if (!c || c->closing) return;
    channel_read(c, false);
    c->closing = true;
    if (c->ended && channel_unsent(c) > 0) return; /* on_shutdown closes */
    if (c->ssl && !c->ended) channel_tls_end(c);
    if (c->ended || !end_stream(c)) close_now(c);
}

void channel_reset(struct channel *c) {
    if (!c || c->closing) return;
    c->closing = true;
    if (uv_tcp_close_reset(&c->tcp, on_closed)) close_now(c); /* it refuses after a shutdown */
}

static void end_one(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (uv_handle_get_type(handle) == UV_TCP && !uv_is_closing(handle)) close_now(handle->data);
}

void channel_end_all(struct loop *loop) { uv_walk(loop_uv(loop), end_one, NULL); }

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */

static void give_block(uv_handle_t *handle, size_t wanted, uv_buf_t *out) {
    static char block[BLOCK_BYTES]; /* read is called right after with what is in it */
    (void)handle;
    (void)wanted;
    *out = uv_buf_init(block, sizeof block);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *block) {
    struct channel *c = stream->data;
    if (n == UV_EOF)
        c->user->end(c->arg);
    else if (n < 0)
        channel_broke(c, uv_strerror((int)n));
    else if (n > 0 && c->ssl)
        channel_tls_take(c, (struct str){block->base, (size_t)n});
    else if (n > 0)
        c->user->bytes((struct str){block->base, (size_t)n}, c->arg);
}

void channel_read(struct channel *c, bool on) {
    if (c->closing || c->reading == on) return;
    c->reading = on;
    if (!c->connected) return;
    if (!on)
        (void)uv_read_stop((uv_stream_t *)&c->tcp);
    else if (uv_read_start((uv_stream_t *)&c->tcp, give_block, on_read))
        channel_broke(c, "cannot read");
}

/* ---- making ------------------------------------------------------------------------------------------------------------------- */

static struct channel *channel_new(uv_loop_t *uv, SSL_CTX *tls, const struct channel_user *user, void *arg) {
    enum { MAX_EARLY_BYTES = 8 << 20 };
    struct channel *c = memory_new(sizeof *c);
    c->user = user;
    c->arg = arg;
    c->early = buf_new(MAX_EARLY_BYTES);
    if (tls) c->ssl = channel_tls_new(tls);
    (void)uv_tcp_init(uv, &c->tcp);
    c->tcp.data = c;
    return c;
}

static void connected(struct channel *c) {
    bool reading = c->reading, ended = c->ended;
    c->connected = true;
    (void)uv_tcp_nodelay(&c->tcp, 1);
    c->reading = !reading;
    channel_read(c, reading);
    if (c->ssl) channel_tls_begin(c);
    c->ended = false;
    if (ended) channel_end(c);
}

struct channel *channel_accept(uv_stream_t *listener, SSL_CTX *tls, const struct channel_user *user, void *arg) {
    struct channel *c = channel_new(listener->loop, tls, user, arg);
    if (c->ssl) SSL_set_accept_state(c->ssl);
    c->reading = true;
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) == 0) {
        connected(c);
        return c;
    }
    close_now(c);
    return NULL;
}

static void on_connected(uv_connect_t *connect, int status) {
    struct channel *c = connect->handle->data;
    free(connect);
    if (c->closing)
        close_now(c);
    else if (status)
        channel_broke(c, uv_strerror(status));
    else
        connected(c);
}

struct channel *channel_connect(struct loop *loop, const struct sockaddr_in *to, SSL_CTX *tls, const struct channel_user *user, void *arg) {
    struct channel *c = channel_new(loop_uv(loop), tls, user, arg);
    uv_connect_t *connect = memory_new(sizeof *connect);
    if (c->ssl) SSL_set_connect_state(c->ssl);
    c->reading = true;
    /* A refusal is reported by on_connected, also the one that is known at once. */
    if (uv_tcp_connect(connect, &c->tcp, (const struct sockaddr *)to, on_connected) == 0) return c;
    free(connect);
    close_now(c);
    return NULL;
}
