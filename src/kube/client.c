#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "doc/json_skip.h"
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
    if (!c) {
        err_set(err, ERR_NOMEM, "no memory for a client of %s", config->server);
        return NULL;
    }
    c->loop = loop;
    c->http = c->writes = http;
    c->config = kube_config_share(config);
    c->login = login_new(loop, config);
    c->builder = doc_builder_new();
    int rc = c->login && c->builder ? 0 : err_set(err, ERR_NOMEM, "no memory for a client of %s", config->server);
    if (rc || link_open(&c->link, c, err)) {
        kube_client_free(c);
        return NULL;
    }
    c->requests = metrics ? metrics_define(metrics, &REQUESTS) : NULL;
    c->duration = metrics ? metrics_define(metrics, &DURATION) : NULL;
    return c;
}

struct http_client *kube_client_http(const struct kube_client *c) {
    return c->http;
}

void kube_client_write_by(struct kube_client *c, struct http_client *writes) { c->writes = writes; }

struct loop *kube_client_loop(const struct kube_client *c) {
    return c->loop;
}
struct kube_link *link_of(struct kube_client *client) {
    return &client->link;
}

static void call_free(struct kube_call *call) {
    login_leave(&call->wait);
    credential_unref(call->credential);
    kube_config_free(call->config);
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

static void count(const struct kube_call *call, int status) {
    char code[16] = "<error>";
    if (status) snprintf(code, sizeof code, "%d", status);
    metric_add(call->client->requests, METRIC_LABELS(str_of(call->verb), str_of(call->resource), str_of(code)), 1);
}

static bool is_list(const struct kube_call *call) { return call->streamed && strcmp(call->verb, "list") == 0; }
static bool is_watch(const struct kube_call *call) { return strcmp(call->verb, "watch") == 0; }

/* A watch that was accepted was counted then: it lasts. */
static void observe(const struct kube_call *call, const struct http_response *response) {
    if (!is_watch(call) || !call->opened) count(call, response->status);
    if (is_watch(call)) return;
    metric_observe(call->client->duration, METRIC_LABELS(str_of(call->verb)), (double)response->duration_us / 1e6);
}

static void end(struct kube_call *call, struct doc *object, const struct err *err) {
    DL_DELETE(call->client->calls, call);
    tell(call, object, err);
    call_free(call);
}

static int start(struct kube_call *call, struct credential *credential, struct err *err);

static void end_measure(struct kube_call *call, int64_t wire_bytes) {
    if (call->measured) link_list_ends(&call->client->link, wire_bytes);
    call->measured = false;
}

/* A credential that was replaced a moment ago costs one more round trip, not a failed reconcile: a refused request has had no effect. */
static bool try_again(struct kube_call *call, const struct http_response *response) {
    const struct kube_client *c = call->client;
    bool refused = response->status == 401;
    struct credential *next;
    struct err err;
    if (call->config != c->config) return false;
    if (response->err.code == ERR_UNREACHABLE) login_doubt(c->login);
    if ((!refused && !response->tls_failed) || call->retried) return false;
    call->retried = true;
    if (!login_renew(c->login, call->credential, refused ? LOGIN_UNAUTHORIZED : LOGIN_HANDSHAKE, &call->wait, &next)) return false;
    call->http = NULL;
    return !next || !start(call, next, &err);
}

static void on_done(const struct http_response *response, void *arg) {
    struct kube_call *call = arg;
    if (!call->client) {
        call_free(call);
        return;
    }
    end_measure(call, response->wire_bytes);
    observe(call, response);
    if (try_again(call, response)) return;
    struct err err = {0};
    struct doc *object = NULL;
    if (call->streamed)
        (void)kube_answer_error(call, response, &err);
    else
        object = kube_answer_object(call, response, &err);
    end(call, object, &err);
    doc_unref(object);
}

static int on_chunk(struct str chunk, void *arg, struct err *err) {
    struct kube_call *call = arg;
    if (!call->client) return err_set(err, ERR_CANCELLED, "cancelled");
    link_heard(&call->client->link);
    return call->on_chunk(chunk, call->arg, err);
}

/* A watch has no end; other answers are one JSON value each. */
static bool is_whole(struct str body, void *arg) {
    const struct kube_call *call = arg;
    if (!call->client) return false;
    if (!call->streamed || !call->opened) return json_is_whole(body);
    return call->is_whole && call->is_whole(call->arg);
}

static void on_headers(int status, void *arg) {
    struct kube_call *call = arg;
    if (!call->client) return;
    link_heard(&call->client->link);
    if (status < 200 || status > 299) return;
    call->opened = true;
    call->measured = is_list(call);
    if (call->measured) link_list_begins(&call->client->link);
    if (is_watch(call)) count(call, status);
    if (call->on_open) call->on_open(call->arg);
}

/* Takes the reference over. */
static int start(struct kube_call *call, struct credential *credential, struct err *err) {
    struct kube_client *c = call->client;
    credential_unref(call->credential);
    call->credential = credential;
    const char *headers[4] = {call->accept};
    size_t count = 1;
    if (call->content_type) headers[count++] = call->content_type;
    if (credential->authorization) headers[count++] = credential->authorization;
    const struct http_request request = {
        .method = call->method,
        .url = call->url,
        .headers = headers,
        .body = {call->body, call->body_len},
        .tls = &credential->tls,
        .proxy_url = call->config->proxy_url,
        .timeout_ms = call->timeout_ms,
        .gzip = is_list(call) && link_is_slow(&c->link),
        .on_chunk = call->streamed ? on_chunk : NULL,
        .is_whole = is_whole,
        .on_headers = on_headers,
        .on_done = on_done,
        .arg = call,
    };
    call->http = http_send(call->needs_leave ? c->writes : c->http, &request, err);
    return call->http ? 0 : (int)err->code;
}

static void on_credential(struct credential *credential, const struct err *err, void *arg) {
    struct kube_call *call = arg;
    struct err local = {0};
    if (err) local = *err;
    if (err || start(call, credential_ref(credential), &local)) end(call, NULL, &local);
}

/* Starts it with the credential of now, or as soon as there is one. */
static int log_in(struct kube_call *call, struct err *err) {
    struct credential *credential;
    int rc = login_get(call->client->login, &call->wait, &credential, err);
    return rc || !credential ? rc : start(call, credential, err);
}

/* Starts a filled call; frees it where that fails. */
static int launch(struct kube_call *call, int rc, struct kube_call **call_out, struct err *err) {
    struct err local = {0};
    if (!err) err = &local;
    if (!rc) rc = log_in(call, err);
    if (rc) {
        call_free(call);
        return (int)err->code;
    }
    DL_APPEND(call->client->calls, call);
    if (is_watch(call)) link_watch(&call->client->link);
    if (call_out) *call_out = call;
    return 0;
}

static struct kube_call *call_new(struct kube_client *c, struct err *err) {
    struct kube_call *call = calloc(1, sizeof *call);
    if (!call) {
        err_set(err, ERR_NOMEM, "no memory for a request");
        return NULL;
    }
    call->client = c;
    call->config = kube_config_share(c->config);
    call->wait = (struct login_wait){.ready = on_credential, .arg = call};
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
    call->is_whole = request->is_whole;
    call->on_open = request->on_open;
    call->done.stream = request->done;
    call->arg = request->arg;
    return launch(call, kube_call_fill_stream(call, request, err), call_out, err);
}

void kube_cancel(struct kube_call *call) {
    if (call->http)
        http_cancel(call->http);
    else
        login_cancel(call->client->login, &call->wait);
}

/* It is no call of the client any more. */
static void detach(struct kube_call *call) {
    DL_DELETE(call->client->calls, call);
    end_measure(call, 0);
    call->client = NULL;
    login_leave(&call->wait);
}

/* The transport, where it has the call, frees it through on_done. */
static void let_go(struct kube_call *call) {
    if (call->http)
        http_cancel(call->http);
    else
        call_free(call);
}

void kube_drop(struct kube_call *call) {
    if (!call) return;
    detach(call);
    let_go(call);
}

static struct kube_call *first_waiting(const struct kube_client *c, const struct kube_config *config) {
    struct kube_call *call = c->calls;
    while (call && (call->http || call->config != config)) call = call->next;
    return call;
}

int kube_client_use(struct kube_client *c, const struct kube_config *config, struct err *err) {
    const struct err cancelled = {.code = ERR_CANCELLED, .msg = "another configuration is used from now on"};
    struct login *login = login_new(c->loop, config), *before = c->login;
    const struct kube_config *config_before = c->config;
    if (!login) return err_set(err, ERR_NOMEM, "no memory for a client of %s", config->server);
    c->login = login;
    c->config = kube_config_share(config);
    lists_forget(c);
    for (struct kube_call *call; (call = first_waiting(c, config_before));) end(call, NULL, &cancelled);
    login_free(before);
    kube_config_free(config_before);
    return 0;
}

void kube_client_free(struct kube_client *c) {
    if (!c) return;
    const struct err cancelled = {.code = ERR_CANCELLED, .msg = "the client is going away"};
    while (c->calls) {
        struct kube_call *call = c->calls;
        detach(call);
        tell(call, NULL, &cancelled);
        let_go(call);
    }
    link_close(&c->link);
    doc_builder_free(c->builder);
    login_free(c->login);
    kube_config_free(c->config);
    free(c);
}
