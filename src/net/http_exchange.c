#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "net/http_server_internal.h"

/* So much of a refused body is still read, because closing with unread bytes makes the kernel reset the connection, answer and all. */
enum { DRAIN_BYTES = 256 << 10 };

static struct http_exchange *exchange_new(struct http_server *s, struct MHD_Connection *connection, const char *method, const char *path) {
    struct http_exchange *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    x->server = s;
    x->connection = connection;
    x->method = method;
    x->path = path;
    x->body = buf_new(s->limits.body_bytes);
    DL_APPEND(s->exchanges, x);
    return x;
}

void http_exchange_free(struct http_exchange *x) {
    if (x->connection) DL_DELETE(x->server->exchanges, x);
    if (x->response) MHD_destroy_response(x->response);
    for (size_t i = 0; i < x->header_count; i++) free(x->headers[i].name), free(x->headers[i].value);
    buf_free(&x->body);
    free(x);
}

void http_exchange_suspend(struct http_exchange *x) {
    MHD_suspend_connection(x->connection);
    x->suspended = true;
}

void http_exchange_resume(struct http_exchange *x) {
    if (!x->suspended) return;
    x->suspended = false;
    MHD_resume_connection(x->connection);
    http_server_wake(x->server);
}

static size_t header_bytes(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

static int64_t content_length(const struct http_exchange *x) {
    int64_t n = 0;
    return str_to_int(http_header(x, "Content-Length"), &n) ? n : 0;
}

/* What can be refused before the body comes. */
static int early_refusal(const struct http_exchange *x) {
    const struct http_server_limits *limits = &x->server->limits;
    bool get = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0;
    if (header_bytes(x->connection) > limits->header_bytes) return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
    if (limits->get_only && !get) return MHD_HTTP_METHOD_NOT_ALLOWED;
    if (x->path[0] != '/') return MHD_HTTP_BAD_REQUEST; /* a NUL byte ends what the daemon hands on; RFC 9112 3.2.1 */
    if (content_length(x) > (int64_t)limits->body_bytes) return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

static const char *refusal_text(int status) {
    switch (status) {
    case MHD_HTTP_METHOD_NOT_ALLOWED: return "only GET and HEAD are answered here\n";
    case MHD_HTTP_BAD_REQUEST: return "the request names no path\n";
    case MHD_HTTP_CONTENT_TOO_LARGE: return "the request body is too large\n";
    default: return "the request headers are too large\n";
    }
}

static enum MHD_Result queue(struct http_exchange *x) {
    if (!x->response) return MHD_NO;
    enum MHD_Result rc = MHD_queue_response(x->connection, (unsigned)x->status, x->response);
    MHD_destroy_response(x->response);
    x->response = NULL;
    return rc;
}

static enum MHD_Result refuse(struct http_exchange *x) {
    /* RFC 9110 15.5.6: a 405 names what is allowed. */
    if (x->refusal == MHD_HTTP_METHOD_NOT_ALLOWED && http_set_header(x, "Allow", "GET, HEAD", NULL)) return MHD_NO;
    http_respond(x, x->refusal, "text/plain; charset=utf-8", str_of(refusal_text(x->refusal)));
    return queue(x);
}

static enum MHD_Result begin(struct http_exchange *x) {
    x->refusal = early_refusal(x);
    return x->refusal && content_length(x) > DRAIN_BYTES ? refuse(x) : MHD_YES;
}

static enum MHD_Result take_body(struct http_exchange *x, const char *bytes, size_t *size) {
    struct err err;
    size_t n = *size;
    *size = 0;
    int rc = x->refusal ? 0 : buf_append(&x->body, bytes, n, &err);
    if (rc == ERR_NOMEM) return MHD_NO;
    if (rc == ERR_LIMIT) x->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
    if (x->refusal) x->dropped_bytes += n;
    return x->dropped_bytes > DRAIN_BYTES ? MHD_NO : MHD_YES;
}

enum MHD_Result http_exchange_request(void *server, struct MHD_Connection *connection, const char *path, const char *method,
                                      const char *version, const char *bytes, size_t *size, void **slot) {
    (void)version;
    struct http_server *s = server;
    struct http_exchange *x = *slot;
    if (!x) {
        *slot = x = exchange_new(s, connection, method, path);
        return x ? begin(x) : MHD_NO;
    }
    if (*size) return take_body(x, bytes, size);
    if (!x->whole) {
        x->whole = true;
        http_conn_busy(s, connection);
        if (x->refusal) return refuse(x);
        s->handler(x, s->arg);
    }
    if (x->answered) return queue(x);
    http_exchange_suspend(x);
    return MHD_YES;
}

/* The handler may still hold an exchange that it has not answered: that one stays, without a connection. */
void http_exchange_completed(void *server, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why) {
    (void)why;
    struct http_exchange *x = *slot;
    if (!x) return;
    *slot = NULL;
    http_conn_wait(server, connection);
    http_stream_release(x);
    if (x->whole && !x->answered) {
        DL_DELETE(x->server->exchanges, x);
        x->connection = NULL;
    } else {
        http_exchange_free(x);
    }
}

struct str http_method(const struct http_exchange *x) {
    if (!x->connection) return (struct str){0};
    return strcmp(x->method, "HEAD") == 0 ? STR("GET") : str_of(x->method);
}

struct str http_path(const struct http_exchange *x) {
    return str_of(x->connection ? x->path : NULL);
}

static struct str lookup(const struct http_exchange *x, enum MHD_ValueKind kind, const char *name) {
    const char *value = NULL;
    size_t n = 0;
    if (!x->connection || MHD_lookup_connection_value_n(x->connection, kind, name, strlen(name), &value, &n) != MHD_YES)
        return (struct str){0};
    return value ? (struct str){value, n} : STR("");
}

struct str http_query(const struct http_exchange *x, const char *name) {
    return lookup(x, MHD_GET_ARGUMENT_KIND, name);
}

struct str http_header(const struct http_exchange *x, const char *name) {
    return lookup(x, MHD_HEADER_KIND, name);
}

struct str http_body(const struct http_exchange *x) {
    return (struct str){x->body.data, x->body.len};
}

int http_set_header(struct http_exchange *x, const char *name, const char *value, struct err *err) {
    size_t i = x->header_count;
    if (i == HTTP_ANSWER_HEADERS) return err_set(err, ERR_LIMIT, "more than %d headers in an answer", HTTP_ANSWER_HEADERS);
    x->headers[i].name = str_dup(str_of(name));
    x->headers[i].value = str_dup(str_of(value));
    x->header_count++;
    return x->headers[i].name && x->headers[i].value ? 0 : err_set(err, ERR_NOMEM, "no memory for a header");
}

static bool add_headers(struct http_exchange *x, const char *content_type) {
    bool ok = !content_type || MHD_add_response_header(x->response, "Content-Type", content_type) == MHD_YES;
    for (size_t i = 0; ok && i < x->header_count; i++) {
        ok = x->headers[i].name && x->headers[i].value &&
             MHD_add_response_header(x->response, x->headers[i].name, x->headers[i].value) == MHD_YES;
    }
    return ok;
}

/* Without a response (no memory) the daemon is told to close the connection, see queue. */
void http_exchange_answer(struct http_exchange *x, int status, const char *content_type, struct MHD_Response *response) {
    x->answered = true;
    x->status = status;
    x->response = response;
    if (response && !add_headers(x, content_type)) {
        MHD_destroy_response(response);
        x->response = NULL;
    }
    http_exchange_resume(x);
}

void http_respond(struct http_exchange *x, int status, const char *content_type, struct str body) {
    if (!x->connection) {
        http_exchange_free(x);
        return;
    }
    void *bytes = (void *)(uintptr_t)(body.n ? body.p : "");
    http_exchange_answer(x, status, content_type, MHD_create_response_from_buffer(body.n, bytes, MHD_RESPMEM_MUST_COPY));
}
