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

/* Entries that the next plan has taken over live on. */
static void discard(struct cluster_plan *plan, const struct cluster_plan *next) {
    if (!plan) return;
    struct entry *e;
    for (size_t i = 0; (e = ptrset_next(&plan->entries, &i));) {
        if (!e->in_use && !(next && entry_set_find(&next->entries, e->gvk) == e)) entry_free(e);
    }
    ptrset_free(&plan->entries);
    timer_free(plan->timer);
    free(plan);
}

void plan_free(struct cluster_plan *plan) { discard(plan, NULL); }

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

static struct entry *find_covering(const struct ptrset *entries, const struct gvk *gvk, const struct projection *projection) {
    struct entry *e = entry_set_find(entries, gvk);
    return e && projection_covers(store_projection(e->store), projection) ? e : NULL;
}

/* The store in use where it has all that is wanted, or that of the plan before; NULL when there is none. */
static struct entry *find_existing(const struct cluster *c, const struct gvk *gvk, const struct projection *projection) {
    struct entry *e = find_covering(&c->entries, gvk, projection);
    return e || !c->plan ? e : find_covering(&c->plan->entries, gvk, projection);
}

/* What exists, or a new store beside it. */
static int add_entry(struct cluster_plan *plan, const struct cluster_want *wants, size_t count, const struct gvk *gvk, struct err *err) {
    struct projection *projection;
    int rc = unite(wants, count, gvk, &projection, err);
    struct entry *e = rc ? NULL : find_existing(plan->cluster, gvk, projection), *new = NULL;
    if (!rc && !e) e = new = entry_new(plan->cluster, gvk, projection, err);
    projection_unref(projection);
    if (!e) return rc ? rc : (int)err->code;
    rc = ptrset_add(&plan->entries, e, err);
    if (rc && new) entry_free(new);
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

static struct cluster_plan *plan_new(struct cluster *c, void (*ready)(void *arg), void *arg, struct err *err) {
    struct cluster_plan *plan = calloc(1, sizeof *plan);
    if (plan) *plan = (struct cluster_plan){.cluster = c, .entries = entry_set_new(), .ready = ready, .arg = arg};
    if (plan && c->loop) plan->timer = timer_new(c->loop, check, plan);
    if (plan && (plan->timer || !c->loop)) return plan;
    err_set(err, ERR_NOMEM, "no memory for a plan");
    free(plan);
    return NULL;
}

struct cluster_plan *cluster_prepare(struct cluster *c, const struct cluster_want *wants, size_t count, void (*ready)(void *arg), void *arg,
                                     struct err *err) {
    struct err local;
    if (!err) err = &local;
    struct cluster_plan *plan = plan_new(c, ready, arg, err);
    int rc = plan ? 0 : (int)err->code;
    for (size_t i = 0; i < count && !rc; i++) rc = add_want(plan, wants, count, &wants[i], err);
    discard(c->plan, plan);
    c->plan = rc ? NULL : plan;
    if (rc)
        plan_free(plan);
    else
        plan_check_soon(plan);
    return c->plan;
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
