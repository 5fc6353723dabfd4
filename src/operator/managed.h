/*
 * managed: the objects that were made for K8sGPT resources, as the API server has them.
 *
 * What render policies write is watched, and what others make of it (their `follows`), but only what bears the label
 * k8sgpts.k8sgpt.ai/namespace, and that whole, so that it is seen at once when somebody changes it. These caches are beside those that
 * policies read, and are opened when a step asks for them first: an operator whose K8sGPT resources all have the embedded engine needs no
 * right to any of it. A change has the tenants of the namespace run again.
 */
#ifndef OPERATOR_MANAGED_H
#define OPERATOR_MANAGED_H

#include "operator/operator_internal.h"

struct managed;

struct managed *managed_new(struct k8s_operator *op); /* NULL without memory */
void managed_free(struct managed *m);

/* Somebody waits for the caches; part of what waits. */
struct managed_waiter {
    struct managed_waiter *next;
    void (*ready)(void *arg); /* called once, from the loop */
    void *arg;
};

/* Opens the caches of all kinds that the bundle's render policies write or follow. True: they are filled, or known not to be readable. */
bool managed_open(struct managed *m, const struct bundle *bundle, struct err *err) ERR_MUST_CHECK;
void managed_wait(struct managed *m, struct managed_waiter *w);
void managed_leave(struct managed *m, struct managed_waiter *w); /* not waiting: nothing */

/*
 * What there is for the tenant: what belongs to it, and what all tenants of its namespace share: {objects = [object without managedFields],
 * followers = [such that others made of them], unreadable = [{kind, reason, followed}]}. The caller's; NULL without memory.
 */
struct doc *managed_objects(const struct managed *m, const struct tenant *t, struct err *err) ERR_MUST_CHECK;

/*
 * What to do about an object that is wanted: nothing, as it is so already; apply it; or wait, as somebody keeps undoing it (see contest.h;
 * the tenant runs again when the time has come).
 */
enum managed_need { MANAGED_IS_SO, MANAGED_APPLY, MANAGED_WAIT };
enum managed_need managed_need(struct managed *m, struct tenant *t, struct doc_value wanted);

/* It was applied for the tenant; the object as the server answered. */
void managed_applied(struct managed *m, const struct tenant *t, const struct doc *object);

/* We deleted it: that it is gone is nobody's fault. */
void managed_deleted(struct managed *m, const struct tenant *t, struct doc_value reference);

/* Another K8sGPT of the namespace came, changed or goes: what they share may be another. */
void managed_share_changed(const struct managed *m, struct str ns);

void managed_forget(struct managed *m, const struct tenant *t); /* the tenant goes */
void managed_restart(struct managed *m);                        /* see cluster_restart */

#endif
