#include "operator/notify.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/builder.h"
#include "doc/json.h"
#include "operator/operator_internal.h"

enum { MAX_LINE_BYTES = 256 * 1024 };

/* A sink of a tenant that could not be told, until it can. */
struct undelivered {
    const struct tenant *tenant;
    char *sink;
    char message[512];
    struct undelivered *next;
};

struct notifier {
    struct operator* op;
    struct undelivered *undelivered;
    struct doc *no_config; /* {} */
};

struct notifier *notifier_new(struct operator* op) {
    struct notifier *n = calloc(1, sizeof *n);
    struct doc_builder *b = doc_builder_new();
    struct err err;
    if (n && b) {
        doc_begin_object(b);
        doc_end_object(b);
        *n = (struct notifier){.op = op, .no_config = doc_builder_finish(b, &err)};
    }
    doc_builder_free(b);
    if (n && n->no_config) return n;
    free(n);
    return NULL;
}

/* ---- what could not be delivered ------------------------------------------------------------------------------------------------ */

static void clear(struct notifier *n, const struct tenant *t, const char *sink) {
    struct undelivered **p = &n->undelivered;
    while (*p) {
        struct undelivered *u = *p;
        if (u->tenant != t || (sink && !str_is(str_of(sink), u->sink))) {
            p = &u->next;
            continue;
        }
        *p = u->next;
        free(u->sink);
        free(u);
    }
}

void notify_forget(struct notifier *n, const struct tenant *t) { clear(n, t, NULL); }

void notifier_free(struct notifier *n) {
    if (!n) return;
    while (n->undelivered) clear(n, n->undelivered->tenant, NULL);
    doc_unref(n->no_config);
    free(n);
}

static void failed(struct notifier *n, const struct tenant *t, struct str sink, const char *why) {
    struct undelivered *u = calloc(1, sizeof *u);
    char *name = str_dup(sink);
    telemetry_notified(n->op->telemetry, sink, "failed");
    if (!u || !name) {
        free(u);
        free(name);
        return;
    }
    clear(n, t, name);
    *u = (struct undelivered){.tenant = t, .sink = name, .next = n->undelivered};
    snprintf(u->message, sizeof u->message, "%.500s", why);
    n->undelivered = u;
}

void notify_each_undelivered(const struct notifier *n, const struct tenant *t,
                             void (*each)(const char *sink, const char *message, void *arg), void *arg) {
    for (const struct undelivered *u = n->undelivered; u; u = u->next)
        if (u->tenant == t) each(u->sink, u->message, arg);
}

/* ---- records -------------------------------------------------------------------------------------------------------------------- */

static struct notification *record_of(const struct group *g, const char *finding, struct str sink) {
    for (size_t i = 0; i < g->notification_count; i++)
        if (str_is(str_of(finding), g->notifications[i].finding) && str_is(sink, g->notifications[i].sink)) return &g->notifications[i];
    return NULL;
}

static bool record_sent(struct group *g, const struct finding *f, struct str sink) {
    struct notification *r = record_of(g, f->id, sink);
    if (!r) {
        struct notification *grown = reallocarray(g->notifications, g->notification_count + 1, sizeof *grown);
        if (!grown) return false;
        g->notifications = grown;
        r = &grown[g->notification_count];
        *r = (struct notification){.sink = str_dup(sink), .ref = str_dup(STR(""))};
        if (!r->sink || !r->ref) {
            free(r->sink);
            free(r->ref);
            return false;
        }
        memcpy(r->finding, f->id, sizeof r->finding);
        g->notification_count++;
    }
    r->severity = f->severity;
    r->sent_ms = clock_wall_ms();
    return true;
}

static void record_remove(struct group *g, size_t i) {
    free(g->notifications[i].sink);
    free(g->notifications[i].ref);
    g->notifications[i] = g->notifications[--g->notification_count];
}

static bool has_records(const struct group *g, const struct finding *f) {
    for (size_t i = 0; i < g->notification_count; i++)
        if (str_is(str_of(f->id), g->notifications[i].finding)) return true;
    return false;
}

