/*
 * cluster_internal: cluster.c answers for the stores in use, plan.c prepares the next ones, entry.c is one kind with its store. Not for
 * other units.
 */
#ifndef KUBE_CLUSTER_INTERNAL_H
#define KUBE_CLUSTER_INTERNAL_H

#include "base/ptrset.h"
#include "kube/backoff.h"
#include "kube/cluster.h"

/* A kind, its store, and what fills it. */
struct entry {
    struct cluster *cluster;
    const struct gvk *gvk;
    struct store *store;
    struct reflector *reflector; /* NULL: not discovered yet, or offline */
    struct timer *retry;         /* of the discovery */
    struct backoff backoff;
    enum reflector_state state;
    struct err err;           /* why it is not synced */
    int64_t failing_since_us; /* 0: it does not fail */
    bool in_use;
};

/* Makes the entry and starts to fill it. */
struct entry *entry_new(struct cluster *c, const struct gvk *gvk, const struct projection *projection, struct err *err);
void entry_free(struct entry *e);
void entry_deny(struct entry *e);
void entry_listen(struct entry *e); /* it is in use: its changes are told */

/* Sets of entries by gvk. */
struct ptrset entry_set_new(void);
struct entry *entry_set_find(const struct ptrset *set, const struct gvk *gvk);

struct cluster_plan {
    struct cluster *cluster;
    struct ptrset entries; /* new ones, and those in use that go on being used */
    struct timer *timer;
    void (*ready)(void *arg);
    void *arg;
};

void plan_check_soon(struct cluster_plan *plan);
void plan_free(struct cluster_plan *plan);

struct cluster {
    struct loop *loop; /* NULL: offline, as are client and discovery */
    struct kube_client *client;
    struct metrics *metrics;
    struct discovery *discovery;
    struct ptrset entries; /* in use */
    struct cluster_plan *plan;
    struct ptrset forbidden; /* struct gvk; offline */
    store_changed changed;
    void *changed_arg;
    cluster_state_changed state_changed;
    void *state_arg;
};

/* An entry's state changed. It may be gone afterwards. */
void cluster_entry_changed(struct entry *e);
bool cluster_is_forbidden(const struct cluster *c, const struct gvk *gvk);

#endif
