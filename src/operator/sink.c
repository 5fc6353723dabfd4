#include "operator/sink.h"

#include <stdio.h>

#include "base/log.h"
#include "doc/builder.h"
#include "doc/json.h"
#include "operator/operator_internal.h"

enum { MAX_LINE_BYTES = 256 * 1024 };

/* The entry of the K8sGPT that describes the sink; absent for the log and for sinks that need no description. */
static struct doc_value entry_of(const struct tenant *t, struct str name) {
    struct doc_value spec = doc_path(doc_root(t->cr), "spec"), sinks = doc_path(spec, "sinks");
    if (str_is(name, "default")) return doc_path(spec, "sink");
    for (size_t i = 0; i < doc_len(sinks); i++)
        if (str_eq(name, doc_path_str(doc_at(sinks, i), "name"))) return doc_at(sinks, i);
    return DOC_NO_VALUE;
}

static void put_optional(struct doc_builder *b, struct doc_value entry, const char *name) {
    struct str text = doc_path_str(entry, name);
    if (text.n) doc_pair_str(b, name, text);
}

/* k8sgpt.SinkConfig of meta.lua. A URL that a Secret holds is not shown to policies. */
static struct doc *config_of(struct str name, struct str type, struct doc_value entry, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    bool secret = doc_path_str(entry, "secret.name").n > 0;
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a sink");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "name", name);
    doc_pair_str(b, "type", type);
    doc_pair_str(b, "url", secret ? STR("") : doc_path_str(entry, "webhook"));
    doc_pair_bool(b, "secret", secret);
    put_optional(b, entry, "channel");
    put_optional(b, entry, "username");
    put_optional(b, entry, "icon_url");
    doc_key(b, STR("config"));
    if (doc_type(doc_path(entry, "config")) == DOC_OBJECT) {
        doc_put_value(b, doc_path(entry, "config"));
    } else {
        doc_begin_object(b);
        doc_end_object(b);
    }
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

static int write_line(const struct sink_news *news, struct err *err) {
    struct buf json = buf_new(MAX_LINE_BYTES);
    char msg[32];
    int rc = json_write(doc_root(news->document), JSON_COMPACT, &json, err);
    snprintf(msg, sizeof msg, "finding %s", news->change);
    if (!rc) log_info("sink.log", msg, LOG_R("finding", ((struct str){json.data, json.len})));
    buf_free(&json);
    return rc;
}

struct sink {
    struct str name;
    const struct policy *policy;
    struct doc_value entry;
    const struct doc *config;
};

static enum sink_outcome carry_out(struct deliveries *deliveries, const struct sink *sink, const struct sink_news *news,
                                   struct doc_value request, struct err *err) {
    if (doc_bool(doc_path(request, "log"))) return write_line(news, err) ? SINK_FAILED : SINK_TOLD;
    struct delivery_order order = {
        .tenant = news->tenant,
        .group_id = news->group->id,
        .finding_id = news->finding->id,
        .change = news->change,
        .severity = news->finding->severity,
        .sink = sink->name,
        .policy = sink->policy,
        .request = request,
        .secret_name = doc_path_str(sink->entry, "secret.name"),
        .secret_key = doc_path_str(sink->entry, "secret.key"),
    };
    if (doc_type(request) == DOC_OBJECT) return deliveries_add(deliveries, &order, err) ? SINK_FAILED : SINK_ON_ITS_WAY;
    err_set(err, ERR_POLICY, "sink policy %s returned no request", sink->policy->name);
    return SINK_FAILED;
}

/* The policy's request, or where it fails, that of the layer below. */
static enum sink_outcome ask_policy(struct deliveries *deliveries, struct sink *sink, const struct sink_news *news, struct err *err) {
    struct k8s_operator *op = news->tenant->op;
    struct reader reader = {.cluster = op->cluster, .owners = op->filter_owners};
    struct script_call call = {.policy = script_holder(sink->policy, "request"),
                               .function = "request",
                               .args = {{news->document, NULL}, {sink->config, NULL}},
                               .arg_count = 2};
    struct script_outcome out;
    if (!call.policy) {
        err_set(err, ERR_POLICY, "sink policy %s has no request function", sink->policy->name);
        return SINK_FAILED;
    }
    policycalls_run(op->calls, &call, &reader, &out);
    enum sink_outcome outcome = SINK_FAILED;
    if (out.result == SCRIPT_OK)
        outcome = carry_out(deliveries, sink, news, doc_at(doc_root(out.values), 0), err);
    else
        err_set(err, out.err.code, "%s", out.err.msg);
    doc_unref(out.values);
    if (out.result == SCRIPT_OK || !sink->policy->lower) return outcome;
    sink->policy = sink->policy->lower;
    return ask_policy(deliveries, sink, news, err);
}

enum sink_outcome sink_tell(struct deliveries *deliveries, struct str name, const struct sink_news *news, struct err *err) {
    struct k8s_operator *op = news->tenant->op;
    struct sink sink = {.name = name, .entry = entry_of(news->tenant, name)};
    struct str type = doc_path_str(sink.entry, "type");
    if (type.n == 0) type = name;
    const struct policy *policy = bundle_find(op->bundle, POLICY_SINK, type);
    sink.policy = policy ? policycalls_effective(op->calls, policy) : NULL;
    if (!sink.policy) {
        err_set(err, ERR_NOT_FOUND, "there is no sink \"" STR_FMT "\": name one of spec.sinks, or a sink policy, in the route",
                STR_ARG(type));
        return SINK_FAILED;
    }
    struct doc *config = config_of(name, type, sink.entry, err);
    if (!config) return SINK_FAILED;
    sink.config = config;
    enum sink_outcome outcome = ask_policy(deliveries, &sink, news, err);
    doc_unref(config);
    return outcome;
}
