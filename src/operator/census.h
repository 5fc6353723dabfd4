/*
 * census: how many objects of some kinds there are, for one K8sGPT (ctx.count).
 *
 * The API server counts: a list of one item says how many remain beside it (Kubernetes API, ListMeta.remainingItemCount). That is one small
 * answer a kind, where a cache would have to hold all of them. What was counted is good for a minute, so that steps may ask in every run.
 */
#ifndef OPERATOR_CENSUS_H
#define OPERATOR_CENSUS_H

#include "doc/builder.h"
#include "kube/client.h"
#include "kube/discovery.h"

struct census;

struct census *census_new(void);    /* NULL without memory */
void census_free(struct census *c); /* while somebody waits: he is not told */

/*
 * Counts these kinds (an array of "apps/v1/Deployment") in a namespace, or with an empty one in all; kinds without namespaces as a whole.
 * `done` is called once, also from within: all of them are counted, or it is known why not. One at a time. ERR_INVALID names a kind that is
 * none.
 */
int census_take(struct census *c, struct kube_client *client, struct discovery *discovery, struct doc_value kinds, struct str ns,
                void (*done)(void *arg), void *arg, struct err *err) ERR_MUST_CHECK;
void census_leave(struct census *c); /* `done` is not called any more */

/* {counts = {kind = how many}, failed = [{kind, reason}]} of what was asked for last. A kind that the server does not have counts 0. */
void census_put(const struct census *c, struct doc_builder *b);

#endif
