/*
 * cluster: everything the process knows of one cluster: its client, discovery, and one store a resource.
 *
 * What is watched follows what is wanted. Wants change as a whole: cluster_prepare starts what is new (or wider than before) beside
 * the stores in use, and cluster_commit swaps them in once all are ready, so that a reader never sees a store that lacks a declared
 * field. A store that nobody wants any more is dropped by the commit.
 */
#ifndef KUBE_CLUSTER_H
#define KUBE_CLUSTER_H

#include "kube/client.h"
#include "kube/discovery.h"
#include "kube/reflector.h"
#include "kube/store.h"

struct cluster;
struct cluster_plan;

struct cluster_want {
    const struct gvk *gvk;
    const struct projection *projection; /* several wants of one gvk are united */
    const struct str *indexes;           /* paths */
    size_t index_count;
};

/* Connected: reads by reflectors. Borrows all for its life. */
struct cluster *cluster_new(struct loop *loop, struct kube_client *client, struct metrics *metrics, struct err *err);

/* Not connected: stores are filled by cluster_load; every wanted kind counts as synced. For policy tests and snapshots. */
struct cluster *cluster_new_offline(void);
void cluster_free(struct cluster *c);

/* Before the first cluster_prepare: kinds that have namespaces are watched in these only. Borrows all. */
void cluster_watch_only(struct cluster *c, const char *const *namespaces, size_t count);

/* Before the first cluster_prepare: only objects with such labels are watched, "app=web" or "app". Borrowed. */
void cluster_watch_labelled(struct cluster *c, const char *selector);

struct kube_client *cluster_client(const struct cluster *c); /* NULL when offline */
struct discovery *cluster_discovery(const struct cluster *c);

/* Connected: kinds that are wanted from now on are listed once, in pages, and not watched. For one-shot verbs. */
void cluster_read_once(struct cluster *c);

/* Told of every change in every store in use. One listener. `store` identifies the resource. */
void cluster_on_change(struct cluster *c, store_changed changed, void *arg);

/*
 * Told when a resource in use becomes synced, denied or missing; with a non-empty ns in that namespace only, where not all are watched
 * at once. One listener.
 */
typedef void (*cluster_state_changed)(const struct gvk *gvk, struct str ns, enum reflector_state state, const struct err *err, void *arg);
void cluster_on_state(struct cluster *c, cluster_state_changed changed, void *arg);

/*
 * Prepares for these wants. `ready` is called once, never from within the call, when each of them is synced, denied or missing; or
 * has failed for 10 s. One plan at a time: a new one takes over what the one before has begun to list, whose `ready` is then not
 * called. Offline there is nothing to wait for and no loop to call from: commit at once, `ready` is not called.
 */
struct cluster_plan *cluster_prepare(struct cluster *c, const struct cluster_want *wants, size_t count, void (*ready)(void *arg), void *arg,
                                     struct err *err);

/* Makes the plan's stores those in use; the plan is gone. Changes are not told for swapped stores: the caller diagnoses anew. */
void cluster_commit(struct cluster *c, struct cluster_plan *plan);

/* After kube_client_use: all kinds are found, listed and watched anew. Stores stay as they are until then; what is gone is told of. */
void cluster_restart(struct cluster *c);

/* The store of a kind in use, or NULL when nobody wants it. */
struct store *cluster_store(const struct cluster *c, const struct gvk *gvk);

/*
 * State of a kind in use; *err_out (may be NULL) says why it is not synced. REFLECTOR_MISSING when nobody wants it, or the server does not
 * serve it: then its store is empty. Where not all namespaces are watched at once it is synced when one of them is.
 */
enum reflector_state cluster_state(const struct cluster *c, const struct gvk *gvk, const struct err **err_out);

/* The same for the objects of one namespace (empty: as above). A namespace that is not watched counts as denied. */
enum reflector_state cluster_state_in(const struct cluster *c, const struct gvk *gvk, struct str ns, const struct err **err_out);

/* The namespaces in which a kind may not be read although it may be read in others. */
void cluster_each_denied(const struct cluster *c, const struct gvk *gvk, void (*each)(struct str ns, const struct err *why, void *arg),
                         void *arg);
/* A kind in use is still syncing, and every try has failed for 10 s. */
bool cluster_is_stuck(const struct cluster *c, const struct gvk *gvk);

bool cluster_all_settled(const struct cluster *c); /* nothing in use is still syncing */

/* Offline: puts an object (whole) into the store of its kind, through that store's projection; kinds nobody wants are ignored. */
int cluster_load(struct cluster *c, struct doc *object, struct err *err) ERR_MUST_CHECK;
/* The same of an object that was decoded through that projection already; the store keeps a reference to it. */
int cluster_load_kept(struct cluster *c, struct doc *object, struct err *err) ERR_MUST_CHECK;

/* Offline: makes a kind unreadable, as 403 would. */
void cluster_forbid(struct cluster *c, const struct gvk *gvk);

/* Offline: a kind in use counts as not served. */
void cluster_lack(struct cluster *c, const struct gvk *gvk);

/* For k8sgpt_store_objects and _bytes. */
void cluster_each_store(const struct cluster *c, void (*each)(const struct store *store, void *arg), void *arg);

#endif
