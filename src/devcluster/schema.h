/*
 * schema: structural OpenAPI v3 schemas of CRDs: defaulting, pruning and validation.
 *
 * Source: kubernetes.io/docs, "Extend the Kubernetes API with CustomResourceDefinitions" ("Specifying a structural schema", "Field
 * pruning", "Defaulting"). Rules in CEL are not evaluated.
 */
#ifndef DEVCLUSTER_SCHEMA_H
#define DEVCLUSTER_SCHEMA_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/buf.h"

/* Each walks a whole object: apiVersion, kind and metadata are left alone. `taken`, if wanted, gets the path of each field that was not
 * declared, a line each: ".spec.error[0].text". */
void dev_schema_default(const cJSON *schema, cJSON *object);
void dev_schema_prune(const cJSON *schema, cJSON *object, struct buf *taken);

/* Appends a cause for every violation, in the words of the real server. */
void dev_schema_check(const cJSON *schema, const cJSON *object, cJSON *causes);

/* The schema of a member: of properties, or additionalProperties; NULL: not declared. Borrowed. */
const cJSON *dev_schema_member(const cJSON *schema, const char *name);

bool dev_schema_keeps_unknown(const cJSON *schema); /* x-kubernetes-preserve-unknown-fields */

/* Whether all of `text` or a part of it matches a pattern as Go's regexp reads it, as far as POSIX has it. */
bool dev_pattern_matches(const char *pattern, const char *text);

#endif
