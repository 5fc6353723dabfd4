/*
 * http_server: a small HTTP/1.1 server on the loop (libmicrohttpd, external epoll).
 *
 * Serves the operator's metrics and health pages, and carries the embedded API server. Limits are given at birth: an address that
 * faces a network is sized for probes (GET only, no bodies, 64 connections), the embedded API server for clients.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

struct http_server;
struct http_exchange; /* one request and its answer */

struct http_server_limits {
    unsigned connections;
    size_t header_bytes;
    size_t body_bytes; /* 0: a request with a body is refused with 413 */
    unsigned idle_timeout_s;
    bool get_only; /* anything but GET and HEAD: 405 */
};

extern const struct http_server_limits HTTP_SERVER_PROBES; /* 64 connections, 8 KiB headers, no body, 5 s, GET only */

/* Called when a request is whole. The handler answers now or keeps `x` and answers later; every x must be answered once. */
typedef void (*http_handler)(struct http_exchange *x, void *arg);

/* `listen`: "HOST:PORT", ":PORT" (all addresses), port 0: any free one. ERR_IO with the address in it when it is taken. */
struct http_server *http_server_new(struct loop *loop, const char *listen, const struct http_server_limits *limits, http_handler handler,
                                    void *arg, struct err *err) ERR_MUST_CHECK;
uint16_t http_server_port(const struct http_server *s);
void http_server_free(struct http_server *s); /* streams are closed */

/* Of the request; valid until it is answered (of a stream: until its end). */
struct str http_method(const struct http_exchange *x);
struct str http_path(const struct http_exchange *x);                           /* decoded, without the query */
struct str http_query(const struct http_exchange *x, const char *name);        /* decoded; p NULL: not given */
struct str http_header(const struct http_exchange *x, const char *name);
struct str http_body(const struct http_exchange *x);

/* The whole answer. `body` is copied. After it x is gone. */
void http_respond(struct http_exchange *x, int status, const char *content_type, struct str body);

/*
 * An answer that goes on (a watch): begin, then write any number of times, then end. `closed` is called once if the peer
 * goes away first or the server is freed: x is gone then. Writes are queued without blocking; a peer that leaves more than
 * max_pending_bytes unread is cut off.
 */
void http_stream_begin(struct http_exchange *x, int status, const char *content_type, size_t max_pending_bytes, void (*closed)(void *arg), void *arg);
void http_stream_write(struct http_exchange *x, struct str bytes);
void http_stream_end(struct http_exchange *x);

#endif
