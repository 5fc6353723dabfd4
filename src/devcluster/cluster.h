/*
 * cluster: what the units of the embedded API server share. Not for callers outside of this folder; they use server.h.
 */
#ifndef DEVCLUSTER_CLUSTER_H
#define DEVCLUSTER_CLUSTER_H

#include "devcluster/kind.h"
#include "devcluster/storage.h"
#include "net/http_server.h"
#include "net/loop.h"

struct dev_watch;

struct dev_cluster {
    struct loop *loop;
    struct http_server *http;
    struct dev_kinds kinds;
    struct dev_storage storage;
    struct dev_watch *watches;
    char **denied; /* "v1/Secret" */
    size_t denied_count;
};

/* The namespace object, or NULL. */
struct dev_object *dev_cluster_namespace(const struct dev_cluster *c, const char *name);

/* Whether --deny names the kind. */
bool dev_cluster_denies(const struct dev_cluster *c, const struct dev_kind *kind);

#endif
