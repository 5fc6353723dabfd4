#include "operator/notify.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/builder.h"
#include "operator/operator_internal.h"
#include "operator/sink.h"

/* A sink of a tenant that could not be told, until it can. */
struct undelivered {
    const struct tenant *tenant;
    char *sink;
    char message[512];
    struct undelivered *next;
};

struct notifier {
    struct k8s_operator *op;
    struct deliveries *deliveries;
    struct undelivered *undelivered;
};

/* ---- what could not be delivered ------------------------------------------------------------------------------------------------ */

/* True when there was something to clear. */
static bool clear(struct notifier *n, const struct tenant *t, struct str sink) {
    struct undelivered **p = &n->undelivered;
    bool found = false;
    while (*p) {
        struct undelivered *u = *p;
        if (u->tenant != t || (sink.p && !str_is(sink, u->sink))) {
            p = &u->next;
            continue;
        }
        *p = u->next;
        free(u->sink);
        free(u);
        found = true;
    }
    return found;
}

/* A first failure and its end are conditions of the tenant, which its next run states. */
static void failed(struct notifier *n, struct tenant *t, struct str sink, const char *why) {
    struct undelivered *u = calloc(1, sizeof *u);
    char *name = str_dup(sink);
    telemetry_notified(n->op->telemetry, sink, "failed");
    if (!u || !name) {
        free(u);
        free(name);
        return;
    }
    if (!clear(n, t, sink)) tenant_enqueue(t);
    *u = (struct undelivered){.tenant = t, .sink = name, .next = n->undelivered};
    snprintf(u->message, sizeof u->message, "%.500s", why);
    n->undelivered = u;
}

static void delivered(struct notifier *n, struct tenant *t, struct str sink) {
    telemetry_notified(n->op->telemetry, sink, "delivered");
    if (clear(n, t, sink)) tenant_enqueue(t);
}

bool notify_is_sending(const struct notifier *n) { return deliveries_are_flying(n->deliveries); }

void notify_each_undelivered(const struct notifier *n, const struct tenant *t,
                             void (*each)(const char *sink, const char *message, void *arg), void *arg) {
    for (const struct undelivered *u = n->undelivered; u; u = u->next)
        if (u->tenant == t) each(u->sink, u->message, arg);
    deliveries_each_waiting(n->deliveries, t, each, arg);
}

/* ---- records -------------------------------------------------------------------------------------------------------------------- */

static struct notification *record_of(const struct group *g, const char *finding, struct str sink) {
    for (size_t i = 0; i < g->notification_count; i++)
        if (str_is(str_of(finding), g->notifications[i].finding) && str_is(sink, g->notifications[i].sink)) return &g->notifications[i];
    return NULL;
}

static struct notification *record_new(struct group *g, const char *finding, struct str sink) {
    struct notification *grown = reallocarray(g->notifications, g->notification_count + 1, sizeof *grown);
    if (!grown) return NULL;
    g->notifications = grown;
    struct notification *r = &grown[g->notification_count];
    *r = (struct notification){.sink = str_dup(sink), .ref = str_dup(STR(""))};
    if (r->sink && r->ref) {
        snprintf(r->finding, sizeof r->finding, "%s", finding);
        g->notification_count++;
        return r;
    }
    free(r->sink);
    free(r->ref);
    return NULL;
}

static void record_sent(struct group *g, const char *finding, struct str sink, enum severity severity, struct str ref) {
    struct notification *r = record_of(g, finding, sink);
    if (!r) r = record_new(g, finding, sink);
    if (!r || (ref.n && !str_replace(&r->ref, ref))) {
        log_error("notify", "no memory to remember who was told", LOG_S("group", g->id));
        return;
    }
    r->given_up = false;
    r->severity = severity;
    r->sent_ms = clock_wall_ms();
}

static void record_remove(struct group *g, const struct notification *r) {
    size_t i = (size_t)(r - g->notifications);
    free(g->notifications[i].sink);
    free(g->notifications[i].ref);
    g->notifications[i] = g->notifications[--g->notification_count];
}

/* After a restart the severity that was told is not known; then it counts as the present one. */
static bool severity_moved(const struct notification *r, const struct finding *f) {
    return r->severity != SEVERITIES && r->severity != f->severity;
}

bool notify_delivered(const struct notifier *n, const struct tenant *t, const struct group *g) {
    for (size_t i = 0; i < g->count; i++)
        if (!finding_is_shown(&g->findings[i]) && finding_has_records(g, &g->findings[i])) return false;
    return !deliveries_any(n->deliveries, g->id, t);
}

/* ---- routes --------------------------------------------------------------------------------------------------------------------- */

