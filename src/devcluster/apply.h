/*
 * apply: server-side apply: one manager's wanted fields merged into an object, with conflicts, and removal of what it no longer
 * wants. Source: kubernetes.io/docs, "Server-Side Apply".
 */
#ifndef DEVCLUSTER_APPLY_H
#define DEVCLUSTER_APPLY_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "devcluster/kind.h"

struct dev_apply {
    const struct dev_kind *kind;
    const char *manager, *subresource;
    bool force;
};

/*
 * The state that results from applying `wanted` to `live` (NULL: nothing there yet), with its managedFields. A Status (409 with
 * the conflicts as causes), or NULL with *out, which the caller deletes.
 */
cJSON *dev_apply(const struct dev_apply *a, const cJSON *live, const cJSON *wanted, cJSON **out);

#endif
