/*
 * discovery: which kinds the API server serves, and under which plural.
 *
 * Those who ask in one turn of the loop are served together: kinds of a few group-versions by one small request each, so that a broken
 * API of which nobody reads anything can do no harm; of many, by aggregated discovery, and what that does not name by one request each
 * all the same. That a kind is missing is only believed of its own group-version.
 */
#ifndef KUBE_DISCOVERY_H
#define KUBE_DISCOVERY_H

#include "kube/client.h"

struct discovery;

struct discovery *discovery_new(struct kube_client *client); /* NULL without memory */
void discovery_free(struct discovery *d);

/*
 * Calls `found` once, never from within the call: with the resource, or with an error: ERR_NOT_FOUND when the server has no such
 * group, version or kind (nothing of it is cached), anything else when it could not be asked. (Only
 * without memory it is called from within, with ERR_NOMEM.)
 */
void discovery_resolve(struct discovery *d, const struct gvk *gvk,
                       void (*found)(const struct resource *resource, const struct err *err, void *arg), void *arg);

/* Nobody is told any more who asked with this arg. */
void discovery_forget(struct discovery *d, const void *arg);

/* What is known of the kind may be true no longer: the next discovery_resolve asks the server. */
void discovery_doubt(struct discovery *d, const struct gvk *gvk);

/* What was learned last, or NULL. */
const struct resource *discovery_known(const struct discovery *d, const struct gvk *gvk);

#endif
