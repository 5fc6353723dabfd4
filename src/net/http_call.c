#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/http_client_internal.h"

enum {
    DEFAULT_CONNECT_TIMEOUT_MS = 5000,
    DEFAULT_TIMEOUT_MS = 30000,
    DEFAULT_BODY_BYTES = 16 << 20,
    ERROR_BODY_BYTES = 1 << 20,
    STREAM_BUFFER_BYTES = 64 << 10,
    /* Probing starts after 10 s of silence and the kernel gives up 25 s later (tcp(7)): a dead link is noticed within 40 s. */
    KEEPALIVE_IDLE_S = 10,
    KEEPALIVE_INTERVAL_S = 5,
    USER_TIMEOUT_MS = 25000,
};

static bool is_success(int status) { return status >= 200 && status < 300; }

/* Once the headers of the final answer are whole; an interim 1xx and the trailers after the body do not count. */
static void headers_done(struct http_call *call) {
    long status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (call->status || status < 200) return;
    call->status = (int)status;
    if (call->request.on_chunk && !is_success(call->status)) call->body.max_bytes = ERROR_BODY_BYTES;
    if (call->request.on_headers) call->request.on_headers(call->status, call->request.arg);
}

static struct str trim(struct str s) {
    while (s.n && isspace((unsigned char)s.p[0])) s = (struct str){s.p + 1, s.n - 1};
    while (s.n && isspace((unsigned char)s.p[s.n - 1])) s.n--;
    return s;
}

/* A status line has no colon. */
static void tell_field(const struct http_call *call, struct str line) {
    struct str name, value;
    if (str_cut(line, ':', &name, &value)) call->request.on_field(name, trim(value), call->request.arg);
}

bool http_call_is_http2(const struct http_call *call) {
    long version = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_2_0;
}

bool http_call_is_whole(const struct http_call *call) {
    struct str body = {call->body.data, call->body.len};
    return call->status && call->request.is_whole && http_call_is_http2(call) && call->request.is_whole(body, call->request.arg);
}

static void note_handed(const struct http_call *call, size_t bytes) {
    if (http_call_is_http2(call)) call->client->handed_bytes += bytes;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg) {
    struct http_call *call = arg;
    size_t bytes = size * n;
    note_handed(call, bytes);
    if (bytes <= 2 && (line[0] == '\r' || line[0] == '\n')) headers_done(call);
    if (call->request.on_field) tell_field(call, (struct str){line, bytes});
    return call->state == CALL_ENDING ? CURL_WRITEFUNC_ERROR : bytes;
}

static int stream(struct http_call *call, struct str chunk) {
    int rc = call->request.on_chunk(chunk, call->request.arg, &call->err);
    if (rc && !call->err.code) call->err.code = (enum err_code)rc;
    return rc;
}

static int collect(struct http_call *call, struct str chunk) {
    bool tolerant = call->request.on_chunk != NULL;
    size_t room = call->body.max_bytes - call->body.len;
    if (tolerant && chunk.n > room) chunk.n = room;
    int rc = buf_append(&call->body, chunk.p, chunk.n, &call->err);
    if (rc) err_prefix(&call->err, "%s: the answer is too large", call->label);
    return rc;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg) {
    struct http_call *call = arg;
    struct str chunk = {bytes, size * n};
    note_handed(call, chunk.n);
    bool streamed = call->request.on_chunk && is_success(call->status);
    int rc = streamed ? stream(call, chunk) : collect(call, chunk);
    return rc || call->state == CALL_ENDING ? CURL_WRITEFUNC_ERROR : chunk.n;
}

