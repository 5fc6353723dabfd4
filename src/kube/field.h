/*
 * field: the values at a field path of an object ("spec.volumes[].configMap.name", `metadata.annotations["a.b/c"]`), as texts.
 *
 * The paths are those of doc/projection.h: an array stands for each of its elements, whether [] is written or not.
 */
#ifndef KUBE_FIELD_H
#define KUBE_FIELD_H

#include "doc/doc.h"

enum { FIELD_MAX_NAMES = 64 };

struct field_path {
    struct field_name {
        struct str text; /* points into the text that was parsed */
        uint32_t id;     /* of the key table; KEY_NONE: it is full */
    } names[FIELD_MAX_NAMES];
    size_t count;
};

/* False when malformed. */
bool field_path_parse(struct str text, struct field_path *path);

/* Called with each scalar; true stops. Numbers and booleans are written as JSON does; null is no value. */
typedef bool (*field_value)(struct str value, void *arg);

/* True when `each` stopped it. */
bool field_each(const struct field_path *path, struct doc_value root, field_value each, void *arg);

#endif