/* One finding's news. */
struct word {
    struct notifier *n;
    struct tenant *t;
    struct group *g;
    struct finding *f;
    const char *change;  /* of the finding: "changed" where anybody was told of it */
    struct doc *finding; /* as routes see it */
    bool recorded;       /* out: a record changed */
    bool failed;         /* out: somebody could not be told: the next run tries again */
    bool underway;       /* out: news is on its way to somebody */
    bool waiting;        /* out: somebody is to be told once earlier news has arrived there */
};

/* What the policy says, or where it fails, the layer below. The caller's; NULL: nobody is told. */
static struct doc *route_by(struct word *w, const struct policy *p, const struct doc *change) {
    struct k8s_operator *op = w->n->op;
    struct reader reader = {.cluster = op->cluster, .owners = op->filter_owners};
    struct script_call call = {
        .policy = p, .function = "run", .args = {{w->finding, NULL}, {change, NULL}, {w->t->cr, NULL}}, .arg_count = 3};
    struct script_outcome out;
    policycalls_run(op->calls, &call, &reader, &out);
    if (out.result != SCRIPT_OK && p->lower) return route_by(w, p->lower, change);
    if (out.result != SCRIPT_OK) w->failed = true;
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

/* All route policies' answers as one list: a finding goes wherever any of them sends it. */
static struct doc *routes_of(struct word *w, const char *change_name, struct err *err) {
    const struct bundle *bundle = w->n->op->bundle;
    struct doc *change = string_doc(change_name, err);
    struct doc_builder *b = change ? doc_builder_new() : NULL;
    if (b) doc_begin_array(b);
    for (size_t i = 0; b && i < bundle_count(bundle, POLICY_ROUTE); i++) {
        const struct policy *p = policycalls_effective(w->n->op->calls, bundle_at(bundle, POLICY_ROUTE, i));
        struct doc *values = p ? route_by(w, p, change) : NULL;
        struct doc_value routes = doc_at(doc_root(values), 0);
        for (size_t k = 0; k < doc_len(routes); k++) doc_put_value(b, doc_at(routes, k));
        doc_unref(values);
    }
    if (b) doc_end_array(b);
    struct doc *all = b ? doc_builder_finish(b, err) : NULL;
    doc_builder_free(b);
    doc_unref(change);
    return all;
}

/* ---- telling -------------------------------------------------------------------------------------------------------------------- */

/* The finding as one sink is to see it: what others know already is news to it when it was never told. NULL with *err. */
static struct doc *finding_for(const struct word *w, const char *change, struct err *err) {
    return strcmp(change, w->change) == 0 ? doc_ref(w->finding) : finding_document(w->g, w->f, change, NULL, err);
}

static enum sink_outcome tell_sink(const struct word *w, struct str sink, const char *change, struct err *err) {
    struct doc *finding = finding_for(w, change, err);
    struct sink_news news = {w->t, w->g, w->f, change, finding};
    enum sink_outcome outcome = finding ? sink_tell(w->n->deliveries, sink, &news, err) : SINK_FAILED;
    doc_unref(finding);
    return outcome;
}

/* True when the sink knows now. While earlier news is on its way to it, this one waits. */
static bool tell(struct word *w, struct str sink, const char *change) {
    struct err err;
    if (deliveries_has(w->n->deliveries, w->t, w->f->id, sink)) {
        w->waiting = true;
        return false;
    }
    switch (tell_sink(w, sink, change, &err)) {
    case SINK_TOLD: delivered(w->n, w->t, sink); return true;
    case SINK_ON_ITS_WAY: w->underway = true; return false;
    default: break;
    }
    failed(w->n, w->t, sink, err.msg);
    w->failed = true;
    return false;
}

static void tell_shown(struct word *w, struct doc_value routes) {
    for (size_t i = 0; i < doc_len(routes); i++) {
        struct str sink = doc_path_str(doc_at(routes, i), "sink");
        const struct notification *r = record_of(w->g, w->f->id, sink);
        if (sink.n == 0 || (r && !severity_moved(r, w->f)) || !tell(w, sink, r && !r->given_up ? "changed" : "opened")) continue;
        record_sent(w->g, w->f->id, sink, w->f->severity, STR(""));
        w->recorded = true;
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
        if (!r->given_up && wants_resolved(routes, r->sink) && !tell(w, str_of(r->sink), "resolved")) continue;
        record_remove(w->g, r);
        w->recorded = true;
    }
}

/* What has been said of it already (or is on its way) needs no second look. */
static bool needs_word(const struct group *g, const struct finding *f) {
    if (f->state == FINDING_PENDING || (!finding_is_shown(f) && !finding_has_records(g, f))) return false;
    return !f->worded || f->worded_shown != finding_is_shown(f) || f->worded_severity != f->severity;
}

static void tell_cause(const struct word *w);

static void tell_of(struct word *w) {
    bool shown = finding_is_shown(w->f);
    struct err err;
    tell_cause(w);
    w->change = !shown ? "resolved" : finding_has_records(w->g, w->f) ? "changed" : "opened";
    w->finding = finding_document(w->g, w->f, w->change, NULL, &err);
    struct doc *routes = w->finding ? routes_of(w, w->change, &err) : NULL;
    if (!routes)
        w->failed = true;
    else if (shown)
        tell_shown(w, doc_root(routes));
    else
        tell_resolved(w, doc_root(routes));
    doc_unref(routes);
    doc_unref(w->finding);
    w->f->worded = !w->failed && !w->waiting;
    w->f->worded_shown = shown;
    w->f->worded_severity = w->f->severity;
    if (shown && (w->underway || w->recorded)) finding_told(w->f, true);
}

/* What it follows from comes first, so that routes know whether that was told. A root has no cause itself: this ends. */
static void tell_cause(const struct word *w) {
    struct finding_place root = finding_cause(w->f);
    if (!root.finding || !needs_word(root.group, root.finding)) return;
    struct word cause = {.n = w->n, .t = w->t, .g = root.group, .f = root.finding};
    tell_of(&cause);
    root.group->untold |= cause.failed;
    if (cause.recorded) group_touch(root.group);
}

bool notify_group(struct notifier *n, struct tenant *t, struct group *g) {
    bool recorded = false;
    if (!operator_may_tell(n->op)) return false;
    g->untold = false;
    for (size_t i = 0; i < g->count; i++) {
        if (!needs_word(g, &g->findings[i])) continue;
        struct word w = {.n = n, .t = t, .g = g, .f = &g->findings[i]};
        tell_of(&w);
        recorded |= w.recorded;
        g->untold |= w.failed;
    }
    return recorded;
}

static void look_again(struct group *g, void *arg) {
    (void)arg;
    for (size_t i = g->notification_count; i-- > 0;)
        if (g->notifications[i].given_up) record_remove(g, &g->notifications[i]);
    for (size_t i = 0; i < g->count; i++) g->findings[i].worded = false;
    if (group_is_open(g) || g->result_name) group_touch(g); /* what was never shown is nobody's news */
}

void notify_again(struct tenant *t) { findings_each(t->findings, look_again, NULL); }

/* ---- the end of a delivery -------------------------------------------------------------------------------------------------------- */

/* What could be told to nobody stands for nothing that follows from it. */
static void tell_followers(const struct notifier *n, const struct delivery_order *o, struct group *g) {
    for (size_t i = 0; i < g->count; i++) {
        struct finding *f = &g->findings[i];
        if (!str_is(str_of(f->id), o->finding_id) || finding_has_records(g, f)) continue;
        if (!deliveries_any(n->deliveries, g->id, o->tenant)) finding_told(f, false);
    }
}

static void delivery_ended(const struct delivery_order *o, enum delivery_end end, struct str ref, const char *why, void *arg) {
    struct notifier *n = arg;
    struct group *g = findings_by_id(o->tenant->findings, str_of(o->group_id));
    bool resolved = !strcmp(o->change, "resolved");
    if (end == DELIVERY_DONE)
        delivered(n, o->tenant, o->sink);
    else
        failed(n, o->tenant, o->sink, why);
    if (!g) return;
    struct notification *r = record_of(g, o->finding_id, o->sink);
    /* News of an end that cannot be delivered is given up with the finding: its Result would stay for ever. */
    if (resolved && r)
        record_remove(g, r);
    else if (!resolved)
        record_sent(g, o->finding_id, o->sink, o->severity, ref);
    r = record_of(g, o->finding_id, o->sink);
    if (r && end == DELIVERY_FAILED) r->given_up = true;
    o->tenant->unrecorded |= n->op->shutdown != NULL && end == DELIVERY_DONE;
    tell_followers(n, o, g);
    group_touch(g);
}

/* ---- life ----------------------------------------------------------------------------------------------------------------------- */

struct notifier *notifier_new(struct k8s_operator *op) {
    struct notifier *n = calloc(1, sizeof *n);
    if (!n) return NULL;
    *n = (struct notifier){.op = op, .deliveries = deliveries_new(op, delivery_ended, n)};
    if (n->deliveries) return n;
    free(n);
    return NULL;
}

void notify_forget(struct notifier *n, const struct tenant *t) {
    deliveries_forget(n->deliveries, t);
    clear(n, t, (struct str){0});
}

void notifier_free(struct notifier *n) {
    if (!n) return;
    deliveries_free(n->deliveries);
    while (n->undelivered) clear(n, n->undelivered->tenant, (struct str){0});
    free(n);
}
