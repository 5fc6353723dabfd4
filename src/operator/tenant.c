#include "operator/tenant.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/builder.h"
#include "kube/version.h"
#include "operator/apply.h"
#include "operator/census.h"
#include "operator/contest.h"
#include "operator/managed.h"
#include "operator/poll.h"
#include "operator/run.h"
#include "operator/scrape.h"
#include "operator/takeover.h"

static const char LABEL_NAME[] = "k8sgpts.k8sgpt.ai/name", LABEL_NAMESPACE[] = "k8sgpts.k8sgpt.ai/namespace";

/* ---- findings of the tenant --------------------------------------------------------------------------------------------------- */

static struct filters filters_of(const struct tenant *t) {
    const struct k8s_operator *op = t->op;
    return (struct filters){op->bundle, op->cluster, op->calls, op->filter_owners, op->filter_reads};
}

static bool keep(struct group *g, struct finding *f, void *arg) {
    struct tenant *t = arg;
    struct filters filters = filters_of(t);
    return filters_keep(&filters, t->cr, g, f);
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
    reads_drop(t->op->cause_reads, &g->caused_by);
    contest_free(g->contest);
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

/* Upstream keeps the address that it told there, unless that is in a Secret. */
static bool was_told(const struct doc *former, void *arg) {
    const struct tenant *t = arg;
    return doc_path_str(doc_root(former), "status.webhook").n || doc_path_str(doc_root(t->cr), "spec.sink.secret.name").n;
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
    struct findings_owner owner = {.keep = keep,
                                   .keep_begin = keep_begin,
                                   .keep_end = keep_end,
                                   .dirty = findings_dirty,
                                   .lost = findings_lost_some,
                                   .free_group = group_going,
                                   .decide = tenant_decide,
                                   .was_told = was_told,
                                   .opened = tenant_opened,
                                   .arg = t};
    t->findings = findings_new(&identity, op->deadlines, op->options.no_grace, &owner);
    if (t->findings && op->options.no_past) findings_set_no_past(t->findings);
    t->status = status_new(cr);
    t->polls = polls_new(t);
    t->scrapes = scrapes_new(t);
    bool queues = work_init(&t->work, op->queue);
    if (!t->ns || !t->name || !t->key || !t->findings || !t->status || !t->polls || !t->scrapes || !queues) goto nomem;
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

void tenant_free(struct tenant *t) {
    run_drop(t->run);
    takeover_drop(t->takeover);
    if (t->hh.tbl) HASH_DEL(t->op->tenants, t);
    if (t->op->notifier) notify_forget(t->op->notifier, t);
    polls_free(t->polls);
    scrapes_free(t->scrapes);
    census_free(t->census);
    if (t->op->managed) managed_forget(t->op->managed, t);
    findings_free(t->findings);
    status_free(t->status);
    contest_free(t->contest);
    work_free(&t->work);
    choice_free(&t->choice);
    doc_unref(t->cr);
    free(t->ns);
    free(t->name);
    free(t->key);
    doc_unref(t->written);
    free(t);
}

void tenant_enqueue(struct tenant *t) { work_add(&t->work); }

/* What a run depends on: everything but what runs write. */
static bool same_wish(const struct doc *a, const struct doc *b) {
    static const char *const paths[] = {
        "spec", "metadata.uid", "metadata.finalizers", "metadata.deletionTimestamp", "metadata.annotations", "metadata.labels"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!doc_equal(doc_path(doc_root(a), paths[i]), doc_path(doc_root(b), paths[i]))) return false;
    return true;
}

static bool is_older(const struct doc *a, const struct doc *b) {
    static const char version[] = "metadata.resourceVersion";
    return b && version_is_older(doc_path_str(doc_root(a), version), doc_path_str(doc_root(b), version));
}

void tenant_wrote(struct tenant *t, const struct doc *answer) {
    doc_unref(t->written);
    t->written = answer ? doc_ref(answer) : NULL;
}

const struct doc *tenant_current(const struct tenant *t) { return is_older(t->cr, t->written) ? t->written : t->cr; }

/*
 * A status that somebody else changed is put right by the next run. One of before our last write only comes late, and where we have said
 * nothing yet nobody can have changed it: no process did, or this one did not, which begins with what the one before said of another spec.
 */
static bool status_is_ours(const struct tenant *t, const struct doc *cr) {
    if (!t->ran || is_older(cr, t->written) || status_is_blank(t->status)) return true;
    struct err err;
    struct doc *wanted = status_document(t->status, cr, &err);
    bool ours = !wanted || t->run || apply_is_covered(doc_path(doc_root(wanted), "status"), doc_path(doc_root(cr), "status"));
    doc_unref(wanted);
    return ours;
}

void tenant_changed(struct tenant *t, struct doc *cr) {
    bool wish = !same_wish(t->cr, cr), touched = wish || (operator_may_act(t->op) && !status_is_ours(t, cr));
    doc_ref(cr);
    doc_unref(t->cr);
    t->cr = cr;
    if (!is_older(cr, t->written)) tenant_wrote(t, NULL);
    if (wish) {
        findings_refilter(t->findings); /* filters decide by the resource too */
        notify_again(t);                /* and routes */
        managed_share_changed(t->op->managed, str_of(t->ns));
    }
    t->undone |= touched && !wish;
    if (touched) tenant_enqueue(t);
}

/* ---- Results of an earlier process -------------------------------------------------------------------------------------------- */

void tenant_adopt_results(struct tenant *t) {
    struct store *results = operator_results(t->op, str_of(t->ns));
    if (t->op->leader || t->adopted || !results) return;
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

bool tenant_has_chosen(const struct tenant *t, const char *analyzer) {
    return choice_holds(t->choice.names, t->choice.count, str_of(analyzer));
}

/* Peers that are asked report under their names. */
static bool is_wanted(const char *analyzer, void *arg) {
    const struct tenant *t = arg;
    return tenant_has_chosen(t, analyzer) || polls_has(t->polls, analyzer);
}

static bool same_choice(const struct tenant *t, const struct choice *c) {
    bool same = t->has_chosen && c->count == t->choice.count;
    for (size_t i = 0; same && i < c->count; i++) same = tenant_has_chosen(t, c->names[i]);
    return same;
}

int tenant_choose(struct tenant *t, bool *changed, struct err *err) {
    struct filters filters = filters_of(t);
    struct choice c;
    *changed = false;
    int rc = filters_choose(&filters, t->cr, &c, err);
    if (rc) { /* the last choice holds */
        choice_free(&c);
        return rc == ERR_POLICY ? 0 : rc;
    }
    *changed = !same_choice(t, &c);
    choice_free(&t->choice);
    t->choice = c;
    t->has_chosen = true;
    findings_retain(t->findings, is_wanted, t);
    return 0;
}

void tenant_choose_nothing(struct tenant *t, bool *changed) {
    *changed = !t->has_chosen || t->choice.count;
    choice_free(&t->choice);
    t->has_chosen = true;
}

void tenant_set_interval(struct tenant *t, int64_t seconds) {
    if (t->interval_s == seconds) return;
    t->interval_s = seconds;
    for (size_t i = 0; i < t->choice.count; i++) diagnosis_interval_changed(t->op->diagnosis, str_of(t->choice.names[i]));
}

static bool all_swept(const struct tenant *t, bool or_stuck) {
    const struct diagnosis *d = t->op->diagnosis;
    bool all = t->has_chosen && !t->op->plan && t->op->bundle == t->op->next_bundle;
    for (size_t i = 0; all && i < t->choice.count; i++)
        all = diagnosis_swept(d, str_of(t->choice.names[i])) || (or_stuck && diagnosis_stuck(d, str_of(t->choice.names[i])));
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
    if (!t->looked) tenant_enqueue(t);
}
