#include "operator/delivery.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "doc/builder.h"
#include "doc/copy.h"
#include "operator/operator_internal.h"

enum {
    MAX_FLYING = 2,      /* of one sink of one tenant */
    MAX_WAITING = 10000, /* of all; a finding that finds no place is told when one is free */
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 300 * 1000,
    GIVE_UP_ATTEMPTS = 20, /* about an hour and a half */
    MAX_HEADERS = 32,
    MAX_ANSWER_BYTES = 64 * 1024,
    DEFAULT_TIMEOUT_MS = 35 * 1000,
};

enum delivery_state { QUEUED, FLYING, PAUSED };

struct delivery {
    struct deliveries *all;
    struct tenant *tenant; /* NULL: gone */
    struct bundle *bundle;
    const struct policy *policy;
    char *group_id, *finding_id, *sink, *secret_name, *secret_key;
    const char *change; /* static text */
    enum severity severity;
    struct doc *config, *request;
    enum delivery_state state;
    int attempts;
    char problem[512];
    struct timer *timer;
    struct http_call *call;
    struct delivery *next;
};

struct deliveries {
    struct k8s_operator *op;
    delivery_over over;
    void *arg;
    struct delivery *list; /* in order of arrival */
    size_t count;
    int64_t timeout_ms;
};

/* ---- life ----------------------------------------------------------------------------------------------------------------------- */

/* A Go duration of one unit ("30s", "500ms", "1m"), as upstream's chart writes it. */
static int64_t timeout_from_environment(void) {
    const char *text = getenv("OPERATOR_SINK_WEBHOOK_TIMEOUT_SECONDS");
    char unit[3] = "";
    double n = 0;
    if (!text || sscanf(text, "%lf%2[a-z]", &n, unit) != 2 || !(n > 0)) return DEFAULT_TIMEOUT_MS;
    double ms = !strcmp(unit, "ms") ? n : !strcmp(unit, "s") ? n * 1e3 : !strcmp(unit, "m") ? n * 6e4 : DEFAULT_TIMEOUT_MS;
    return (int64_t)fmin(fmax(ms, 1), 10 * 60 * 1000);
}

struct deliveries *deliveries_new(struct k8s_operator *op, delivery_over over, void *arg) {
    struct deliveries *d = calloc(1, sizeof *d);
    if (d) *d = (struct deliveries){.op = op, .over = over, .arg = arg, .timeout_ms = timeout_from_environment()};
    return d;
}

static void delivery_free(struct delivery *d) {
    timer_free(d->timer);
    bundle_unref(d->bundle);
    doc_unref(d->config);
    doc_unref(d->request);
    free(d->group_id);
    free(d->finding_id);
    free(d->sink);
    free(d->secret_name);
    free(d->secret_key);
    free(d);
}

static void unlink_delivery(struct delivery *d) {
    struct delivery **at = &d->all->list;
    while (*at != d) at = &(*at)->next;
    *at = d->next;
    d->all->count--;
}

/* One that is under way goes when its answer comes: see answered. */
static void abandon(struct delivery *d) {
    d->tenant = NULL;
    timer_stop(d->timer);
    unlink_delivery(d);
    if (d->state == FLYING) {
        if (d->call) http_cancel(d->call);
    } else {
        delivery_free(d);
    }
}

void deliveries_forget(struct deliveries *all, const struct tenant *t) {
    struct delivery *d, *next;
    for (d = all->list; d; d = next) {
        next = d->next;
        if (d->tenant == t) abandon(d);
    }
}

void deliveries_free(struct deliveries *all) {
    if (!all) return;
    while (all->list) abandon(all->list);
    free(all);
}

bool deliveries_has(const struct deliveries *all, const struct tenant *t, const char *finding_id, struct str sink) {
    for (const struct delivery *d = all->list; d; d = d->next)
        if (d->tenant == t && str_is(sink, d->sink) && !strcmp(d->finding_id, finding_id)) return true;
    return false;
}

bool deliveries_any(const struct deliveries *all, const char *group_id, const struct tenant *t) {
    for (const struct delivery *d = all->list; d; d = d->next)
        if (d->tenant == t && !strcmp(d->group_id, group_id)) return true;
    return false;
}

void deliveries_each_waiting(const struct deliveries *all, const struct tenant *t,
                             void (*each)(const char *sink, const char *message, void *arg), void *arg) {
    for (const struct delivery *d = all->list; d; d = d->next)
        if (d->tenant == t && d->problem[0]) each(d->sink, d->problem, arg);
}

/* ---- the end of one --------------------------------------------------------------------------------------------------------------- */

static void pump(struct deliveries *all);

static void end(struct delivery *d, enum delivery_end how, struct str ref, const char *why) {
    struct deliveries *all = d->all;
    struct delivery_order order = {
        .tenant = d->tenant,
        .group_id = d->group_id,
        .finding_id = d->finding_id,
        .change = d->change,
        .severity = d->severity,
        .sink = str_of(d->sink),
    };
    unlink_delivery(d);
    all->over(&order, how, ref, why, all->arg);
    delivery_free(d);
    pump(all);
}

