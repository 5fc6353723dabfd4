/*
 * owner: which objects name a uid in their ownerReferences. Part of storage; read by the garbage collector.
 */
#ifndef DEVCLUSTER_OWNER_H
#define DEVCLUSTER_OWNER_H

#include "devcluster/object.h"

struct dev_owner; /* a uid and what it owns */

struct dev_owned {
    struct dev_collection *collection;
    struct dev_object *object;
};

/* Enters an object under each of its owners; takes it out again. Objects are borrowed. */
void dev_owners_add(struct dev_owner **index, struct dev_collection *collection, struct dev_object *object);
void dev_owners_drop(struct dev_owner **index, const struct dev_object *object);
void dev_owners_free(struct dev_owner **index);

/* A snapshot of what `uid` owns, with references of its own. Release with dev_owned_free. */
size_t dev_owned_list(struct dev_owner *const *index, const char *uid, struct dev_owned **out);
void dev_owned_free(struct dev_owned *owned, size_t count);

#endif
