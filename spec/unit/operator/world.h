/*
 * world: an offline cluster, policies in a temporary folder, and a diagnosis of it whose verdicts are noted down.
 */
#ifndef SPEC_OPERATOR_WORLD_H
#define SPEC_OPERATOR_WORLD_H

#include "document.h"

#include "doc/copy.h"
#include "operator/diagnosis.h"
#include "operator/plan.h"
#include "script/fixture.h"

enum { WORLD_MAX_VERDICTS = 256, WORLD_MAX_ANALYZERS = 4 };

/* The last verdict on an object, as told. */
struct noted {
    char key[128]; /* "analyzer/namespace/name"; empty: free */
    struct doc *failures;
    char *parent;
    enum policy_layer decider;
    bool partial;
};

struct world {
    struct fixture fx;
    struct loop *loop; /* NULL: one-shot */
    struct deadlines *deadlines;
    struct cluster *cluster;
    struct policycalls *calls;
    struct diagnosis *diagnosis;
    struct str analyzers[WORLD_MAX_ANALYZERS];
    size_t analyzer_count;
    struct noted noted[WORLD_MAX_VERDICTS];
    int verdicts, sweeps, changes; /* calls of the listener */
};

static inline struct noted *world_noted(struct noted *all, const char *key, bool add) {
    for (int i = 0; i < WORLD_MAX_VERDICTS; i++) {
        if (strcmp(all[i].key, key) == 0) return &all[i];
        if (all[i].key[0]) continue;
        if (!add) return NULL;
        snprintf(all[i].key, sizeof all[i].key, "%s", key);
        return &all[i];
    }
    fail_msg("too many verdicts");
    return NULL;
}

static inline void world_forget(struct noted *n) {
    doc_unref(n->failures);
    free(n->parent);
    n->failures = NULL;
    n->parent = NULL;
}

static inline void world_note(struct noted *all, const struct verdict *v) {
    char key[128];
    struct err err;
    snprintf(key, sizeof key, "%s/" STR_FMT "/" STR_FMT, v->policy->name, STR_ARG(v->ns), STR_ARG(v->name));
    struct noted *n = world_noted(all, key, true);
    world_forget(n);
    n->decider = v->decider->layer;
    n->partial = v->partial;
    if (v->gone || doc_len(v->failures) == 0) return;
    do n->failures = doc_copy(v->failures, &err);
    while (!n->failures); /* an injected fault is meant for the diagnosis */
    do n->parent = str_dup(v->parent);
    while (!n->parent);
}

static inline void world_verdict(const struct verdict *v, void *arg) {
    struct world *w = arg;
    w->verdicts++;
    world_note(w->noted, v);
}

static inline void world_swept(const struct policy *analyzer, void *arg) {
    (void)analyzer;
    ((struct world *)arg)->sweeps++;
}

static inline void world_state_changed(void *arg) { ((struct world *)arg)->changes++; }

static inline void world_object_changed(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    const struct world *w = arg;
    if (w->diagnosis) diagnosis_object_changed(w->diagnosis, store, before, after);
}

static inline void world_new(struct world *w) {
    memset(w, 0, sizeof *w);
    fx_new(&w->fx);
    clock_fix_wall(w->fx.now_ms);
    w->cluster = cluster_new_offline();
    w->calls = policycalls_new(NULL, NULL);
    assert_true(w->cluster && w->calls);
    cluster_on_change(w->cluster, world_object_changed, w);
}

/* Loads the policies that the test has written, and opens the stores that they read. */
static inline void world_open(struct world *w) {
    struct plan_wants wants = {0};
    struct err err;
    if (!fx_load(&w->fx, false)) fail_msg("%s", w->fx.err.msg);
    for (size_t i = 0; i < bundle_count(w->fx.bundle, POLICY_ANALYZER); i++) {
        const struct policy *p = bundle_at(w->fx.bundle, POLICY_ANALYZER, i);
        assert_int_equal(plan_policy_wants(p, &wants, &err), 0);
        w->analyzers[w->analyzer_count++] = str_of(p->name);
    }
    struct cluster_plan *plan = cluster_prepare(w->cluster, wants.items, wants.count, NULL, NULL, &err);
    assert_non_null(plan);
    cluster_commit(w->cluster, plan);
    plan_wants_free(&wants);
}

static inline struct diagnosis *world_diagnosis(struct world *w, const struct diagnosis_listener *listener) {
    struct err err;
    struct diagnosis *d = diagnosis_new(w->loop, w->cluster, w->calls, w->deadlines, listener, &err);
    assert_non_null(d);
    assert_int_equal(diagnosis_use(d, w->fx.bundle, w->analyzers, w->analyzer_count, &err), 0);
    return d;
}

static inline void world_start(struct world *w) {
    struct diagnosis_listener listener = {.verdict = world_verdict, .swept = world_swept, .changed = world_state_changed, .arg = w};
    w->diagnosis = world_diagnosis(w, &listener);
    if (!w->loop) diagnosis_finish(w->diagnosis);
}

static inline void world_free(struct world *w) {
    diagnosis_free(w->diagnosis);
    w->diagnosis = NULL;
    deadlines_free(w->deadlines);
    policycalls_free(w->calls);
    cluster_free(w->cluster);
    loop_free(w->loop);
    for (int i = 0; i < WORLD_MAX_VERDICTS; i++) world_forget(&w->noted[i]);
    fx_free(&w->fx);
}

/* Puts an object; takes it. */
static inline void world_put(struct world *w, struct doc *object) {
    struct err err;
    if (cluster_load(w->cluster, object, &err)) fail_msg("%s", err.msg);
    doc_unref(object);
}

static inline void world_delete(struct world *w, const char *kind, const char *ns, const char *name) {
    struct err err;
    store_delete(cluster_store(w->cluster, gvk_parse(str_of(kind), &err)), str_of(ns), str_of(name));
}

/* Does what is to be done; how many verdicts came of it. */
static inline int world_settle(struct world *w) {
    int before = w->verdicts;
    diagnosis_finish(w->diagnosis);
    assert_int_equal(diagnosis_pending(w->diagnosis), 0);
    return w->verdicts - before;
}

/* The failures of the last verdict on "analyzer/namespace/name". */
static inline struct doc_value world_failures(struct world *w, const char *key) {
    const struct noted *n = world_noted(w->noted, key, false);
    return doc_root(n ? n->failures : NULL);
}

#endif
