#include "operator/tenant.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/builder.h"
#include "operator/apply.h"
#include "operator/run.h"

static const char LABEL_NAME[] = "k8sgpts.k8sgpt.ai/name", LABEL_NAMESPACE[] = "k8sgpts.k8sgpt.ai/namespace";

/* ---- findings of the tenant --------------------------------------------------------------------------------------------------- */

static uint64_t filter_mark(const struct policy *filter) { return str_hash(str_of(filter->name), 0); }

/* False: it failed, or is tripped. */
static bool ask_filter(struct tenant *t, const struct policy *filter, struct group *g, const struct doc *finding, bool *keeps) {
    struct k8s_operator *op = t->op;
    if (filter->layer != LAYER_BUILTIN && policycalls_tripped(op->calls, filter)) return false;
    struct reader reader = {.cluster = op->cluster, .owners = op->filter_owners, .reads = op->filter_reads, .evaluation = &g->kept_by};
    struct script_call call = {.policy = filter, .function = "keep", .args = {{finding, NULL}, {t->cr, NULL}}, .arg_count = 2};
    struct script_outcome out;
    policycalls_run(op->calls, &call, &reader, &out);
    *keeps = doc_bool(doc_at(doc_root(out.values), 0));
    doc_unref(out.values);
    return out.result == SCRIPT_OK;
}

/* A filter that fails keeps its last decision. Where it has made none the layer below decides, and at last it is kept: it hides no fault.
 */
static bool filter_keeps(struct tenant *t, const struct policy *filter, struct group *g, const struct finding *f,
                         const struct doc *finding) {
    bool keeps = true;
    for (const struct policy *p = script_holder(filter, "keep"); p; p = script_holder(p->lower, "keep")) {
        if (ask_filter(t, p, g, finding, &keeps)) return keeps;
        if (f->filtered) return !f->hidden || f->hidden_by != filter_mark(filter);
    }
    return true;
}

/* The object that the finding is about, for its labels and annotations; when these change the filters look again. */
static const struct doc *subject_of(struct tenant *t, struct group *g) {
    const struct gvk *gvk = gvk_of(str_of(g->api_version), str_of(g->kind));
    const struct store *store = gvk ? cluster_store(t->op->cluster, gvk) : NULL;
    struct err err;
    if (!store) return NULL;
    if (reads_object(t->op->filter_reads, &g->kept_by, gvk, str_of(g->ns), str_of(g->name), &err)) log_error("operator", err.msg);
    return store_get(store, str_of(g->ns), str_of(g->name));
}

static bool keep(struct group *g, struct finding *f, void *arg) {
    struct tenant *t = arg;
    struct k8s_operator *op = t->op;
    struct err err;
    bool keeps = true;
    struct doc *finding = finding_document(g, f, NULL, subject_of(t, g), &err);
    for (size_t i = 0; finding && keeps && i < bundle_count(op->bundle, POLICY_FILTER); i++) {
        const struct policy *p = bundle_at(op->bundle, POLICY_FILTER, i);
        keeps = filter_keeps(t, p, g, f, finding);
        if (!keeps) f->hidden_by = filter_mark(p);
    }
    doc_unref(finding);
    return keeps;
}

static void keep_begin(struct group *g, void *arg) {
    const struct tenant *t = arg;
    reads_begin(t->op->filter_reads, &g->kept_by);
}

static void keep_end(struct group *g, void *arg) {
    const struct tenant *t = arg;
    reads_end(t->op->filter_reads, &g->kept_by);
}

static void findings_dirty(void *arg) { tenant_enqueue(arg); }

static void findings_lost_some(void *arg) {
    const struct tenant *t = arg;
    operator_look_again(t->op);
}