/* One round of curl begins any number of requests: so it is asked before each whether it may still be sent. */
static int before_request(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port) {
    const struct http_call *call = arg;
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    return http_client_is_over(call->client) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int on_socket_made(void *arg, curl_socket_t fd, curlsocktype purpose) {
    (void)arg;
    (void)purpose;
    unsigned timeout_ms = USER_TIMEOUT_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    return CURL_SOCKOPT_OK;
}

/* Options of every call. No environment variable may steer it; QUICK_EXIT: a name that does not resolve must not block the loop
 * until the resolver thread returns. */
static bool set_common(struct http_call *call) {
    CURL *e = call->easy;
    const struct http_request *r = &call->request;
    int64_t connect_ms = r->connect_timeout_ms ? r->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
    int64_t timeout_ms = r->timeout_ms ? r->timeout_ms : DEFAULT_TIMEOUT_MS;
    int bad = 0;
    bad |= (int)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    bad |= (int)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    bad |= (int)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= (int)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    bad |= (int)curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    bad |= (int)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    bad |= (int)curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    bad |= (int)curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    bad |= (int)curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
    bad |= (int)curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request);
    bad |= (int)curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
    bad |= (int)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    if (timeout_ms > 0) bad |= (int)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    /* Refused by a handle that still has the buffer of its last call, as after HTTP/2: then that one serves. */
    if (r->on_chunk) (void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)STREAM_BUFFER_BYTES);
    if (r->gzip) bad |= (int)curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
    bad |= (int)curl_easy_setopt(e, CURLOPT_USERAGENT, call->client->user_agent);
    bad |= (int)curl_easy_setopt(e, CURLOPT_PRIVATE, call);
    bad |= (int)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->curl_error);
    bad |= (int)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    bad |= (int)curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    bad |= (int)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    bad |= (int)curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    return bad == 0;
}

static int set_blob(CURL *e, CURLoption option, struct str pem) {
    if (!pem.n) return 0;
    struct curl_blob blob = {.data = (void *)(uintptr_t)pem.p, .len = pem.n, .flags = CURL_BLOB_NOCOPY};
    return (int)curl_easy_setopt(e, option, &blob);
}

/* A proxy that speaks TLS is vouched for by the system's CAs or by the server's; what goes through it is checked end to end. */
static bool set_proxy(struct http_call *call) {
    CURL *e = call->easy;
    const struct http_request *r = &call->request;
    int bad = 0;
    bad |= (int)curl_easy_setopt(e, CURLOPT_PROXY, r->proxy_url ? r->proxy_url : "");
    bad |= (int)curl_easy_setopt(e, CURLOPT_NOPROXY, "");
    bad |= (int)curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (!r->proxy_url) return bad == 0;
    if (r->tls) bad |= set_blob(e, CURLOPT_PROXY_CAINFO_BLOB, r->tls->ca_pem);
    if (r->tls && r->tls->insecure) {
        bad |= (int)curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
        bad |= (int)curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
    }
    return bad == 0;
}

/* A given CA stands alone: CAPATH, which Debian's build presets, would let the system's CAs in beside it. */
static bool set_tls(struct http_call *call) {
    CURL *e = call->easy;
    const struct http_tls *tls = call->request.tls;
    int bad = 0;
    bad |= (int)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= (int)curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (!tls) return bad == 0;
    if (tls->ca_pem.n) bad |= (int)curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    bad |= set_blob(e, CURLOPT_CAINFO_BLOB, tls->ca_pem);
    bad |= set_blob(e, CURLOPT_SSLCERT_BLOB, tls->cert_pem);
    bad |= set_blob(e, CURLOPT_SSLKEY_BLOB, tls->key_pem);
    if (tls->insecure) {
        bad |= (int)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        bad |= (int)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return bad == 0;
}

static bool set_signature(struct http_call *call) {
    const struct http_aws *aws = call->request.aws;
    char scope[128];
    if (!aws) return true;
    snprintf(scope, sizeof scope, "aws:amz:%.50s:%.50s", aws->region, aws->service);
    int bad = (int)curl_easy_setopt(call->easy, CURLOPT_AWS_SIGV4, scope);
    bad |= (int)curl_easy_setopt(call->easy, CURLOPT_USERNAME, aws->key_id);
    bad |= (int)curl_easy_setopt(call->easy, CURLOPT_PASSWORD, aws->secret);
    return bad == 0;
}

static bool set_method(struct http_call *call) {
    CURL *e = call->easy;
    const char *method = call->request.method;
    struct str body = call->request.body;
    bool has_body = body.n || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    if (!has_body && strcmp(method, "GET") == 0) return curl_easy_setopt(e, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    if (!has_body && strcmp(method, "HEAD") == 0) return curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK;
    int bad = (int)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
    if (has_body) {
        bad |= (int)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        bad |= (int)curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, body.n ? body.p : "");
    }
    return bad == 0;
}

static bool add_header(struct http_call *call, const char *line) {
    struct curl_slist *more = curl_slist_append(call->headers, line);
    if (more) call->headers = more;
    return more != NULL;
}

static bool is_content_type(const char *line) { return strncasecmp(line, "content-type:", 13) == 0; }

/* curl would add a form's content type and, to large bodies, Expect: 100-continue, which costs a round trip. It signs what is left out so
 * as if it were sent, so that a request that is signed has neither line, and no body. */
static int set_headers(struct http_call *call, struct err *err) {
    bool ok = call->request.aws || add_header(call, "Expect:"), typed = call->request.aws;
    const char *const *h = call->request.headers;
    for (; ok && h && *h; h++) {
        if (strpbrk(*h, "\r\n")) return err_set(err, ERR_INVALID, "%s: a header holds a line break", call->label);
        typed = typed || is_content_type(*h);
        ok = add_header(call, *h);
    }
    if (ok && !typed) ok = add_header(call, "Content-Type:");
    const struct http_tls *tls = call->request.tls;
    int rc = ok && tls && tls->server_name ? http_call_redirect_name(call, err) : 0;
    if (rc) return rc;
    if (ok) ok = curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;
    if (ok) ok = curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to) == CURLE_OK;
    return ok ? 0 : err_set(err, ERR_NOMEM, "no memory for a request");
}

