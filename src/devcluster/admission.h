/*
 * admission: what a new state of an object goes through before it is stored: defaults, pruning, checks.
 */
#ifndef DEVCLUSTER_ADMISSION_H
#define DEVCLUSTER_ADMISSION_H

#include <cjson/cJSON.h>

#include "devcluster/kind.h"

/* Changes `tree` in place; `before` NULL on create. A Status (422), or NULL. */
cJSON *dev_admit(const struct dev_kind *kind, cJSON *tree, const cJSON *before, const char *subresource);

#endif