static void group_going(struct group *g, void *arg) {
    struct tenant *t = arg;
    reads_drop(t->op->filter_reads, &g->kept_by);
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

static void timer_fired(void *arg) { tenant_enqueue(arg); }

static void free_names(char ***names, size_t *count) {
    for (size_t i = 0; i < *count; i++) free((*names)[i]);
    free(*names);
    *names = NULL;
    *count = 0;
}

struct tenant *tenant_new(struct k8s_operator *op, struct doc *cr, struct err *err) {
    struct doc_value o = doc_root(cr);
    struct str ns = doc_path_str(o, "metadata.namespace"), name = doc_path_str(o, "metadata.name");
    struct tenant *t = calloc(1, sizeof *t);
    if (!t) goto nomem;
    t->op = op;
    t->cr = doc_ref(cr);
    t->ns = str_dup(ns);
    t->name = str_dup(name);
    if (asprintf(&t->key, STR_FMT "/" STR_FMT, STR_ARG(ns), STR_ARG(name)) < 0) t->key = NULL;
    struct findings_identity identity = {str_of(op->options.cluster_name), ns, name};
    struct findings_owner owner = {keep, keep_begin, keep_end, findings_dirty, findings_lost_some, group_going, t};
    t->findings = findings_new(&identity, op->deadlines, op->options.no_grace, &owner);
    t->status = status_new(cr);
    t->timer = timer_new(op->options.loop, timer_fired, t);
    if (!t->ns || !t->name || !t->key || !t->findings || !t->status || !t->timer) goto nomem;
    HASH_ADD_KEYPTR(hh, op->tenants, t->key, strlen(t->key), t);
    if (!t->hh.tbl) goto nomem;
    tenant_adopt_results(t);
    tenant_enqueue(t);
    return t;
nomem:
    err_set(err, ERR_NOMEM, "no memory for K8sGPT " STR_FMT "/" STR_FMT, STR_ARG(ns), STR_ARG(name));
    if (t) tenant_free(t);
    return NULL;
}

static void leave_queue(struct tenant *t) {
    struct k8s_operator *op = t->op;
    for (struct tenant **p = &op->queue; *p; p = &(*p)->next) {
        if (*p != t) continue;
        *p = t->next;
        if (!*p) op->queue_end = p;
        op->queue_depth--;
        break;
    }
    t->queued = false;
}

void tenant_free(struct tenant *t) {
    if (t->run) run_drop(t->run);
    if (t->queued) leave_queue(t);
    if (t->hh.tbl) HASH_DEL(t->op->tenants, t);
    if (t->op->notifier) notify_forget(t->op->notifier, t);
    findings_free(t->findings);
    status_free(t->status);
    timer_free(t->timer);
    free_names(&t->chosen, &t->chosen_count);
    free_names(&t->unknown, &t->unknown_count);
    doc_unref(t->cr);
    free(t->ns);
    free(t->name);
    free(t->key);
    free(t);
}

void tenant_enqueue(struct tenant *t) {
    struct k8s_operator *op = t->op;
    if (t->run) {
        t->again = true;
        return;
    }
    if (t->queued) return;
    t->queued = true;
    t->queued_us = clock_mono_us();
    t->next = NULL;
    *op->queue_end = t;
    op->queue_end = &t->next;
    op->queue_depth++;
    telemetry_enqueued(op->telemetry);
    worker_wake(op->worker);
}

/* What a run depends on: everything but what runs write. */
static bool same_wish(const struct doc *a, const struct doc *b) {
    static const char *const paths[] = {
        "spec", "metadata.uid", "metadata.finalizers", "metadata.deletionTimestamp", "metadata.annotations", "metadata.labels"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!doc_equal(doc_path(doc_root(a), paths[i]), doc_path(doc_root(b), paths[i]))) return false;
    return true;
}

/* A status that somebody else changed is put right by the next run. */
static bool status_is_ours(const struct tenant *t, const struct doc *cr) {
    struct err err;
    struct doc *wanted = status_document(t->status, cr, &err);
    bool ours = !wanted || t->run || apply_is_covered(doc_path(doc_root(wanted), "status"), doc_path(doc_root(cr), "status"));
    doc_unref(wanted);
    return ours;
}

void tenant_changed(struct tenant *t, struct doc *cr) {
    bool wish = !same_wish(t->cr, cr), touched = wish || !status_is_ours(t, cr);
    doc_ref(cr);
    doc_unref(t->cr);
    t->cr = cr;
    if (wish) {
        findings_refilter(t->findings); /* filters decide by the resource too */
        notify_again(t);                /* and routes */
    }
    if (touched) tenant_enqueue(t);
}

/* ---- Results of an earlier process -------------------------------------------------------------------------------------------- */

void tenant_adopt_results(struct tenant *t) {
    struct store *results = operator_results(t->op, str_of(t->ns));
    if (t->adopted || !results) return;
    t->adopted = true;
    struct store_query query = {
        .ns = str_of(t->ns),
        .labels = {{str_of(LABEL_NAME), str_of(t->name)}, {str_of(LABEL_NAMESPACE), str_of(t->ns)}},
        .label_count = 2,
    };
    struct doc **found = NULL;
    size_t count = 0;
    struct err err;
    int rc = store_list(results, &query, &found, &count, &err);
    for (size_t i = 0; rc != ERR_NOMEM && i < count; i++) {
        rc = findings_adopt(t->findings, found[i], &err);
        if (!rc || rc == ERR_NOMEM) continue;
        log_warn("operator", "a Result was not understood and is left alone",
                 LOG_T("result", doc_path_str(doc_root(found[i]), "metadata.name")), LOG_S("error", err.msg));
    }
    free(found);
    if (rc != ERR_NOMEM) return;
    t->adopted = false;
    operator_look_again(t->op);
}

/* ---- choice of analyzers ------------------------------------------------------------------------------------------------------ */

static bool holds(char *const *names, size_t count, struct str name) {
    for (size_t i = 0; i < count; i++)
        if (str_is(name, names[i])) return true;
    return false;
}

bool tenant_has_chosen(const struct tenant *t, const char *analyzer) { return holds(t->chosen, t->chosen_count, str_of(analyzer)); }

static bool add_name(char ***names, size_t *count, struct str name) {
    if (holds(*names, *count, name)) return true;
    char **grown = reallocarray(*names, *count + 1, sizeof *grown);
    if (!grown) return false;
    *names = grown;
    char *copy = str_dup(name);
    if (copy) grown[(*count)++] = copy;
    return copy != NULL;
}

/* What the filter selects, or where it fails, the layer below. False when all of them fail. */
static bool select_by(struct tenant *t, const struct policy *filter, struct doc **values) {
    struct k8s_operator *op = t->op;
    struct reader reader = {.cluster = op->cluster, .owners = op->filter_owners};
    struct script_call call = {.policy = filter, .function = "select", .args = {{t->cr, NULL}}, .arg_count = 1};
    struct script_outcome out;
    policycalls_run(op->calls, &call, &reader, &out);
    *values = out.values;
    if (out.result == SCRIPT_OK) return true;
    filter = script_holder(filter->lower, "select");
    return filter && select_by(t, filter, values);
}

/* Keeps of *names what `selected` lists too. */
static void narrow(char **names, size_t *count, struct doc_value selected) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        bool listed = false;
        for (size_t k = 0; k < doc_len(selected); k++) listed |= str_is(doc_str(doc_at(selected, k)), names[i]);
        if (listed)
            names[kept++] = names[i];
        else
            free(names[i]);
    }
    *count = kept;
}

