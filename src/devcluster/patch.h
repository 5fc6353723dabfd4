/*
 * patch: the verb patch, and the three kinds of patches that are not apply.
 */
#ifndef DEVCLUSTER_PATCH_H
#define DEVCLUSTER_PATCH_H

#include "devcluster/request.h"

/* Merge patch (RFC 7386) in place. */
void dev_patch_merge(cJSON *target, const cJSON *patch);

/* JSON patch (RFC 6902) in place; a Status when an operation fails (the target is then half-changed: work on a copy), or NULL. */
cJSON *dev_patch_json(cJSON *target, const cJSON *operations);

/* Strategic merge patch in place, with $patch: delete and replace, $deleteFromPrimitiveList; other directives are ignored. */
void dev_patch_strategic(const struct dev_kind *kind, cJSON *target, const cJSON *patch);

/* Changes a working copy of an object by the request's body and content type; apply excluded. A Status, or NULL. */
cJSON *dev_patch_tree(const struct dev_request *r, cJSON *target, const cJSON *patch);

cJSON *dev_patch_serve(const struct dev_request *r);

#endif