/* After a restart the severity that was told is not known; then it counts as the present one. */
static bool severity_moved(const struct notification *r, const struct finding *f) {
    return r->severity != SEVERITIES && r->severity != f->severity;
}

static bool needs_word(const struct group *g, const struct finding *f) {
    if (f->state == FINDING_PENDING) return false;
    if (!finding_is_shown(f) || !has_records(g, f)) return finding_is_shown(f) || has_records(g, f);
    for (size_t i = 0; i < g->notification_count; i++)
        if (str_is(str_of(f->id), g->notifications[i].finding) && severity_moved(&g->notifications[i], f)) return true;
    return false;
}

bool notify_delivered(const struct group *g) {
    for (size_t i = 0; i < g->count; i++)
        if (!finding_is_shown(&g->findings[i]) && has_records(g, &g->findings[i])) return false;
    return true;
}

/* ---- sinks ---------------------------------------------------------------------------------------------------------------------- */

static int write_line(const char *change, const struct doc *finding, struct err *err) {
    struct buf json = buf_new(MAX_LINE_BYTES);
    char msg[32];
    int rc = json_write(doc_root(finding), JSON_COMPACT, &json, err);
    snprintf(msg, sizeof msg, "finding %s", change);
    if (!rc) log_info("sink.log", msg, LOG_R("finding", ((struct str){json.data, json.len})));
    buf_free(&json);
    return rc;
}

static int carry_out(struct doc_value request, const char *change, const struct doc *finding, struct err *err) {
    if (doc_bool(doc_path(request, "log"))) return write_line(change, finding, err);
    return err_set(err, ERR_UNSUPPORTED, "the sink policy asks for neither a log line nor anything else that this build can send");
}

/* The sink policy of that type decides what is sent. */
static int tell(struct notifier *n, struct str sink, const char *change, const struct doc *finding, struct err *err) {
    struct operator* op = n->op;
    const struct policy *p = bundle_find(op->bundle, POLICY_SINK, sink);
    if (p) p = policycalls_effective(op->calls, p);
    if (!p)
        return err_set(err, ERR_NOT_FOUND, "there is no sink policy \"" STR_FMT "\"; add one, or name another sink in the route",
                       STR_ARG(sink));
    struct reader reader = {.cluster = op->cluster, .owners = op->filter_owners};
    struct script_call call = {.policy = p, .function = "request", .args = {{finding, NULL}, {n->no_config, NULL}}, .arg_count = 2};
    struct script_outcome out;
    policycalls_run(op->calls, &call, &reader, &out);
    int rc = out.result == SCRIPT_OK ? carry_out(doc_at(doc_root(out.values), 0), change, finding, err)
                                     : err_set(err, out.err.code, "%s", out.err.msg);
    doc_unref(out.values);
    return rc;
}

/* ---- routes --------------------------------------------------------------------------------------------------------------------- */

/* What the route policies say together: an array of {sink, send_resolved, …} each. The caller's; NULL: they say nothing. */
static struct doc *route_by(struct notifier *n, const struct policy *p, const struct doc *finding, const struct doc *change) {
    struct operator* op = n->op;
    struct reader reader = {.cluster = op->cluster, .owners = op->filter_owners};
    struct script_call call = {.policy = p, .function = "run", .args = {{finding, NULL}, {change, NULL}}, .arg_count = 2};
    struct script_outcome out;
    policycalls_run(op->calls, &call, &reader, &out);
    /* Without a decision everybody who was to be told so far is: the layer below decides. */
    if (out.result != SCRIPT_OK && p->lower) return route_by(n, p->lower, finding, change);
    return out.values;
}

static struct doc *string_doc(const char *text, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) return NULL;
    doc_put_str(b, str_of(text));
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

struct word {
    struct notifier *n;
    struct tenant *t;
    struct group *g;
    struct finding *f;
    const struct doc *finding;
    bool recorded; /* out: a record changed */
};

