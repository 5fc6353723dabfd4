/*
 * discovery: what the server tells about itself: /version, /api, /apis and the resource lists, health, OpenAPI.
 */
#ifndef DEVCLUSTER_DISCOVERY_H
#define DEVCLUSTER_DISCOVERY_H

#include <cjson/cJSON.h>

#include "devcluster/cluster.h"

/* Answers a GET of one of these paths; false when the path is none of them. */
bool dev_discovery(struct dev_cluster *c, struct http_exchange *x);

/* A list of the space-separated words, and the verbs of every kind. */
cJSON *dev_discovery_words(const char *words);
#define DEV_ALL_VERBS "create delete deletecollection get list patch update watch"

#endif
