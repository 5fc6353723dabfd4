/*
 * place: where in an object one stands, and how lists and maps merge there.
 *
 * Strategic merge patch and server-side apply both need to know which lists are keyed, which are sets and what is replaced as a
 * whole. For built-in kinds a table of field names tells, for custom kinds x-kubernetes-list-type and -map-type of the schema.
 * Source: kubernetes.io/docs, "Server-Side Apply" ("Merge strategy"); the listType markers of the API reference.
 */
#ifndef DEVCLUSTER_PLACE_H
#define DEVCLUSTER_PLACE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "devcluster/kind.h"

enum dev_merge { DEV_MERGE_ATOMIC, DEV_MERGE_SET, DEV_MERGE_KEYED };

struct dev_place {
    const struct dev_kind *kind;
    const cJSON *schema; /* of a custom kind, outside of metadata; NULL: not declared */
    bool by_schema;
    const char *field; /* the last member name; "" at the root */
    const char *owner; /* the member before it */
};

struct dev_place dev_place_root(const struct dev_kind *kind);
struct dev_place dev_place_member(const struct dev_place *p, const char *name);
struct dev_place dev_place_item(const struct dev_place *p);

/* How a list that stands here merges. */
enum dev_merge dev_place_list(const struct dev_place *p);

/* Whether an object that stands here is replaced as a whole. */
bool dev_place_is_atomic(const struct dev_place *p);

/*
 * The key of an item of a keyed list: {"name":"a"} as JSON with sorted members, defaults filled in. NULL (the caller frees) when
 * the item lacks a key.
 */
char *dev_place_key(const struct dev_place *p, const cJSON *item);

/* The item of `list` with that key; NULL: none. */
cJSON *dev_place_find(const struct dev_place *p, const cJSON *list, const char *key);

#endif
