/*
 * fieldset: sets of field paths, as metadata.managedFields holds them (fieldsV1).
 *
 * In memory a set is a tree of path elements ("f:spec", "k:{…}", "v:…") in which every path that belongs to the set is marked by
 * a member "."; on the wire the mark is left out where nothing else stands beside it.
 * Source: kubernetes.io/docs, "Server-Side Apply"; sigs.k8s.io/structured-merge-diff, fieldpath (the format).
 */
#ifndef DEVCLUSTER_FIELDSET_H
#define DEVCLUSTER_FIELDSET_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "devcluster/place.h"

/* From fieldsV1 and back; the caller deletes the results. */
cJSON *dev_fields_read(const cJSON *fields_v1);
cJSON *dev_fields_write(const cJSON *set);

/* Every field that a state gives a value to (leaves, and items of keyed lists), without what the server owns. */
cJSON *dev_fields_of(const struct dev_kind *kind, const cJSON *tree);

/* The fields of `after` that are new or different; `before` may be NULL. */
cJSON *dev_fields_changed(const struct dev_kind *kind, const cJSON *before, const cJSON *after);

bool dev_fields_empty(const cJSON *set);
void dev_fields_add(cJSON *set, const cJSON *other);                                      /* set := set ∪ other */
void dev_fields_subtract(cJSON *set, const cJSON *other);                                 /* set := set − other */
cJSON *dev_fields_common(const cJSON *a, const cJSON *b);                                 /* a ∩ b */
void dev_fields_keep_present(const struct dev_kind *kind, cJSON *set, const cJSON *tree); /* drops paths that `tree` has no more */

/* Takes the paths of `set` out of `tree`, but for what `owned` holds; maps that get empty go too. */
void dev_fields_remove(const struct dev_kind *kind, cJSON *tree, const cJSON *set, const cJSON *owned);

/* Appends every path as text (".spec.containers[name=\"a\"].image") to a list of strings. */
void dev_fields_list(const cJSON *set, cJSON *list);

/* The value that one path element names, below `node` at `p`; *to takes its place. NULL: not there. */
cJSON *dev_fields_step(const struct dev_place *p, const cJSON *node, const char *element, struct dev_place *to);

#endif
