/*
 * http_fixture: a loop, a server and a client in one process, and a call that collects what comes back. For the tests of this folder.
 */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"

enum { WAIT_MS = 20000 };

struct got {
    bool done;
    int done_count, status, headers_status;
    struct err err;
    int64_t retry_after_s, wire_bytes;
    char content_type[64];
    struct buf body, chunks;
    size_t fail_after; /* on_chunk fails once so many bytes came; 0: never */
    struct http_call *call;
    bool cancel_on_chunk, cancel_on_headers;
};

static struct loop *loop;
static struct http_client *client;

static inline struct got got_new(void) { return (struct got){.body = buf_new(SIZE_MAX / 2), .chunks = buf_new(SIZE_MAX / 2)}; }

static inline void got_free(struct got *g) {
    buf_free(&g->body);
    buf_free(&g->chunks);
}

static inline void on_done(const struct http_response *r, void *arg) {
    struct got *g = arg;
    g->done = true;
    g->done_count++;
    g->status = r->status;
    g->err = r->err;
    g->retry_after_s = r->retry_after_s;
    g->wire_bytes = r->wire_bytes;
    (void)snprintf(g->content_type, sizeof g->content_type, STR_FMT, STR_ARG(r->content_type));
    assert_int_equal(buf_append(&g->body, r->body.n ? r->body.p : "", r->body.n, NULL), 0);
    assert_true(r->duration_us >= 0);
}

static inline void on_headers(int status, void *arg) {
    struct got *g = arg;
    assert_int_equal(g->headers_status, 0);
    g->headers_status = status;
    if (g->cancel_on_headers) http_cancel(g->call);
}

static inline int on_chunk(struct str chunk, void *arg, struct err *err) {
    struct got *g = arg;
    assert_false(g->done);
    assert_int_not_equal(g->headers_status, 0);
    assert_int_equal(buf_append(&g->chunks, chunk.p, chunk.n, NULL), 0);
    if (g->cancel_on_chunk) http_cancel(g->call);
    if (g->fail_after && g->chunks.len >= g->fail_after) return err_set(err, ERR_SYNTAX, "enough");
    return 0;
}

static inline struct http_request get_of(const char *url, struct got *g) {
    return (struct http_request){
        .method = "GET", .url = url, .timeout_ms = WAIT_MS, .on_headers = on_headers, .on_done = on_done, .arg = g};
}

static inline void send_it(const struct http_request *r, struct got *g) {
    struct err err = {0};
    *g = got_new();
    g->call = http_send(client, r, &err);
    if (!g->call) fail_msg("%s", err.msg);
    assert_false(g->done);
}

/* Sends and waits for the end. */
static inline void exchange(const struct http_request *r, struct got *g) {
    send_it(r, g);
    assert_true(loop_run_until(loop, &g->done, WAIT_MS));
    assert_int_equal(g->done_count, 1);
}

static inline void turn(int64_t ms) {
    const bool never = false;
    (void)loop_run_until(loop, &never, ms);
}

static inline int base_setup(void **state) {
    (void)state;
    struct err err = {0};
    loop = loop_new(&err);
    client = loop ? http_client_new(loop, "spec/1", &err) : NULL;
    return client ? 0 : -1;
}

static inline int base_teardown(void **state) {
    (void)state;
    http_client_free(client);
    loop_free(loop);
    return 0;
}

/* A listening TCP socket of our own, for peers that misbehave. */
static inline int raw_listen(uint16_t *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static inline int raw_connect(uint16_t port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static inline void raw_send(int fd, const char *text) { assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text)); }

/* Runs the loop until the peer of fd answers or closes; the bytes of one read. 0: closed, -1: reset or nothing within WAIT_MS. */
static inline ssize_t raw_recv(int fd, char *out, size_t size) {
    int64_t end_us = clock_mono_us() + (int64_t)WAIT_MS * 1000;
    ssize_t n;
    do {
        turn(1);
        n = recv(fd, out, size - 1, MSG_DONTWAIT);
    } while (n < 0 && errno == EAGAIN && clock_mono_us() < end_us);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

#endif
