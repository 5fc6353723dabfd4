/*
 * cluster_internal: cluster.c answers for the stores in use, plan.c prepares the next ones, entry.c is one kind with its store, source.c
 * what fills that. Not for other units.
 */
#ifndef KUBE_CLUSTER_INTERNAL_H
#define KUBE_CLUSTER_INTERNAL_H

#include "base/ptrset.h"
#include "kube/backoff.h"
#include "kube/cluster.h"
#include "kube/crds.h"

/* Fills the store of a kind from one namespace, or from all. */
struct source {
    struct entry *entry;
    const char *ns; /* "": all; the cluster's */
    struct reflector *reflector;
    enum reflector_state state;
    struct err err; /* why it is not synced */
};

/* A kind, its store, and what fills it. */
struct entry {
    struct cluster *cluster;
    const struct gvk *gvk;
    struct store *store;
    struct source *sources;
    size_t source_count;        /* 0: not discovered, or offline */
    char *plural;               /* what discovery said when they were opened */
    bool namespaced;            /* the same */
    struct timer *retry;        /* of the discovery */
    struct backoff backoff;     /* the same */
    int hurries;                /* tries left before the back-off begins */
    enum reflector_state state; /* the sum of the sources'; MISSING: the server does not serve the kind */
    struct err err;             /* why it is not synced */
    int64_t failing_since_us;   /* 0: it does not fail */
    bool in_use;
};

/* Makes the entry and starts to fill it. */
struct entry *entry_new(struct cluster *c, const struct gvk *gvk, const struct projection *projection, struct err *err);
void entry_free(struct entry *e);
void entry_restart(struct entry *e); /* of another server: finds and lists its kind anew; until then its store stays as it is */
void entry_deny(struct entry *e);
void entry_lack(struct entry *e);   /* it is not served */
void entry_listen(struct entry *e); /* it is in use: its changes are told */
void entry_hurry(struct entry *e);  /* its CRD came, changed or went */
void entry_source_changed(struct source *s);

/* ms until it counts as settled: 0: it does; < 0: unknown, its next change of state tells. */
int64_t entry_settles_in_ms(const struct entry *e);

/* One for every namespace that is watched, or one for all. On an error there is none. */
int sources_open(struct entry *e, const struct resource *resource, struct err *err) ERR_MUST_CHECK;
void sources_close(struct entry *e);
bool sources_are_of(const struct entry *e, const struct resource *resource); /* they are open, and watch just that */
const struct source *source_in(const struct entry *e, enum reflector_state state);
const struct source *source_of(const struct entry *e, struct str ns); /* NULL: that namespace is not watched */

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
    bool once;         /* list, do not watch */
    struct crds *crds; /* NULL: nobody wants a kind that a CRD could define */
    const char *const *namespaces;
    size_t namespace_count; /* 0: all are watched */
    const char *selector;   /* of labels; NULL: any object is watched */
    struct ptrset entries;  /* in use */
    struct cluster_plan *plan;
    struct ptrset forbidden; /* struct gvk; offline */
    store_changed changed;
    void *changed_arg;
    cluster_state_changed state_changed;
    void *state_arg;
};

/* The state of an entry changed, or of its source for a namespace. It may be gone afterwards. */
void cluster_entry_changed(struct entry *e, struct str ns, enum reflector_state state, const struct err *err);
void cluster_watch_crds(struct cluster *c);
bool cluster_is_forbidden(const struct cluster *c, const struct gvk *gvk);

#endif
