/*
 * http_server_internal: the parts of the HTTP server. http_server.c joins the daemon to the loop, http_conn.c keeps the connections
 * within their limits, http_exchange.c is one request and its answer, http_stream.c an answer that goes on. Not for other units.
 */
#ifndef NET_HTTP_SERVER_INTERNAL_H
#define NET_HTTP_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <uv.h>

#include "base/buf.h"
#include "net/http_server.h"

enum { HTTP_ANSWER_HEADERS = 8 };

struct http_conn {
    int fd;
    int64_t since_us; /* it waits for a request since then */
    bool waiting;     /* it is in the server's list */
    struct http_conn *prev, *next;
};

struct http_server {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    uv_poll_t *poll; /* of the daemon's epoll descriptor */
    struct timer *timeout;
    struct timer *sweeper;
    struct worker *runner;
    struct http_server_limits limits;
    http_handler handler;
    void *arg;
    uint16_t port;
    uint64_t turns; /* of the loop in which the daemon ran, so far */
    unsigned connections;
    struct http_conn *waiting; /* longest first */
    struct http_exchange *exchanges;
};

struct http_stream {
    void (*closed)(void *arg);
    void *arg;
    uv_poll_t *hangup;
    struct buf pending;
    size_t sent; /* bytes of pending that are on their way already */
    size_t max_pending_bytes;
    size_t left_bytes; /* pending in turn left_at */
    uint64_t left_at;
    bool open; /* neither ended nor closed */
    bool ended;
    bool cut;
};

struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *connection; /* NULL: the server is gone */
    struct http_exchange *prev, *next;
    const char *method, *path; /* the connection's */
    struct buf body;
    size_t dropped_bytes; /* of a body that is refused */
    int refusal;          /* status; 0: none */
    bool whole;
    bool answered;
    bool suspended;
    int status;
    struct MHD_Response *response; /* made, not yet queued */
    struct {
        char *name, *value;
    } headers[HTTP_ANSWER_HEADERS];
    size_t header_count;
    struct http_stream stream;
};

/* http_server.c */
void http_server_wake(struct http_server *s); /* the daemon runs in this turn of the loop */

/* http_listen.c: a listening socket, non-blocking; -1 with *err. */
int http_listen(const char *listen, uint16_t *port, struct err *err);

/* http_conn.c */
void http_conn_notify(void *server, struct MHD_Connection *connection, void **slot, enum MHD_ConnectionNotificationCode what);
void http_conn_wait(struct http_server *s, struct MHD_Connection *connection);
void http_conn_busy(struct http_server *s, struct MHD_Connection *connection);
void http_conn_sweep(void *server);
int http_conn_fd(struct MHD_Connection *connection);

/* http_exchange.c */
enum MHD_Result http_exchange_request(void *server, struct MHD_Connection *connection, const char *path, const char *method,
                                      const char *version, const char *bytes, size_t *size, void **slot);
void http_exchange_completed(void *server, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why);
void http_exchange_free(struct http_exchange *x);
void http_exchange_suspend(struct http_exchange *x);
void http_exchange_resume(struct http_exchange *x);
void http_exchange_answer(struct http_exchange *x, int status, const char *content_type, struct MHD_Response *response);

/* http_stream.c */
void http_stream_cut(struct http_exchange *x);
void http_stream_release(struct http_exchange *x); /* calls `closed` if it is still open */

#endif
