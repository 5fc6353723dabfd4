/*
 * collect: the garbage collector: what happens to dependents when an owner goes, and to namespaces when their content goes.
 */
#ifndef DEVCLUSTER_COLLECT_H
#define DEVCLUSTER_COLLECT_H

#include "devcluster/remove.h"

/* Deletes the dependents of a uid that have no other living owner; the others lose the reference. */
void dev_collect_dependents(struct dev_cluster *c, const char *uid);

/* Takes references to a uid out of its dependents, which stay. */
void dev_collect_orphan(struct dev_cluster *c, const char *uid);

/* Lets owners that wait for their dependents (foreground deletion) and an emptied namespace go. */
void dev_collect_waiting(struct dev_cluster *c, const struct dev_object *gone);

/* Deletes everything in a namespace. */
void dev_collect_namespace(struct dev_cluster *c, const char *ns);

/* Deletes every object of a kind. */
void dev_collect_kind(struct dev_cluster *c, struct dev_kind *kind);

#endif
