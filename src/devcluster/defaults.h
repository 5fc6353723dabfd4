/*
 * defaults: the values that the real server fills into built-in objects, where clients meet them.
 *
 * A client that compares what it wants with what is stored must cope with them, so an API server for tests must have them.
 * Source: the defaults named in the Kubernetes API reference.
 */
#ifndef DEVCLUSTER_DEFAULTS_H
#define DEVCLUSTER_DEFAULTS_H

#include <cjson/cJSON.h>

#include "devcluster/kind.h"

/* `before` NULL on create: what was given out once (a service's address) stays. */
void dev_defaults_fill(const struct dev_kind *kind, cJSON *tree, const cJSON *before);

#endif
