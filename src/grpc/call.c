#include "grpc/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "grpc/frame.h"

enum {
    DEFAULT_MAX_BYTES = 4 << 20,
    MAX_REQUEST_BYTES = 4 << 20,
    MESSAGE_BYTES = 600, /* of a grpc-message: a status may carry a provider's whole answer */
};

struct grpc_call {
    const struct grpc_method *method;
    struct http_call *http;
    char *where; /* "Analyze at 10.0.0.1:8080" */
    size_t max_bytes;
    int status;
    char encoding[16];
    char message[MESSAGE_BYTES];
    void (*done)(struct grpc_answer *answer, void *arg); /* NULL: nobody wants the answer */
    void *arg;
};

static void call_free(struct grpc_call *call) {
    free(call->where);
    free(call);
}

/* ---- the answer ------------------------------------------------------------------------------------------------------------------- */

static bool is_field(struct str name, const char *wanted) { return name.n == strlen(wanted) && strncasecmp(name.p, wanted, name.n) == 0; }

/* A status that comes twice counts as it came last: as a trailer. */
static void on_field(struct str name, struct str value, void *arg) {
    struct grpc_call *call = arg;
    int64_t status;
    if (is_field(name, "grpc-status"))
        call->status = str_to_int(value, &status) && status >= 0 && status <= INT32_MAX ? (int)status : GRPC_STATUS_UNKNOWN;
    else if (is_field(name, "grpc-message"))
        grpc_message_decode(value, call->message, sizeof call->message);
    else if (is_field(name, "grpc-encoding"))
        snprintf(call->encoding, sizeof call->encoding, STR_FMT, STR_ARG(value));
}

static int no_such_service(const struct grpc_call *call, struct err *err) {
    const char *said = *call->message ? call->message : "it has no such method";
    return err_set(err, ERR_UNSUPPORTED, "UNIMPLEMENTED: %s: is it older than the services of schema.v1, or no K8sGPT at all?", said);
}

static int status_error(const struct grpc_call *call, struct err *err) {
    if (call->status == GRPC_STATUS_UNIMPLEMENTED) return no_such_service(call, err);
    const char *colon = *call->message ? ": " : "";
    return err_set(err, grpc_status_code(call->status), "%s%s%s", grpc_status_name(call->status), colon, call->message);
}

static bool is_grpc(struct str content_type) { return str_starts(content_type, STR("application/grpc")); }

/* An answer that arrived whole by HTTP, and is none by gRPC: of a proxy, of a web server, of a server that broke off. */
static int not_grpc(const struct http_response *r, struct err *err) {
    enum err_code code = grpc_status_code(grpc_status_of_http(r->status));
    if (r->status != 200) return err_set(err, code, "HTTP %d instead of an answer by gRPC", r->status);
    struct str type = r->content_type.n ? r->content_type : STR("nothing");
    return err_set(err, ERR_UNSUPPORTED, "no gRPC server: it answers with " STR_FMT, (int)(type.n < 100 ? type.n : 100), type.p);
}

static int read_message(const struct grpc_call *call, struct str body, struct message *out, struct err *err) {
    struct buf unpacked = buf_new(call->max_bytes);
    struct str bytes;
    int rc = frame_open(body, str_of(call->encoding), &unpacked, &bytes, err);
    if (!rc) rc = message_unpack(call->method, bytes, out, err);
    buf_free(&unpacked);
    return rc;
}

/* What http_client says begins with the URL, which `where` stands for here. */
static int transport_error(const struct http_response *r, struct err *err) {
    const char *reason = strstr(r->err.msg, ": ");
    return err_set(err, r->err.code, "%s", reason ? reason + 2 : r->err.msg);
}