static void try_again(struct delivery *d, int64_t wait_ms, const char *why) {
    int64_t pause_ms = FIRST_PAUSE_MS;
    snprintf(d->problem, sizeof d->problem, "%.500s", why);
    if (++d->attempts >= GIVE_UP_ATTEMPTS) {
        end(d, DELIVERY_FAILED, STR(""), d->problem);
        return;
    }
    for (int i = 1; i < d->attempts && pause_ms < LONGEST_PAUSE_MS; i++) pause_ms *= 2;
    if (pause_ms > LONGEST_PAUSE_MS) pause_ms = LONGEST_PAUSE_MS;
    d->state = PAUSED;
    timer_start(d->timer, wait_ms > pause_ms ? wait_ms : pause_ms);
    telemetry_notified(d->all->op->telemetry, str_of(d->sink), "retried");
    tenant_enqueue(d->tenant); /* its condition Notified says so */
    pump(d->all);
}

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
        end(d, DELIVERY_DONE, STR(""), NULL);
    else if (response->status == 429 || response->status >= 500)
        try_again(d, response->retry_after_s * 1000, why);
    else
        end(d, DELIVERY_FAILED, STR(""), why);
}

static void judge_by_policy(struct delivery *d, const struct http_response *response, struct doc_value first, struct doc_value second) {
    struct doc_value failed =
        doc_get(doc_type(first) == DOC_OBJECT && doc_type(doc_get(first, STR("failed"))) == DOC_OBJECT ? first : second, STR("failed"));
    struct doc_value retry = doc_get(failed, STR("retry"));
    struct str message = doc_path_str(failed, "message");
    char why[512];
    snprintf(why, sizeof why, STR_FMT, (int)(message.n > 500 ? 500 : message.n), message.p ? message.p : "");
    if (doc_type(failed) == DOC_OBJECT && doc_type(retry) <= DOC_NULL)
        end(d, DELIVERY_FAILED, STR(""), why);
    else if (doc_type(failed) == DOC_OBJECT)
        try_again(d, (int64_t)(doc_double(retry) * 1000), why);
    else if (doc_type(doc_get(first, STR("ref"))) == DOC_STRING)
        end(d, DELIVERY_DONE, doc_path_str(first, "ref"), NULL);
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
        try_again(d, 0, response->err.msg);
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
    if (lines) d->call = http_send(d->all->op->options.http, &r, &err);
    free_lines(lines);
    if (!d->call) try_again(d, 0, err.msg);
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
        try_again(d, 0, why);
        return;
    }
    char *url = decode_url(data);
    if (url) trim(url);
    if (url)
        send_to(d, url);
    else
        try_again(d, 0, "the secret does not decode");
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

static void fly(struct delivery *d) {
    struct err err;
    const struct gvk *secret = gvk_parse(STR("v1/Secret"), &err);
    struct str url = doc_path_str(doc_root(d->request), "url");
    d->state = FLYING;
    if (*d->secret_name && secret)
        discovery_resolve(cluster_discovery(d->all->op->cluster), secret, secret_resolved, d);
    else if (url.n)
        send_to(d, url.p);
    else
        end(d, DELIVERY_FAILED, STR(""), "the sink has no URL: give it a webhook or a secret");
}

/* ---- the queue -------------------------------------------------------------------------------------------------------------------- */

static int flying_of(const struct deliveries *all, const struct delivery *like) {
    int n = 0;
    for (const struct delivery *d = all->list; d; d = d->next)
        if (d->state == FLYING && d->tenant == like->tenant && !strcmp(d->sink, like->sink)) n++;
    return n;
}

/* Starts what may start; starting can end a delivery at once, so the list is looked through from its beginning each time. */
static void pump(struct deliveries *all) {
    for (struct delivery *d = all->list; d;) {
        if (d->state != QUEUED || flying_of(all, d) >= MAX_FLYING) {
            d = d->next;
            continue;
        }
        fly(d);
        d = all->list;
    }
}

static void pause_over(void *arg) {
    struct delivery *d = arg;
    d->state = QUEUED;
    pump(d->all);
}

static struct delivery *delivery_new(struct deliveries *all, const struct delivery_order *o, struct err *err) {
    struct delivery *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    *d = (struct delivery){
        .all = all,
        .tenant = o->tenant,
        .bundle = bundle_ref(all->op->bundle),
        .policy = o->policy,
        .group_id = str_dup(str_of(o->group_id)),
        .finding_id = str_dup(str_of(o->finding_id)),
        .sink = str_dup(o->sink),
        .secret_name = str_dup(o->secret_name),
        .secret_key = str_dup(o->secret_key),
        .change = o->change,
        .severity = o->severity,
        .config = doc_ref(o->config),
        .request = doc_copy(o->request, err),
        .timer = timer_new(all->op->options.loop, pause_over, d),
    };
    if (d->group_id && d->finding_id && d->sink && d->secret_name && d->secret_key && d->request && d->timer) return d;
    delivery_free(d);
    return NULL;
}

int deliveries_add(struct deliveries *all, const struct delivery_order *order, struct err *err) {
    if (all->count >= MAX_WAITING) return err_set(err, ERR_LIMIT, "%d notifications are waiting already", MAX_WAITING);
    struct delivery *d = delivery_new(all, order, err), **at = &all->list;
    if (!d) return err_set(err, ERR_NOMEM, "no memory for a notification");
    while (*at) at = &(*at)->next;
    *at = d;
    all->count++;
    pump(all);
    return 0;
}
