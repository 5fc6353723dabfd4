/*
 * relay: a TCP relay that cuts connections: after so many bytes, in the middle of whatever they are, or at once.
 *
 * Stands between a client and a server on one loop.
 */
#ifndef SPEC_OPERATOR_RELAY_H
#define SPEC_OPERATOR_RELAY_H

#include <netinet/in.h>
#include <stdlib.h>
#include <uv.h>

#include <cmocka.h>

#include "net/loop.h"

struct relay {
    struct uv_loop_s *uv;
    uv_tcp_t listener;
    uint16_t target_port;
    struct pipe *pipes;
    size_t cuts;
    bool refuses;                    /* new connections are closed at once */
    bool swallows;                   /* nothing passes any more, as with a peer that is gone for good */
    int64_t (*allowance)(void *arg); /* bytes that a new connection may carry; negative: any number */
    void *arg;
};

/* Two ends of one connection; what comes in at one goes out at the other. */
struct end {
    uv_tcp_t tcp;
    struct pipe *pipe;
    struct end *other;
};

struct pipe {
    struct relay *relay;
    struct end client, server;
    int64_t left; /* bytes until the cut; negative: none */
    bool cut;
    int open; /* handles */
    struct pipe **place, *next;
};

struct relayed {
    uv_write_t write;
    char bytes[];
};

static inline void relay_closed(uv_handle_t *handle) {
    struct end *e = handle->data;
    if (--e->pipe->open == 0) free(e->pipe);
}

static inline void relay_cut(struct pipe *p) {
    if (p->cut) return;
    p->cut = true;
    p->relay->cuts++;
    *p->place = p->next;
    if (p->next) p->next->place = p->place;
    uv_close((uv_handle_t *)&p->client.tcp, relay_closed);
    uv_close((uv_handle_t *)&p->server.tcp, relay_closed);
}

static inline void relay_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *out) {
    (void)handle;
    (void)wanted;
    struct relayed *r = malloc(sizeof *r + 65536);
    assert_non_null(r);
    *out = uv_buf_init(r->bytes, 65536);
}

static inline void relay_written(uv_write_t *write, int status) {
    struct end *to = write->handle->data;
    free(write->data);
    if (status || to->pipe->left == 0) relay_cut(to->pipe);
}

static inline void relay_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct end *from = stream->data;
    struct pipe *p = from->pipe;
    struct relayed *r = buf->base ? (struct relayed *)(void *)(buf->base - offsetof(struct relayed, bytes)) : NULL;
    if (n <= 0 || p->left == 0) {
        free(r);
        if (n < 0) relay_cut(p);
        return;
    }
    if (p->relay->swallows) {
        free(r);
        return;
    }
    if (p->left >= 0 && n > p->left) n = (ssize_t)p->left;
    if (p->left > 0) p->left -= n;
    r->write.data = r;
    uv_buf_t out = uv_buf_init(r->bytes, (unsigned)n);
    if (uv_write(&r->write, (uv_stream_t *)&from->other->tcp, &out, 1, relay_written) == 0) return;
    free(r);
    relay_cut(p);
}

static inline void relay_connected(uv_connect_t *connect, int status) {
    struct end *e = connect->handle->data;
    free(connect);
    if (status == UV_ECANCELED) return;
    if (status || uv_read_start((uv_stream_t *)&e->pipe->client.tcp, relay_allocate, relay_read) ||
        uv_read_start((uv_stream_t *)&e->pipe->server.tcp, relay_allocate, relay_read))
        relay_cut(e->pipe);
}

static inline void relay_end_init(struct end *e, struct pipe *p, struct end *other) {
    e->pipe = p;
    e->other = other;
    assert_int_equal(uv_tcp_init(p->relay->uv, &e->tcp), 0);
    e->tcp.data = e;
    p->open++;
}

static inline void relay_accept(uv_stream_t *listener, int status) {
    struct relay *r = listener->data;
    struct pipe *p = calloc(1, sizeof *p);
    uv_connect_t *connect = malloc(sizeof *connect);
    struct sockaddr_in to;
    assert_true(status == 0 && p && connect);
    *p = (struct pipe){.relay = r, .left = r->allowance(r->arg), .place = &r->pipes, .next = r->pipes};
    if (p->next) p->next->place = &p->next;
    r->pipes = p;
    relay_end_init(&p->client, p, &p->server);
    relay_end_init(&p->server, p, &p->client);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&p->client.tcp), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", r->target_port, &to), 0);
    assert_int_equal(uv_tcp_connect(connect, &p->server.tcp, (struct sockaddr *)&to, relay_connected), 0);
    if (r->refuses) relay_cut(p);
}

/* The port that it listens on. */
static inline uint16_t relay_start(struct relay *r, struct loop *loop, uint16_t target_port) {
    struct sockaddr_in any, bound;
    int size = sizeof bound;
    r->uv = loop_uv(loop);
    r->target_port = target_port;
    r->listener.data = r;
    assert_int_equal(uv_tcp_init(r->uv, &r->listener), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &any), 0);
    assert_int_equal(uv_tcp_bind(&r->listener, (struct sockaddr *)&any, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&r->listener, 64, relay_accept), 0);
    assert_int_equal(uv_tcp_getsockname(&r->listener, (struct sockaddr *)&bound, &size), 0);
    return ntohs(bound.sin_port);
}

/* Draws anew how many bytes each connection may still carry that has not reached its end. */
static inline void relay_limit(struct relay *r) {
    for (struct pipe *p = r->pipes; p; p = p->next)
        if (p->left != 0) p->left = r->allowance(r->arg);
}

static inline void relay_half_closed(uv_shutdown_t *request, int status) {
    (void)status;
    free(request);
}

/* Says to the clients that nothing more will come, but goes on taking what they send. */
static inline void relay_half_close_all(struct relay *r) {
    for (struct pipe *p = r->pipes; p; p = p->next) {
        uv_shutdown_t *request = malloc(sizeof *request);
        assert_non_null(request);
        assert_int_equal(uv_shutdown(request, (uv_stream_t *)&p->client.tcp, relay_half_closed), 0);
    }
}

static inline void relay_cut_all(struct relay *r) {
    while (r->pipes) relay_cut(r->pipes);
}

/* The loop has to turn once more before it is freed. */
static inline void relay_stop(struct relay *r) {
    relay_cut_all(r);
    uv_close((uv_handle_t *)&r->listener, NULL);
}

#endif
