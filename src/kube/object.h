/*
 * object: the namespace and name of a Kubernetes object, read from the document itself, so that a store needs no handle beside it.
 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include "doc/doc.h"

struct object_key {
    struct str ns; /* empty for cluster-scoped kinds */
    struct str name;
};

struct object_key object_key(const struct doc *object);
uint64_t object_key_hash(struct object_key key);
bool object_key_eq(struct object_key a, struct object_key b);

/* By namespace, then name. */
int object_key_cmp(struct object_key a, struct object_key b);

struct doc_value object_metadata(const struct doc *object);

#endif
