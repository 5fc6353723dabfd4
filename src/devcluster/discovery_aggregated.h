/*
 * discovery_aggregated: all groups and resources in one document (apidiscovery.k8s.io/v2), as kubectl prefers.
 *
 * Source: kubernetes.io/docs, "The Kubernetes API", "Aggregated discovery".
 */
#ifndef DEVCLUSTER_DISCOVERY_AGGREGATED_H
#define DEVCLUSTER_DISCOVERY_AGGREGATED_H

#include <cjson/cJSON.h>

#include "devcluster/cluster.h"

#define DEV_AGGREGATED_TYPE "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

/* The document of /api (`core`) or of /apis. The caller deletes it. */
cJSON *dev_discovery_aggregated(const struct dev_cluster *c, bool core);

#endif
