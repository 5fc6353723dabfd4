/*
 * metadata: the fields of ObjectMeta that the server owns.
 */
#ifndef DEVCLUSTER_METADATA_H
#define DEVCLUSTER_METADATA_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "devcluster/kind.h"

/* Fills a new object's uid, creationTimestamp, generation and, from generateName, its name. */
void dev_meta_create(const struct dev_kind *kind, cJSON *tree);

/* Gives `tree` the system fields of the state that it replaces. */
void dev_meta_keep(cJSON *tree, const cJSON *before);

/* Counts metadata.generation on when more than metadata (and the status, where it is a subresource) differs. */
void dev_meta_generation(const struct dev_kind *kind, cJSON *tree, const cJSON *before);

/* Whether two states are the same but for managedFields and resourceVersion. */
bool dev_meta_same(const cJSON *a, const cJSON *b);

/* Causes for a missing or malformed name (RFC 1123 subdomain), appended. */
void dev_meta_check(const struct dev_kind *kind, const cJSON *tree, cJSON *causes);

void dev_meta_mark_deleted(cJSON *tree); /* deletionTimestamp: now */
bool dev_meta_has_finalizer(const cJSON *tree, const char *finalizer);
void dev_meta_add_finalizer(cJSON *tree, const char *finalizer);
void dev_meta_drop_finalizer(cJSON *tree, const char *finalizer);

/* The current time as metav1.Time. */
cJSON *dev_now(void);

#endif
