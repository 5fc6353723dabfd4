#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/builder.h"
#include "operator/operator_internal.h"

/* An Event on its way (core/v1; Kubernetes API reference: Event). */
struct event {
    struct k8s_operator *op;
    struct doc *body;
    char *ns;
};

static void event_free(struct event *e) {
    doc_unref(e->body);
    free(e->ns);
    free(e);
}

/* Events are dispensable, but a right that is missing will not come by itself. */
static void note(struct k8s_operator *op, const struct err *err) {
    bool denied = err && err->code == ERR_FORBIDDEN;
    if (denied && !op->events_denied) log_warn("operator", "Events may not be recorded", LOG_S("error", err->msg));
    if (err && err->code && !denied) log_debug("operator", "an Event was not recorded", LOG_S("error", err->msg));
    op->events_denied = denied;
}

static void sent(struct doc *object, const struct err *err, void *arg) {
    struct event *e = arg;
    (void)object;
    if (!err || err->code != ERR_CANCELLED) note(e->op, err); /* of a cancelled one the operator may be gone */
    event_free(e);
}

static void resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct event *e = arg;
    struct err local;
    if (!resource) {
        sent(NULL, err, e);
        return;
    }
    struct kube_request request = {
        .verb = KUBE_CREATE, .resource = resource, .ns = str_of(e->ns), .body = doc_root(e->body), .done = sent, .arg = e};
    if (kube_send(cluster_client(e->op->cluster), &request, NULL, &local)) sent(NULL, &local, e);
}

static void put_involved(struct doc_builder *b, const struct tenant *t) {
    struct doc_value o = doc_root(t->cr);
    doc_key(b, STR("involvedObject"));
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", doc_path_str(o, "apiVersion"));
    doc_pair_str(b, "kind", doc_path_str(o, "kind"));
    doc_pair_str(b, "namespace", str_of(t->ns));
    doc_pair_str(b, "name", str_of(t->name));
    doc_pair_str(b, "uid", doc_path_str(o, "metadata.uid"));
    doc_end_object(b);
}

static struct doc *event_document(const struct tenant *t, struct str type, struct str reason, struct str message, struct err *err) {
    char name[320], now[CLOCK_TEXT_LEN];
    struct doc_builder *b = doc_builder_new();
    if (!b) return NULL;
    snprintf(name, sizeof name, "%.253s.%" PRIx64, t->name, (uint64_t)clock_wall_ms() * 1000 + (uint64_t)(clock_mono_us() % 1000));
    clock_format_s(clock_wall_ms(), now);
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", STR("v1"));
    doc_pair_str(b, "kind", STR("Event"));
    doc_key(b, STR("metadata"));
    doc_begin_object(b);
    doc_pair_str(b, "name", str_of(name));
    doc_pair_str(b, "namespace", str_of(t->ns));
    doc_end_object(b);
    put_involved(b, t);
    doc_pair_str(b, "type", type);
    doc_pair_str(b, "reason", reason);
    doc_pair_str(b, "message", message);
    doc_pair_str(b, "firstTimestamp", str_of(now));
    doc_pair_str(b, "lastTimestamp", str_of(now));
    doc_pair_int(b, "count", 1);
    doc_key(b, STR("source"));
    doc_begin_object(b);
    doc_pair_str(b, "component", STR("k8sgpt-operator"));
    doc_end_object(b);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

void operator_event(struct k8s_operator *op, const struct tenant *t, struct str type, struct str reason, struct str message) {
    struct err err;
    if (!operator_may_act(op)) return;
    const struct gvk *gvk = gvk_parse(STR("v1/Event"), &err);
    struct event *e = calloc(1, sizeof *e);
    if (e) *e = (struct event){op, event_document(t, type, reason, message, &err), str_dup(str_of(t->ns))};
    if (!gvk || !e || !e->body || !e->ns) {
        if (e) event_free(e);
        log_error("operator", "no memory for an Event", LOG_S("k8sgpt", t->key));
        return;
    }
    discovery_resolve(cluster_discovery(op->cluster), gvk, resolved, e);
}
