/*
 * table_builtin: the columns of built-in kinds, as the real server's printers show them (source: the output of kubectl get).
 */
#ifndef DEVCLUSTER_TABLE_BUILTIN_H
#define DEVCLUSTER_TABLE_BUILTIN_H

#include <cjson/cJSON.h>

#include "devcluster/kind.h"

/* NULL for kinds that have only a name and an age. */
cJSON *dev_builtin_columns(const struct dev_kind *kind);
cJSON *dev_builtin_cells(const struct dev_kind *kind, const cJSON *tree);

/* Appends a column definition; used by table.c too. */
void dev_column_add(cJSON *columns, const char *name, const char *type, const char *format, const char *description, int priority);

/* Cells of pods and nodes, which have rules of their own. The caller frees the texts. */
char *dev_pod_ready(const cJSON *pod);
char *dev_pod_status(const cJSON *pod);
char *dev_pod_restarts(const cJSON *pod);
char *dev_node_status(const cJSON *node);
char *dev_node_roles(const cJSON *node);

#endif