struct choice {
    char **names, **unknown;
    size_t count, unknown_count;
    bool made, lacks; /* lacks: memory ran out for a name */
};

struct switched {
    struct str name;
    bool off;
};

static void look_whether_off(const struct policy *p, bool disabled, void *arg) {
    struct switched *s = arg;
    if (disabled && p->kind == POLICY_ANALYZER && str_is(s->name, p->name)) s->off = true;
}

/* Who switches an analyzer off in a policy folder knows its name; nobody has to correct spec.filters. */
static bool is_switched_off(const struct bundle *bundle, struct str analyzer) {
    struct switched s = {.name = analyzer};
    bundle_each_override(bundle, look_whether_off, &s);
    return s.off;
}

static void take_selection(struct tenant *t, struct doc_value selected, struct choice *c) {
    for (size_t i = 0; i < doc_len(selected); i++) {
        struct str name = doc_str(doc_at(selected, i));
        bool known = bundle_find(t->op->bundle, POLICY_ANALYZER, name) != NULL;
        if (!known && !is_switched_off(t->op->bundle, name))
            c->lacks |= !add_name(&c->unknown, &c->unknown_count, name);
        else if (known && !c->made)
            c->lacks |= !add_name(&c->names, &c->count, name);
    }
    if (c->made) narrow(c->names, &c->count, selected);
    c->made = true;
}

