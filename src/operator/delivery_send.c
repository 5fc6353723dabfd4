#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "doc/builder.h"
#include "operator/delivery_internal.h"
#include "operator/operator_internal.h"

enum { MAX_HEADERS = 32, MAX_ANSWER_BYTES = 64 * 1024 };

/* ---- the answer ------------------------------------------------------------------------------------------------------------------- */

static struct doc *reply_document(const struct http_response *response, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for an answer");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_int(b, "status", response->status);
    doc_pair_str(b, "body", response->body);
    doc_pair_int(b, "retryAfterSeconds", response->retry_after_s);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

/* Without a word of the policy: any 2xx is delivered, 429 and 5xx may pass, anything else will not. */
static void judge_by_status(struct delivery *d, const struct http_response *response) {
    char why[160];
    snprintf(why, sizeof why, "the sink answered %d", response->status);
    if (response->status >= 200 && response->status < 300)
        delivery_end(d, DELIVERY_DONE, STR(""), NULL);
    else if (response->status == 429 || response->status >= 500)
        delivery_try_again(d, response->retry_after_s * 1000, why);
    else
        delivery_end(d, DELIVERY_FAILED, STR(""), why);
}

static void judge_by_policy(struct delivery *d, const struct http_response *response, struct doc_value first, struct doc_value second) {
    struct doc_value failed =
        doc_get(doc_type(first) == DOC_OBJECT && doc_type(doc_get(first, STR("failed"))) == DOC_OBJECT ? first : second, STR("failed"));
    struct doc_value retry = doc_get(failed, STR("retry"));
    struct str message = doc_path_str(failed, "message");
    char why[512];
    snprintf(why, sizeof why, STR_FMT, (int)(message.n > 500 ? 500 : message.n), message.p ? message.p : "");
    if (doc_type(failed) == DOC_OBJECT && doc_type(retry) <= DOC_NULL)
        delivery_end(d, DELIVERY_FAILED, STR(""), why);
    else if (doc_type(failed) == DOC_OBJECT)
        delivery_try_again(d, (int64_t)(doc_double(retry) * 1000), why);
    else if (doc_type(doc_get(first, STR("ref"))) == DOC_STRING)
        delivery_end(d, DELIVERY_DONE, doc_path_str(first, "ref"), NULL);
    else
        judge_by_status(d, response);
}

static void judge(struct delivery *d, const struct http_response *response) {
    struct k8s_operator *op = d->all->op;
    struct err err;
    struct doc *reply = script_holder(d->policy, "response") ? reply_document(response, &err) : NULL;
    if (!reply) {
        judge_by_status(d, response);
        return;
    }
    struct reader reader = {.cluster = op->cluster, .owners = op->filter_owners};
    struct script_call call = {
        .policy = script_holder(d->policy, "response"), .function = "response", .args = {{reply, NULL}}, .arg_count = 1};
    struct script_outcome out;
    policycalls_run(op->calls, &call, &reader, &out);
    struct doc_value values = doc_root(out.values);
    judge_by_policy(d, response, doc_at(values, 0), doc_at(values, 1));
    doc_unref(out.values);
    doc_unref(reply);
}

static void answered(const struct http_response *response, void *arg) {
    struct delivery *d = arg;
    d->call = NULL;
    if (!d->tenant) {
        delivery_free(d);
        return;
    }
    if (response->status == 0 || response->err.code)
        delivery_try_again(d, 0, response->err.msg);
    else
        judge(d, response);
}

/* ---- sending ---------------------------------------------------------------------------------------------------------------------- */

/* "Name: value" lines; the caller frees each and the list. NULL without memory. */
static char **header_lines(struct doc_value headers) {
    size_t count = doc_len(headers) > MAX_HEADERS ? MAX_HEADERS : doc_len(headers);
    char **lines = calloc(count + 1, sizeof *lines);
    for (size_t i = 0; lines && i < count; i++) {
        struct str name, value = doc_str(doc_pair(headers, i, &name, NULL));
        if (asprintf(&lines[i], STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(value)) < 0) lines[i] = NULL;
    }
    return lines;
}

static void free_lines(char **lines) {
    for (size_t i = 0; lines && lines[i]; i++) free(lines[i]);
    free(lines);
}

static void send_to(struct delivery *d, const char *url) {
    struct doc_value request = doc_root(d->request);
    struct str method = doc_path_str(request, "method");
    char **lines = header_lines(doc_path(request, "headers"));
    struct err err = {.code = ERR_NOMEM, .msg = "no memory to send"};
    struct http_request r = {
        .method = method.n ? method.p : "POST",
        .url = url,
        .secret_url = true,
        .headers = (const char *const *)lines,
        .body = doc_path_str(request, "body"),
        .timeout_ms = d->all->timeout_ms,
        .max_body_bytes = MAX_ANSWER_BYTES,
        .on_done = answered,
        .arg = d,
    };
    if (lines) d->call = http_send(d->all->op->options.writes, &r, &err);
    free_lines(lines);
    if (!d->call) delivery_try_again(d, 0, err.msg);
}

/* ---- the URL from a Secret --------------------------------------------------------------------------------------------------------- */

/* Secret.data is base64 (core/v1). White space around the value, which editors leave, is not part of a URL. */
static char *decode_url(struct str base64) {
    unsigned char *out = base64.n < MAX_ANSWER_BYTES ? calloc(1, base64.n + 1) : NULL;
    int n = out ? EVP_DecodeBlock(out, (const unsigned char *)base64.p, (int)base64.n) : -1;
    if (n < 0) {
        free(out);
        return NULL;
    }
    char *url = (char *)out;
    return url;
}

static void trim(char *text) {
    size_t n = strcspn(text, " \t\r\n");
    text[n] = '\0';
}

static void secret_fetched(struct doc *object, const struct err *err, void *arg) {
    struct delivery *d = arg;
    char why[512];
    if (!d->tenant) {
        delivery_free(d);
        return;
    }
    struct str data = doc_str(doc_get(doc_path(doc_root(object), "data"), str_of(d->secret_key)));
    if (!object || data.n == 0) {
        snprintf(why, sizeof why, "secret %s/%s: %.300s", d->tenant->ns, d->secret_name,
                 object ? "it has no such key, or the value is empty"
                 : err  ? err->msg
                        : "");
        delivery_try_again(d, 0, why);
        return;
    }
    char *url = decode_url(data);
    if (url) trim(url);
    if (url)
        send_to(d, url);
    else
        delivery_try_again(d, 0, "the secret does not decode");
    free(url);
}

static void secret_resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct delivery *d = arg;
    struct err local;
    if (!resource || !d->tenant) {
        secret_fetched(NULL, err, d);
        return;
    }
    struct kube_request request = {.verb = KUBE_GET,
                                   .resource = resource,
                                   .ns = str_of(d->tenant->ns),
                                   .name = str_of(d->secret_name),
                                   .done = secret_fetched,
                                   .arg = d};
    if (kube_send(cluster_client(d->all->op->cluster), &request, NULL, &local)) secret_fetched(NULL, &local, d);
}

void delivery_attempt(struct delivery *d) {
    struct err err;
    const struct gvk *secret = gvk_parse(STR("v1/Secret"), &err);
    struct str url = doc_path_str(doc_root(d->request), "url");
    if (*d->secret_name && secret)
        discovery_resolve(cluster_discovery(d->all->op->cluster), secret, secret_resolved, d);
    else if (url.n)
        send_to(d, url.p);
    else
        delivery_end(d, DELIVERY_FAILED, STR(""), "the sink has no URL: give it a webhook or a secret");
}
