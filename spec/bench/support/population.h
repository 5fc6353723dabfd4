/*
 * population: the objects of a large cluster, made one by one from their number, so that a server of any size keeps none of them.
 *
 * 20 pods of one Deployment, in its newest of four ReplicaSets, behind one Service with one EndpointSlice; 50 Deployments a
 * namespace, 100 pods a node. Lists are in the order of their names, as etcd has them. A third of the
 * Services name the port that they send to. One Deployment in a hundred is faulty: its image is missing, and each of its pods has a
 * Warning. A pod is 8 KB, as an API server sends it.
 */
#ifndef BENCH_POPULATION_H
#define BENCH_POPULATION_H

#include <stdbool.h>

#include "base/buf.h"

enum population_kind {
    POPULATION_PODS,
    POPULATION_REPLICASETS,
    POPULATION_DEPLOYMENTS,
    POPULATION_SERVICES,
    POPULATION_ENDPOINTSLICES,
    POPULATION_NODES,
    POPULATION_EVENTS,
    POPULATION_KINDS,
};

/* How the API server calls a kind. */
struct population_resource {
    const char *path; /* of all of them */
    const char *api_version, *kind;
};
extern const struct population_resource POPULATION[POPULATION_KINDS];

/* Once, before the first object is made. */
void population_prepare(void);

/* How many there are of a kind in a cluster of so many pods. */
int population_count(enum population_kind kind, int pods);

/* Appends object i; `typed`: with apiVersion and kind, which items of a list do not have. */
void population_put(struct buf *out, enum population_kind kind, int i, bool typed);

/* Appends pod i as it is after a change: `version` counts them and is its number of restarts; from 1 on. */
void population_put_pod(struct buf *out, int i, int version, bool faulty);

bool population_is_faulty(int pod);

/* The pod whose Result has that name; -1: none. */
int population_pod_of_result(const char *name);

#endif
