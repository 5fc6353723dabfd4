/*
 * apply: server-side apply of what we own, unless the cache shows that it is so already.
 */
#ifndef OPERATOR_APPLY_H
#define OPERATOR_APPLY_H

#include "kube/cluster.h"

struct apply;

/* `object`: as the server has it now; borrowed; NULL with err. */
typedef void (*apply_done)(const struct doc *object, const struct err *err, void *arg);

/*
 * Applies `wanted` (apiVersion, kind, metadata, fields) with our field manager; `subresource` "status" or NULL. `current` is the object as
 * last known (NULL: look it up in the cluster's store). NULL with err->code ERR_NONE: nothing to do, it is so already, `done` is not
 * called; NULL with another code: it could not be started. Else `done` is called once, from the loop.
 */
struct apply *apply_start(struct cluster *cluster, struct doc_value wanted, const char *subresource, bool force, const struct doc *current,
                          apply_done done, void *arg, struct err *err);

/* The same without a look at what is there: for a field that is to go, which no comparison with what is wanted shows. */
struct apply *apply_send(struct cluster *cluster, struct doc_value wanted, const char *subresource, bool force, apply_done done, void *arg,
                         struct err *err);

/* `done` will not be called. The request itself goes on. */
void apply_abandon(struct apply *a);

/* True when every field of `wanted` is in `have` with the same value (arrays as a whole). */
bool apply_is_covered(struct doc_value wanted, struct doc_value have);

#endif
