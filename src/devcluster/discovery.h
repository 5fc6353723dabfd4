/*
 * discovery: what the server tells about itself: /version, /api, /apis and the resource lists, health, OpenAPI.
 */
#ifndef DEVCLUSTER_DISCOVERY_H
#define DEVCLUSTER_DISCOVERY_H

#include "devcluster/cluster.h"

/* Answers a GET of one of these paths; false when the path is none of them. */
bool dev_discovery(struct dev_cluster *c, struct http_exchange *x);

#endif
