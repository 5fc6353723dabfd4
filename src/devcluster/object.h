/*
 * object: one stored state of an API object: immutable, reference-counted, kept as the text that answers carry.
 *
 * A list or an event copies that text; only writes, tables and field selectors parse it back into a tree. apiVersion and kind
 * are not part of the text, because they depend on the version that a client asks in and on the form of the answer.
 */
#ifndef DEVCLUSTER_OBJECT_H
#define DEVCLUSTER_OBJECT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "devcluster/kind.h"

struct dev_object {
    unsigned refs;
    uint64_t version;      /* resourceVersion */
    char *ns, *name, *uid; /* ns "" where cluster-scoped */
    cJSON *labels;         /* NULL: none */
    char **owners;         /* uids of ownerReferences */
    size_t owner_count;
    bool deleting; /* metadata.deletionTimestamp is set */
    char *text;    /* "{" without apiVersion and kind */
    size_t len;
};

/* A whole object from a tree, which is taken; metadata.resourceVersion is set to `version`. */
struct dev_object *dev_object_new(cJSON *tree, uint64_t version);
struct dev_object *dev_object_ref(struct dev_object *o);
void dev_object_unref(struct dev_object *o); /* NULL: nothing */

/* A working copy with apiVersion and kind of `kind` in front. The caller deletes it. */
cJSON *dev_object_tree(const struct dev_object *o, const struct dev_kind *kind);

/* Appends the JSON text, with apiVersion and kind of `kind`, or without (NULL) as items of typed lists are. */
void dev_object_write(const struct dev_object *o, const struct dev_kind *kind, struct buf *b);

/* Puts apiVersion and kind in front of a tree's members. */
void dev_tree_head(cJSON *tree, const char *api_version, const char *kind);

#endif
