#include "operator/policycall.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"

/* Only of policies that ever failed. */
struct health {
    const struct policy *policy;
    int failures; /* in a row */
    size_t times; /* in all */
    struct err last;
    UT_hash_handle hh;
};

struct policycalls {
    const struct doc *options;
    struct health *failing;
    struct metric *runs, *duration_seconds, *fuel;
};

static const struct metric_def RUNS = {
    "k8sgpt_policy_runs_total", "Calls of policies by result.", METRIC_COUNTER, {"kind", "policy", "layer", "result"}, NULL};
static const struct metric_def DURATION = {
    "k8sgpt_policy_duration_seconds", "Time a call of a policy took.", METRIC_HISTOGRAM, {"kind", "policy"}, NULL};
static const struct metric_def FUEL = {
    "k8sgpt_policy_fuel_total", "Instructions that policies used.", METRIC_COUNTER, {"kind", "policy"}, NULL};

struct policycalls *policycalls_new(struct metrics *metrics, const struct doc *options) {
    struct policycalls *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->options = options;
    if (metrics) {
        c->runs = metrics_define(metrics, &RUNS);
        c->duration_seconds = metrics_define(metrics, &DURATION);
        c->fuel = metrics_define(metrics, &FUEL);
    }
    return c;
}

void policycalls_reset(struct policycalls *c) {
    struct health *h, *next;
    HASH_ITER(hh, c->failing, h, next) {
        HASH_DEL(c->failing, h);
        free(h);
    }
}

void policycalls_free(struct policycalls *c) {
    if (!c) return;
    policycalls_reset(c);
    free(c);
}

static struct health *health_of(const struct policycalls *c, const struct policy *policy) {
    struct health *h = NULL;
    HASH_FIND_PTR(c->failing, &policy, h);
    return h;
}

bool policycalls_tripped(const struct policycalls *c, const struct policy *policy) {
    const struct health *h = health_of(c, policy);
    return h && h->failures >= BREAKER_FAILURES;
}

const struct policy *policycalls_effective(const struct policycalls *c, const struct policy *policy) {
    while (policy && policy->layer != LAYER_BUILTIN && policycalls_tripped(c, policy)) policy = policy->lower;
    return policy;
}

void policycalls_each_tripped(const struct policycalls *c, void (*each)(const struct policy *policy, const char *message, void *arg),
                              void *arg) {
    for (const struct health *h = c->failing; h; h = h->hh.next)
        if (h->failures >= BREAKER_FAILURES) each(h->policy, h->last.msg, arg);
}

void policycalls_each_failed(const struct policycalls *c,
                             void (*each)(const struct policy *policy, size_t times, const char *message, void *arg), void *arg) {
    for (const struct health *h = c->failing; h; h = h->hh.next) each(h->policy, h->times, h->last.msg, arg);
}

static void succeeded(const struct policycalls *c, const struct policy *policy) {
    struct health *h = c->failing ? health_of(c, policy) : NULL;
    if (h && h->failures < BREAKER_FAILURES) h->failures = 0;
}

static void failed(struct policycalls *c, const struct policy *policy, const struct err *err) {
    struct health *h = health_of(c, policy);
    if (!h) {
        h = calloc(1, sizeof *h);
        if (!h) return;
        h->policy = policy;
        HASH_ADD_PTR(c->failing, policy, h);
        if (!h->hh.tbl) {
            free(h);
            return;
        }
    }
    h->last = *err;
    h->failures++;
    h->times++;
    /* The first is news, the trip is news; those between are in the metric. */
    if (h->failures == 1)
        log_warn("policy", "failed", LOG_S("policy", policy->name), LOG_S("source", policy->source), LOG_S("error", err->msg));
    if (h->failures == BREAKER_FAILURES && policy->layer != LAYER_BUILTIN)
        log_error("policy", "tripped: the layer below stands in until the policy changes", LOG_S("policy", policy->name),
                  LOG_S("source", policy->source), LOG_S("error", err->msg));
}

void policycalls_finished(struct policycalls *c, const struct policy *policy, const struct script_outcome *out) {
    struct str kind = str_of(policy_kind_name(policy->kind)), name = str_of(policy->name);
    metric_add(c->runs, METRIC_LABELS(kind, name, str_of(policy_layer_name(policy->layer)), str_of(script_result_name(out->result))), 1);
    metric_observe(c->duration_seconds, METRIC_LABELS(kind, name), (double)out->duration_us / 1e6);
    metric_add(c->fuel, METRIC_LABELS(kind, name), (double)out->fuel);
    if (out->result == SCRIPT_OK) succeeded(c, policy);
    if (out->result == SCRIPT_ERROR || out->result == SCRIPT_FUEL || out->result == SCRIPT_MEMORY) failed(c, policy, &out->err);
}

void policycalls_prepare(struct policycalls *c, struct script_call *call, struct reader *reader) {
    call->host = &READER_HOST;
    call->host_arg = reader;
    call->options = c->options;
    reader->policy = call->policy->name;
}

void policycalls_run(struct policycalls *c, struct script_call *call, struct reader *reader, struct script_outcome *out) {
    policycalls_prepare(c, call, reader);
    script_run(call, out);
    policycalls_finished(c, call->policy, out);
}
