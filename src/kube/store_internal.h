/*
 * store_internal: store.c keeps the objects, query.c answers questions. Not for other units.
 */
#ifndef KUBE_STORE_INTERNAL_H
#define KUBE_STORE_INTERNAL_H

#include "base/ptrset.h"
#include "kube/index.h"
#include "kube/object.h"
#include "kube/store.h"

struct store {
    const struct gvk *gvk;
    const struct projection *projection;
    struct ptrset objects; /* see slot_of in store.c */
    struct index index;
    size_t bytes;
    store_changed changed;
    void *changed_arg;
};

#endif
