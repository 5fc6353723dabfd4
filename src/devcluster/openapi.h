/*
 * openapi: the least of OpenAPI v3 that clients need: that PATCH exists for a kind, and that the server checks fields.
 *
 * kubectl asks for it before it sends a manifest, to learn who validates; without it, it would want whole schemas in protobuf.
 */
#ifndef DEVCLUSTER_OPENAPI_H
#define DEVCLUSTER_OPENAPI_H

#include <cjson/cJSON.h>

#include "devcluster/cluster.h"

/* The document at a path below /openapi/ ("v3", "v3/api/v1", "v3/apis/apps/v1"); NULL: none. */
cJSON *dev_openapi(const struct dev_cluster *c, const char *path);

#endif
