#include <stdlib.h>

#include "kube/cluster_internal.h"

/* Runs from the loop whenever an entry changed or may have failed long enough. */
static void check(void *arg) {
    struct cluster_plan *plan = arg;
    int64_t longest_ms = 0;
    bool unknown = false;
    struct entry *e;
    for (size_t i = 0; (e = ptrset_next(&plan->entries, &i));) {
        int64_t ms = entry_settles_in_ms(e);
        if (ms < 0) unknown = true;
        if (ms > longest_ms) longest_ms = ms;
    }
    if (unknown) return;
    if (longest_ms) {
        timer_start(plan->timer, longest_ms);
        return;
    }
    void (*ready)(void *) = plan->ready;
    plan->ready = NULL;
    if (ready) ready(plan->arg);
}

void plan_check_soon(struct cluster_plan *plan) {
    if (plan->timer && plan->ready) timer_start(plan->timer, 0);
}

void plan_free(struct cluster_plan *plan) {
    if (!plan) return;
    struct entry *e;
    for (size_t i = 0; (e = ptrset_next(&plan->entries, &i));) {
        if (!e->in_use) entry_free(e);
    }
    ptrset_free(&plan->entries);
    timer_free(plan->timer);
    free(plan);
}

/* *p keeps `more` too from now on. */
static int widen(struct projection **p, const struct projection *more, struct err *err) {
    struct projection *wider = *p ? projection_union(*p, more) : projection_ref(more);
    if (!wider) return err_set(err, ERR_NOMEM, "no memory for a projection");
    projection_unref(*p);
    *p = wider;
    return 0;
}

/* What an index is built on must be kept, declared as a field or not. */
static int widen_by_index(struct projection **p, struct str path, struct err *err) {
    struct projection *field = projection_new();
    int rc = field ? projection_add(field, path, err) : err_set(err, ERR_NOMEM, "no memory for a projection");
    if (!rc) rc = widen(p, field, err);
    projection_unref(field);
    return rc;
}

/* All that the wants ask of one kind. */
static int unite(const struct cluster_want *wants, size_t count, const struct gvk *gvk, struct projection **out, struct err *err) {
    int rc = 0;
    *out = NULL;
    for (size_t i = 0; i < count && !rc; i++) {
        if (wants[i].gvk != gvk) continue;
        rc = widen(out, wants[i].projection, err);
        for (size_t k = 0; k < wants[i].index_count && !rc; k++) rc = widen_by_index(out, wants[i].indexes[k], err);
    }
    return rc;
}

/* The store in use where it has all that is wanted, or a new one beside it. */
static int add_entry(struct cluster_plan *plan, const struct cluster_want *wants, size_t count, const struct gvk *gvk, struct err *err) {
    struct projection *projection;
    int rc = unite(wants, count, gvk, &projection, err);
    struct entry *e = rc ? NULL : entry_set_find(&plan->cluster->entries, gvk);
    if (e && !projection_covers(store_projection(e->store), projection)) e = NULL;
    if (!rc && !e) e = entry_new(plan->cluster, gvk, projection, err);
    projection_unref(projection);
    if (!e) return rc ? rc : (int)err->code;
    rc = ptrset_add(&plan->entries, e, err);
    if (rc && !e->in_use) entry_free(e);
    return rc;
}

static int add_want(struct cluster_plan *plan, const struct cluster_want *wants, size_t count, const struct cluster_want *want,
                    struct err *err) {
    struct entry *e = entry_set_find(&plan->entries, want->gvk);
    int rc = e ? 0 : add_entry(plan, wants, count, want->gvk, err);
    if (!rc && !e) e = entry_set_find(&plan->entries, want->gvk);
    for (size_t i = 0; i < want->index_count && !rc; i++) rc = store_add_index(e->store, want->indexes[i], err);
    return rc;
}

struct cluster_plan *cluster_prepare(struct cluster *c, const struct cluster_want *wants, size_t count, void (*ready)(void *arg), void *arg,
                                     struct err *err) {
    struct err local;
    if (!err) err = &local;
    plan_free(c->plan);
    c->plan = NULL;
    struct cluster_plan *plan = calloc(1, sizeof *plan);
    int rc = plan ? 0 : err_set(err, ERR_NOMEM, "no memory for a plan of %zu kinds", count);
    if (rc) return NULL;
    *plan = (struct cluster_plan){.cluster = c, .entries = entry_set_new(), .ready = ready, .arg = arg};
    if (c->loop) plan->timer = timer_new(c->loop, check, plan);
    if (c->loop && !plan->timer) rc = err_set(err, ERR_NOMEM, "no memory for a plan of %zu kinds", count);
    for (size_t i = 0; i < count && !rc; i++) rc = add_want(plan, wants, count, &wants[i], err);
    if (rc) {
        plan_free(plan);
        return NULL;
    }
    c->plan = plan;
    plan_check_soon(plan);
    return plan;
}

void cluster_commit(struct cluster *c, struct cluster_plan *plan) {
    struct ptrset before = c->entries;
    struct entry *e;
    for (size_t i = 0; (e = ptrset_next(&before, &i));) {
        if (entry_set_find(&plan->entries, e->gvk) != e) entry_free(e);
    }
    ptrset_free(&before);
    c->entries = plan->entries;
    plan->entries = entry_set_new();
    for (size_t i = 0; (e = ptrset_next(&c->entries, &i));) entry_listen(e);
    c->plan = NULL;
    plan_free(plan);
}
