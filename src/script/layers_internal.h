/* What the two halves of layers share: the list of files (layers.c) and the two layouts of a folder (layers_folder.c). */
#ifndef SCRIPT_LAYERS_INTERNAL_H
#define SCRIPT_LAYERS_INTERNAL_H

#include "script/layers.h"

struct reader {
    struct layer_files *out;
    struct bundle_problems *problems;
    enum policy_layer layer;
    size_t order;
    const char *shown; /* the source folder as it was given, where it is read through a link */
    bool mounted;      /* a ConfigMap: every key must be understood */
};

typedef int (*layer_entry)(const char *dir, const char *entry, void *arg, struct err *err);

int layer_read_source(struct reader *r, const char *dir, struct err *err) ERR_MUST_CHECK;

/* Calls back for each entry but hidden ones, in byte order. ERR_NOT_FOUND where there is no such folder. */
int layer_each(const char *dir, layer_entry each, void *arg, struct err *err) ERR_MUST_CHECK;

/* Reads `path` into the list as `file` with this name. */
int layer_add(struct reader *r, const char *path, const char *source, struct layer_file file, struct str name,
              struct err *err) ERR_MUST_CHECK;

int layer_problem(struct reader *r, const char *source, const char *message, struct err *err) ERR_MUST_CHECK;
int layer_join(char *out, const char *dir, const char *name, struct err *err) ERR_MUST_CHECK;

#endif
