/*
 * table: the columns that `kubectl get` shows (meta.k8s.io/v1 Table), for built-in kinds and by a CRD's additionalPrinterColumns.
 */
#ifndef DEVCLUSTER_TABLE_H
#define DEVCLUSTER_TABLE_H

#include <cjson/cJSON.h>

#include "devcluster/kind.h"

/* columnDefinitions, and the cells of one object in the same order. The caller deletes them. */
cJSON *dev_table_columns(const struct dev_kind *kind);
cJSON *dev_table_cells(const struct dev_kind *kind, const cJSON *tree);

/* The value at a JSONPath of the subset that printer columns use: .a.b[0].c, ['a.b'] and [?(@.type=="Ready")]; NULL: none. Borrowed. */
const cJSON *dev_jsonpath(const cJSON *tree, const char *path);

/* How long ago an RFC 3339 time was, as kubectl shows ages ("5m", "2d3h", "<unknown>"). The caller frees it. */
char *dev_age(const char *time);

#endif
