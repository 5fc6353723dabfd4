/*
 * projection_internal: the tree itself, for the JSON decoder. For the files of this folder only.
 */
#ifndef DOC_PROJECTION_INTERNAL_H
#define DOC_PROJECTION_INTERNAL_H

#include "doc/key.h"
#include "doc/projection.h"

/* A field that has a rule of its own. */
struct projection_field {
    uint32_t key_id;              /* KEY_NONE when the key table was full */
    struct str name;              /* owned */
    struct projection_node *node; /* NULL: dropped */
};

struct projection_node {
    bool whole;
    bool sizes;        /* of a whole one: integers in place of texts */
    bool keeps_others; /* fields without a rule are kept whole */
    bool keeps_ours;   /* fields under k8sgpt.ai/ are kept whole */
    uint32_t count;
    uint64_t ids; /* a bit for each id of its fields, to see at once that a name has no rule; all of them where a name has no id */
    struct projection_field *fields;
};

struct projection {
    unsigned refs;
    struct projection_node *root;
};

/* The nodes of everything, and of everything with sizes in place of texts; never freed, never changed. */
extern const struct projection_node projection_all, projection_sizes;
struct projection_node *projection_node_all(void);
struct projection_node *projection_node_sizes(void);

struct projection_node *projection_node_new(bool keeps_others, bool keeps_ours);
void projection_node_free(struct projection_node *node);

/* The rule for a name, or NULL. `key_id`: what key_find or key_intern says of it. */
struct projection_field *projection_field_of(const struct projection_node *node, uint32_t key_id, struct str name);

/* Adds a rule; `child` belongs to node from now on. NULL without memory: then `child` is freed. */
struct projection_field *projection_field_add(struct projection_node *node, struct str name, struct projection_node *child);

/* A tree with one reference, which owns `root`. NULL (root freed) without memory, or when root is NULL. */
struct projection *projection_of(struct projection_node *root);

#endif
