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
    unsigned connections;    /* a further one takes the place of the one that has waited longest for its request */
    size_t header_bytes;     /* request line and headers; more: 431 */
    size_t body_bytes;       /* more: 413; 0: a body of any size is refused */
    unsigned idle_timeout_s; /* until a request is whole, from the connection or the last answer on; also for a peer that reads nothing; 0:
                                for ever */
    bool get_only;           /* anything but GET and HEAD: 405 */
};

extern const struct http_server_limits HTTP_SERVER_PROBES; /* 64 connections, 8 KiB headers, no body, 5 s, GET only */

/*
 * Called when a request is whole. The handler answers now or keeps `x` and answers later; every x must be answered once, also
 * when the server was freed meanwhile (the answer goes nowhere then).
 */
typedef void (*http_handler)(struct http_exchange *x, void *arg);

/* `listen`: "HOST:PORT", ":PORT" (all addresses), port 0: any free one. ERR_IO with the address in it when it is taken. */
struct http_server *http_server_new(struct loop *loop, const char *listen, const struct http_server_limits *limits, http_handler handler,
                                    void *arg, struct err *err) ERR_MUST_CHECK;
uint16_t http_server_port(const struct http_server *s);
void http_server_free(struct http_server *s); /* streams are closed; not from within a handler or `closed`; NULL: nothing */

/* Of the request; valid until it is answered (of a stream: until its end). Absent once the server is freed. */
struct str http_method(const struct http_exchange *x);                  /* of a HEAD: "GET", the body of the answer is left out */
struct str http_path(const struct http_exchange *x);                    /* decoded, without the query */
struct str http_query(const struct http_exchange *x, const char *name); /* decoded; p NULL: not given */
struct str http_header(const struct http_exchange *x, const char *name);
struct str http_body(const struct http_exchange *x);

/* Adds a header to the answer that follows, at most 8. ERR_LIMIT, ERR_NOMEM. */
int http_set_header(struct http_exchange *x, const char *name, const char *value, struct err *err) ERR_MUST_CHECK;

/* The whole answer. `body` is copied. After it x is gone. */
void http_respond(struct http_exchange *x, int status, const char *content_type, struct str body);

/*
 * An answer that goes on (a watch): begin, then write any number of times, then end. `closed` is called once if the peer
 * goes away first or the server is freed: x is gone then. It is called from the loop, never from within write or end (from begin
 * if the server is gone already). Writes are queued without blocking and leave in the same turn of the loop; a peer that has left
 * more than max_pending_bytes of earlier turns unread is cut off. After end x is gone; `closed` is not called any more.
 */
void http_stream_begin(struct http_exchange *x, int status, const char *content_type, size_t max_pending_bytes, void (*closed)(void *arg),
                       void *arg);
void http_stream_write(struct http_exchange *x, struct str bytes);
void http_stream_end(struct http_exchange *x);

#endif
