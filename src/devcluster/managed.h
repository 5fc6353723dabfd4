/*
 * managed: the books of field managers in metadata.managedFields.
 */
#ifndef DEVCLUSTER_MANAGED_H
#define DEVCLUSTER_MANAGED_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "devcluster/kind.h"

/*
 * Books an update (operation Update): what changed from `before` (NULL: created) to `tree` now belongs to `manager`, and to no
 * other. An object that was never booked stays so, as in the real server. Who edits the books hands fields over
 * (kubernetes.io/docs, "Server-Side Apply": "Transferring ownership").
 */
void dev_managed_update(const struct dev_kind *kind, cJSON *tree, const cJSON *before, const char *manager, const char *subresource);

bool dev_managed_edited(const cJSON *tree, const cJSON *before);

/* One entry of the books. */
struct dev_entry_id {
    const char *manager;
    const char *operation; /* "Apply", "Update" */
    const char *subresource;
};
bool dev_managed_is(const cJSON *entry, const struct dev_entry_id *id);

/* The fields of an entry as a set (fieldset.h); puts them back, with the time, or deletes an entry that owns nothing any more. */
cJSON *dev_managed_fields(const cJSON *entry);
void dev_managed_put(cJSON *books, cJSON *entry, const cJSON *set, bool touch);
cJSON *dev_managed_add(const struct dev_kind *kind, cJSON *books, const struct dev_entry_id *id, const cJSON *set);

#endif