/* Where no filter has a say, every analyzer runs: a filter that lost its select hides no fault. */
static void take_all(struct tenant *t, struct choice *c) {
    for (size_t i = 0; i < bundle_count(t->op->bundle, POLICY_ANALYZER); i++)
        c->lacks |= !add_name(&c->names, &c->count, str_of(bundle_at(t->op->bundle, POLICY_ANALYZER, i)->name));
}

static bool is_chosen(const char *analyzer, void *arg) { return tenant_has_chosen(arg, analyzer); }

static bool make_choice(struct tenant *t, struct choice *c) {
    const struct k8s_operator *op = t->op;
    for (size_t i = 0; i < bundle_count(op->bundle, POLICY_FILTER); i++) {
        const struct policy *p = policycalls_effective(op->calls, bundle_at(op->bundle, POLICY_FILTER, i));
        struct doc *values = NULL;
        if (!(p = script_holder(p, "select"))) continue;
        if (!select_by(t, p, &values)) return false;
        take_selection(t, doc_at(doc_root(values), 0), c);
        doc_unref(values);
    }
    if (!c->made) take_all(t, c);
    return !c->lacks;
}

static bool same_choice(const struct tenant *t, const struct choice *c) {
    bool same = t->has_chosen && c->count == t->chosen_count;
    for (size_t i = 0; same && i < c->count; i++) same = tenant_has_chosen(t, c->names[i]);
    return same;
}

static void drop_choice(struct tenant *t) {
    free_names(&t->chosen, &t->chosen_count);
    free_names(&t->unknown, &t->unknown_count);
}

int tenant_choose(struct tenant *t, bool *changed, struct err *err) {
    struct choice c = {0};
    *changed = false;
    if (!make_choice(t, &c)) { /* the last choice holds */
        free_names(&c.names, &c.count);
        free_names(&c.unknown, &c.unknown_count);
        return c.lacks ? err_set(err, ERR_NOMEM, "no memory for the names of analyzers") : 0;
    }
    *changed = !same_choice(t, &c);
    drop_choice(t);
    t->chosen = c.names;
    t->chosen_count = c.count;
    t->unknown = c.unknown;
    t->unknown_count = c.unknown_count;
    t->has_chosen = true;
    findings_retain(t->findings, is_chosen, t);
    return 0;
}

static bool all_swept(const struct tenant *t, bool or_stuck) {
    const struct diagnosis *d = t->op->diagnosis;
    bool all = t->has_chosen && !t->op->plan && t->op->bundle == t->op->next_bundle;
    for (size_t i = 0; all && i < t->chosen_count; i++)
        all = diagnosis_swept(d, str_of(t->chosen[i])) || (or_stuck && diagnosis_stuck(d, str_of(t->chosen[i])));
    return all;
}

bool tenant_synced(const struct tenant *t) { return all_swept(t, false); }
bool tenant_settled(const struct tenant *t) { return all_swept(t, true); }

/* ---- verdicts ----------------------------------------------------------------------------------------------------------------- */

void tenant_verdict(struct tenant *t, const struct verdict *v) {
    if (tenant_has_chosen(t, v->policy->name)) findings_verdict(t->findings, v);
}

/* What may not be read may be there. */
static bool object_exists(const struct group *g, void *arg) {
    const struct tenant *t = arg;
    const struct policy *p = bundle_find(t->op->bundle, POLICY_ANALYZER, str_of(g->analyzer));
    const struct policy_watch *subject = p ? policy_subject(p, str_of(g->kind)) : NULL;
    if (!subject) return false;
    enum reflector_state state = cluster_state_in(t->op->cluster, subject->gvk, str_of(g->ns), NULL);
    if (state == REFLECTOR_DENIED || state == REFLECTOR_SYNCING) return true;
    const struct store *store = cluster_store(t->op->cluster, subject->gvk);
    return store && store_get(store, str_of(g->ns), str_of(g->name));
}

void tenant_swept(struct tenant *t, const char *analyzer) {
    if (tenant_has_chosen(t, analyzer)) findings_swept(t->findings, str_of(analyzer), object_exists, t);
}
