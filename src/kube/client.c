#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "kube/client_internal.h"

static const struct metric_def REQUESTS = {
    .name = "k8sgpt_api_requests_total",
    .help = "Requests to the API server by verb, resource and status code; <error> where no answer came.",
    .type = METRIC_COUNTER,
    .labels = {"verb", "resource", "code"},
};
static const struct metric_def DURATION = {
    .name = "k8sgpt_api_request_duration_seconds",
    .help = "How long requests to the API server took, watches left out.",
    .type = METRIC_HISTOGRAM,
    .labels = {"verb"},
};

struct kube_client *kube_client_new(struct loop *loop, struct http_client *http, const struct kube_config *config, struct metrics *metrics,
                                    struct err *err) {
    struct kube_client *c = calloc(1, sizeof *c);
    struct doc_builder *builder = doc_builder_new();
    if (!c || !builder) {
        free(c);
        doc_builder_free(builder);
        err_set(err, ERR_NOMEM, "no memory for a client of %s", config->server);
        return NULL;
    }
    c->loop = loop;
    c->http = http;
    c->config = config;
    c->builder = builder;
    c->requests = metrics ? metrics_define(metrics, &REQUESTS) : NULL;
    c->duration = metrics ? metrics_define(metrics, &DURATION) : NULL;
    return c;
}
struct loop *kube_client_loop(const struct kube_client *c) {
    return c->loop;
}

static void call_free(struct kube_call *call) {
    free(call->url);
    free(call->body);
    free(call);
}

static void tell(struct kube_call *call, struct doc *object, const struct err *err) {
    if (call->streamed)
        call->done.stream(err, call->arg);
    else
        call->done.object(object, err->code ? err : NULL, call->arg);
}

static void observe(const struct kube_call *call, const struct http_response *response) {
    char code[16] = "<error>";
    if (response->status) snprintf(code, sizeof code, "%d", response->status);
    metric_add(call->client->requests, METRIC_LABELS(str_of(call->verb), str_of(call->resource), str_of(code)), 1);
    if (strcmp(call->verb, "watch") == 0) return;
    metric_observe(call->client->duration, METRIC_LABELS(str_of(call->verb)), (double)response->duration_us / 1e6);
}

static int start(struct kube_call *call, struct err *err);

/* A token that expired a moment ago costs one more round trip, not a failed reconcile: a refused request has had no effect. */
static bool try_again(struct kube_call *call, const struct http_response *response) {
    struct err err;
    if (response->status != 401 || call->retried || !kube_token_renewed(call->client)) return false;
    call->retried = true;
    return !start(call, &err);
}

static void on_done(const struct http_response *response, void *arg) {
    struct kube_call *call = arg;
    if (!call->client) {
        call_free(call);
        return;
    }
    observe(call, response);
    if (try_again(call, response)) return;
    struct err err = {0};
    struct doc *object = NULL;
    if (call->streamed)
        (void)kube_answer_error(call, response, &err);
    else
        object = kube_answer_object(call, response, &err);
    DL_DELETE(call->client->calls, call);
    tell(call, object, &err);
    doc_unref(object);
    call_free(call);
}

static int on_chunk(struct str chunk, void *arg, struct err *err) {
    struct kube_call *call = arg;
    return call->client ? call->on_chunk(chunk, call->arg, err) : err_set(err, ERR_CANCELLED, "cancelled");
}

static void on_headers(int status, void *arg) {
    struct kube_call *call = arg;
    if (!call->client || status < 200 || status > 299) return;
    call->opened = true;
    if (call->on_open) call->on_open(call->arg);
}

static int start(struct kube_call *call, struct err *err) {
    struct kube_client *c = call->client;
    struct err local;
    char *authorization = kube_authorization(c, &local);
    if (local.code) return err_set(err, local.code, "%s", local.msg);
    const char *headers[4] = {call->accept};
    size_t count = 1;
    if (call->content_type) headers[count++] = call->content_type;
    if (authorization) headers[count++] = authorization;
    const struct http_request request = {
        .method = call->method,
        .url = call->url,
        .headers = headers,
        .body = {call->body, call->body_len},
        .tls = &c->config->tls,
        .proxy_url = c->config->proxy_url,
        .timeout_ms = call->timeout_ms,
        .on_chunk = call->streamed ? on_chunk : NULL,
        .on_headers = on_headers,
        .on_done = on_done,
        .arg = call,
    };
    call->http = http_send(c->http, &request, err);
    if (authorization) explicit_bzero(authorization, strlen(authorization));
    free(authorization);
    return call->http ? 0 : ERR_INVALID;
}

/* Starts a filled call; frees it where that fails. */
static int launch(struct kube_call *call, int rc, struct kube_call **call_out, struct err *err) {
    struct err local = {0};
    if (!err) err = &local;
    if (!rc) rc = start(call, err);
    if (rc) {
        call_free(call);
        return (int)err->code;
    }
    DL_APPEND(call->client->calls, call);
    if (call_out) *call_out = call;
    return 0;
}

static struct kube_call *call_new(struct kube_client *c, struct err *err) {
    struct kube_call *call = calloc(1, sizeof *call);
    if (call)
        call->client = c;
    else
        err_set(err, ERR_NOMEM, "no memory for a request");
    return call;
}

int kube_send(struct kube_client *c, const struct kube_request *request, struct kube_call **call_out, struct err *err) {
    struct kube_call *call = call_new(c, err);
    if (!call) return ERR_NOMEM;
    call->done.object = request->done;
    call->arg = request->arg;
    return launch(call, kube_call_fill(call, request, err), call_out, err);
}

int kube_stream(struct kube_client *c, const struct kube_stream_request *request, struct kube_call **call_out, struct err *err) {
    struct kube_call *call = call_new(c, err);
    if (!call) return ERR_NOMEM;
    call->streamed = true;
    call->on_chunk = request->on_chunk;
    call->on_open = request->on_open;
    call->done.stream = request->done;
    call->arg = request->arg;
    return launch(call, kube_call_fill_stream(call, request, err), call_out, err);
}

void kube_cancel(struct kube_call *call) { http_cancel(call->http); }

/* From here on the call belongs to the transport, which frees it through on_done. */
void kube_drop(struct kube_call *call) {
    if (!call) return;
    DL_DELETE(call->client->calls, call);
    call->client = NULL;
    http_cancel(call->http);
}

void kube_client_free(struct kube_client *c) {
    if (!c) return;
    const struct err cancelled = {.code = ERR_CANCELLED, .msg = "the client is going away"};
    while (c->calls) {
        struct kube_call *call = c->calls;
        DL_DELETE(c->calls, call);
        call->client = NULL;
        tell(call, NULL, &cancelled);
        http_cancel(call->http);
    }
    doc_builder_free(c->builder);
    if (c->token) explicit_bzero(c->token, strlen(c->token));
    free(c->token);
    free(c);
}