static bool deliver(struct word *w, struct str sink, const char *change) {
    struct err err;
    if (tell(w->n, sink, change, w->finding, &err)) {
        failed(w->n, w->t, sink, err.msg);
        return false;
    }
    telemetry_notified(w->n->op->telemetry, sink, "delivered");
    char *name = str_dup(sink);
    if (name) clear(w->n, w->t, name);
    free(name);
    return true;
}

static void tell_shown(struct word *w, struct doc_value routes) {
    for (size_t i = 0; i < doc_len(routes); i++) {
        struct str sink = doc_path_str(doc_at(routes, i), "sink");
        const struct notification *r = record_of(w->g, w->f->id, sink);
        if (sink.n == 0 || (r && !severity_moved(r, w->f))) continue;
        if (deliver(w, sink, r ? "changed" : "opened")) w->recorded |= record_sent(w->g, w->f, sink);
    }
}

static bool wants_resolved(struct doc_value routes, const char *sink) {
    for (size_t i = 0; i < doc_len(routes); i++) {
        struct doc_value send = doc_path(doc_at(routes, i), "send_resolved");
        if (str_is(doc_path_str(doc_at(routes, i), "sink"), sink)) return doc_type(send) != DOC_BOOL || doc_bool(send);
    }
    return false; /* no longer routed there */
}

static void tell_resolved(struct word *w, struct doc_value routes) {
    for (size_t i = w->g->notification_count; i-- > 0;) {
        const struct notification *r = &w->g->notifications[i];
        if (!str_is(str_of(w->f->id), r->finding)) continue;
        if (wants_resolved(routes, r->sink) && !deliver(w, str_of(r->sink), "resolved")) continue;
        record_remove(w->g, i);
        w->recorded = true;
    }
}

static const char *change_of(const struct word *w) {
    return !finding_is_shown(w->f) ? "resolved" : has_records(w->g, w->f) ? "changed" : "opened";
}

/* All route policies' answers as one list: a finding goes wherever any of them sends it. */
static struct doc *routes_of(struct notifier *n, const struct doc *finding, const struct doc *change, struct err *err) {
    const struct bundle *bundle = n->op->bundle;
    struct doc_builder *b = doc_builder_new();
    if (!b) return NULL;
    doc_begin_array(b);
    for (size_t i = 0; i < bundle_count(bundle, POLICY_ROUTE); i++) {
        const struct policy *p = policycalls_effective(n->op->calls, bundle_at(bundle, POLICY_ROUTE, i));
        struct doc *values = p ? route_by(n, p, finding, change) : NULL;
        struct doc_value routes = doc_at(doc_root(values), 0);
        for (size_t k = 0; k < doc_len(routes); k++) doc_put_value(b, doc_at(routes, k));
        doc_unref(values);
    }
    doc_end_array(b);
    struct doc *all = doc_builder_finish(b, err);
    doc_builder_free(b);
    return all;
}

static void tell_of(struct word *w) {
    const char *name = change_of(w);
    struct err err;
    struct doc *finding = finding_document(w->g, w->f, name, NULL, &err), *change = string_doc(name, &err);
    struct doc *routes = finding && change ? routes_of(w->n, finding, change, &err) : NULL;
    w->finding = finding;
    if (!routes)
        log_error("notify", "no memory to tell of a finding", LOG_S("group", w->g->id));
    else if (finding_is_shown(w->f))
        tell_shown(w, doc_root(routes));
    else
        tell_resolved(w, doc_root(routes));
    doc_unref(routes);
    doc_unref(finding);
    doc_unref(change);
}

bool notify_group(struct notifier *n, struct tenant *t, struct group *g) {
    bool recorded = false;
    for (size_t i = 0; i < g->count; i++) {
        if (!needs_word(g, &g->findings[i])) continue;
        struct word w = {.n = n, .t = t, .g = g, .f = &g->findings[i]};
        tell_of(&w);
        recorded |= w.recorded;
    }
    return recorded;
}
