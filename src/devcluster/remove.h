/*
 * remove: deletion, with finalizers, owner references (garbage collection) and the content of namespaces.
 *
 * Source: kubernetes.io/docs, "Garbage Collection", "Finalizers". What the real cluster's controllers do a moment later happens
 * here at once, before the answer.
 */
#ifndef DEVCLUSTER_REMOVE_H
#define DEVCLUSTER_REMOVE_H

#include "devcluster/request.h"

/* The verbs delete and deletecollection. */
cJSON *dev_remove_one(const struct dev_request *r);
cJSON *dev_remove_collection(const struct dev_request *r);

/* Takes an object out whatever its finalizers, then what depended on it. */
void dev_remove_now(struct dev_cluster *c, struct dev_kind *kind, struct dev_object *object);

enum dev_propagation { DEV_BACKGROUND, DEV_FOREGROUND, DEV_ORPHAN };

/* Deletes, or marks as deleted where finalizers hold it back. */
void dev_remove(struct dev_cluster *c, struct dev_kind *kind, struct dev_object *object, enum dev_propagation propagation);

/* The kind whose collection that is (any of its versions). */
struct dev_kind *dev_kind_of_collection(const struct dev_cluster *c, const struct dev_collection *collection);

#endif