/* A status that came counts also where the connection broke after it: servers may reset a stream that they are done with. */
static int judge(const struct grpc_call *call, const struct http_response *r, struct message *out, struct err *err) {
    if (call->status > GRPC_STATUS_OK) return status_error(call, err);
    if (r->err.code) return transport_error(r, err);
    if (r->status != 200 || !is_grpc(r->content_type)) return not_grpc(r, err);
    if (call->status == GRPC_STATUS_ABSENT) return err_set(err, ERR_SERVER, "the answer ends without a status");
    return read_message(call, r->body, out, err);
}

static void on_done(const struct http_response *r, void *arg) {
    struct grpc_call *call = arg;
    struct grpc_answer answer = {.status = call->status, .duration_us = r->duration_us};
    if (call->done) {
        if (judge(call, r, &answer.message, &answer.err)) err_prefix(&answer.err, "%s", call->where);
        answer.retry = answer.err.code && grpc_may_retry(answer.err.code);
        call->done(&answer, call->arg);
        message_free(&answer.message);
    }
    call_free(call);
}

/* ---- the request ------------------------------------------------------------------------------------------------------------------ */

static const char *host_of(const char *target) {
    const char *host = strstr(target, "://");
    return host ? host + 3 : target;
}

static struct grpc_call *call_new(const struct grpc_request *request, struct err *err) {
    struct grpc_call *call = calloc(1, sizeof *call);
    if (!call) goto nomem;
    *call = (struct grpc_call){.method = request->method, .status = GRPC_STATUS_ABSENT, .done = request->done, .arg = request->arg};
    call->max_bytes = request->max_bytes ? request->max_bytes : DEFAULT_MAX_BYTES;
    if (asprintf(&call->where, "%s at %.250s", request->method->name, host_of(request->target)) >= 0) return call;
    call->where = NULL;
    call_free(call);
nomem:
    err_set(err, ERR_NOMEM, "no memory for a call");
    return NULL;
}

static int make_body(const struct grpc_request *request, struct buf *out, struct err *err) {
    struct buf message = buf_new(MAX_REQUEST_BYTES);
    int rc = message_pack(request->method, request->message, &message, err);
    if (!rc) rc = frame_begin(out, message.len, err);
    if (!rc && message.len) rc = buf_append(out, message.data, message.len, err);
    buf_free(&message);
    return rc;
}

static struct http_call *send_body(struct http_client *client, const struct grpc_request *request, struct grpc_call *call, struct str body,
                                   struct err *err) {
    char timeout[48];
    struct buf url = buf_new(4096);
    snprintf(timeout, sizeof timeout, "grpc-timeout: %" PRId64 "m", request->timeout_ms);
    const char *headers[] = {"content-type: application/grpc+proto", "te: trailers", "grpc-accept-encoding: gzip", timeout, NULL};
    struct http_request r = {.method = "POST",
                             .headers = headers,
                             .body = body,
                             .tls = request->tls,
                             .timeout_ms = request->timeout_ms,
                             .max_body_bytes = call->max_bytes + GRPC_FRAME_BYTES,
                             .http2 = true,
                             .on_field = on_field,
                             .on_done = on_done,
                             .arg = call};
    struct http_call *http = NULL;
    if (!buf_printf(&url, err, "%s%s", request->target, request->method->path)) {
        r.url = url.data;
        http = http_send(client, &r, err);
    }
    buf_free(&url);
    return http;
}

struct grpc_call *grpc_send(struct http_client *client, const struct grpc_request *request, struct err *err) {
    struct grpc_call *call = call_new(request, err);
    if (!call) return NULL;
    struct buf body = buf_new(MAX_REQUEST_BYTES + GRPC_FRAME_BYTES);
    if (!make_body(request, &body, err)) call->http = send_body(client, request, call, (struct str){body.data, body.len}, err);
    buf_free(&body);
    if (call->http) return call;
    err_prefix(err, "%s", call->where);
    call_free(call);
    return NULL;
}

void grpc_cancel(struct grpc_call *call) { http_cancel(call->http); }

void grpc_drop(struct grpc_call *call) {
    if (!call) return;
    call->done = NULL;
    http_cancel(call->http);
}