/* curl 7.88 fails with the second request on such a connection (CURLE_HTTP2). */
static bool set_plain_http2(CURL *e) {
    int bad = (int)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    bad |= (int)curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    bad |= (int)curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    return bad == 0;
}

static bool set_target(struct http_call *call) {
    char *scheme = NULL;
    if (curl_url_get(call->url, CURLUPART_SCHEME, &scheme, 0)) return false;
    /* Many calls to one server wait for its first connection, which HTTP/2 lets them share, instead of opening one each. */
    bool secure = strcmp(scheme, "https") == 0;
    curl_free(scheme);
    if (call->request.http2 && !secure && !set_plain_http2(call->easy)) return false;
    return curl_easy_setopt(call->easy, CURLOPT_CURLU, call->url) == CURLE_OK &&
           curl_easy_setopt(call->easy, CURLOPT_PIPEWAIT, (long)secure) == CURLE_OK;
}

static bool is_token(const char *method) {
    if (!method || !*method) return false;
    for (const char *p = method; *p; p++) {
        if (!isalpha((unsigned char)*p)) return false;
    }
    return true;
}

static int prepare(struct http_call *call, struct err *err) {
    struct http_client *c = call->client;
    if (!is_token(call->request.method)) return err_set(err, ERR_INVALID, "not an HTTP method");
    int rc = http_call_set_url(call, err);
    if (rc) return rc;
    call->easy = c->spare_count ? c->spare[--c->spare_count] : curl_easy_init();
    if (!call->easy) return err_set(err, ERR_NOMEM, "no memory for a request");
    rc = set_headers(call, err);
    if (rc) return rc;
    if (set_common(call) && set_proxy(call) && set_tls(call) && set_signature(call) && set_method(call) && set_target(call)) return 0;
    return err_set(err, ERR_NOMEM, "%s: no memory for the request", call->label);
}

struct http_call *http_call_new(struct http_client *c, const struct http_request *request, struct err *err) {
    struct http_call *call = calloc(1, sizeof *call);
    if (!call) {
        err_set(err, ERR_NOMEM, "no memory for a request");
        return NULL;
    }
    call->client = c;
    call->request = *request;
    call->body = buf_new(request->max_body_bytes ? request->max_body_bytes : DEFAULT_BODY_BYTES);
    call->start_us = clock_mono_us();
    if (prepare(call, err) == 0) return call;
    http_call_free(call);
    return NULL;
}

void http_call_free(struct http_call *call) {
    struct http_client *c = call->client;
    if (call->easy && c->spare_count < HTTP_SPARE_HANDLES) {
        curl_easy_reset(call->easy);
        c->spare[c->spare_count++] = call->easy;
    } else {
        curl_easy_cleanup(call->easy);
    }
    curl_url_cleanup(call->url);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->connect_to);
    buf_free(&call->body);
    free(call->label);
    free(call);
}
