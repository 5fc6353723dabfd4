/*
 * selector: label and field selectors of list, watch and deletecollection.
 *
 * Labels: equality (=, ==, !=) and sets (in, notin, key, !key). Fields: a dotted path =, ==, != a value; any path of the object is
 * accepted, where the real server knows a few per resource. Source: kubernetes.io/docs, "Labels and Selectors", "Field Selectors".
 */
#ifndef DEVCLUSTER_SELECTOR_H
#define DEVCLUSTER_SELECTOR_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/str.h"
#include "devcluster/object.h"

struct dev_requirement;

struct dev_selector {
    struct dev_requirement *labels, *fields;
    size_t label_count, field_count;
};

/* Reads both (absent or empty: everything). A Status with the parse error, or NULL. Release with dev_selector_free in both cases. */
cJSON *dev_selector_parse(struct dev_selector *s, struct str labels, struct str fields);
void dev_selector_free(struct dev_selector *s);

bool dev_selector_is_empty(const struct dev_selector *s);
bool dev_selector_matches(const struct dev_selector *s, const struct dev_object *object);

#endif
