#include "doc/projection.h"

#include <stdlib.h>

#include "doc/projection_internal.h"

#define OUR_PREFIX "k8sgpt.ai/"

const struct projection_node projection_all = {.whole = true}, projection_sizes = {.whole = true, .sizes = true};

struct projection_node *projection_node_all(void) {
    return (struct projection_node *)(uintptr_t)&projection_all;
}

struct projection_node *projection_node_sizes(void) {
    return (struct projection_node *)(uintptr_t)&projection_sizes;
}

void projection_node_free(struct projection_node *node) {
    if (!node || node->whole) return;
    for (uint32_t i = 0; i < node->count; i++) {
        projection_node_free(node->fields[i].node);
        free((char *)(uintptr_t)node->fields[i].name.p);
    }
    free(node->fields);
    free(node);
}

struct projection_node *projection_node_new(bool keeps_others, bool keeps_ours) {
    struct projection_node *node = calloc(1, sizeof *node);
    if (node) *node = (struct projection_node){.keeps_others = keeps_others, .keeps_ours = keeps_ours};
    return node;
}

static uint64_t bit_of(uint32_t key_id) { return (uint64_t)1 << (key_id % 64); }

struct projection_field *projection_field_of(const struct projection_node *node, uint32_t key_id, struct str name) {
    if (!(node->ids & bit_of(key_id))) return NULL;
    for (uint32_t i = 0; i < node->count; i++) {
        struct projection_field *f = &node->fields[i];
        if (key_id != KEY_NONE && f->key_id != KEY_NONE ? f->key_id == key_id : str_eq(f->name, name)) return f;
    }
    return NULL;
}

struct projection_field *projection_field_add(struct projection_node *node, struct str name, struct projection_node *child) {
    struct projection_field *fields = realloc(node->fields, (node->count + 1) * sizeof *fields);
    if (fields) node->fields = fields;
    char *copy = fields ? str_dup(name) : NULL;
    if (!copy) {
        projection_node_free(child);
        return NULL;
    }
    uint32_t id = key_intern(name);
    node->ids |= id == KEY_NONE ? UINT64_MAX : bit_of(id);
    fields[node->count] = (struct projection_field){id, {copy, name.n}, child};
    return &fields[node->count++];
}

const struct projection_node *projection_child(const struct projection_node *node, uint32_t key_id, struct str key) {
    if (!node || node->whole) return node;
    const struct projection_field *f = projection_field_of(node, key_id, key);
    if (f) return f->node;
    if (node->keeps_others) return &projection_all;
    if (!node->keeps_ours) return NULL;
    return str_starts(key_id != KEY_NONE ? key_text(key_id) : key, STR(OUR_PREFIX)) ? &projection_all : NULL;
}

bool projection_is_whole(const struct projection_node *node) { return node && node->whole; }

struct projection *projection_of(struct projection_node *root) {
    struct projection *p = root ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        projection_node_free(root);
        return NULL;
    }
    *p = (struct projection){.refs = 1, .root = root};
    return p;
}

/* Everything of metadata but managedFields, and of its annotations ours, or all of them. */
static struct projection_node *metadata_new(bool all_annotations) {
    struct projection_node *metadata = projection_node_new(true, false);
    if (!metadata) return NULL;
    if (!projection_field_add(metadata, STR("managedFields"), NULL)) goto nomem;
    if (all_annotations) return metadata;
    struct projection_node *annotations = projection_node_new(false, true);
    if (annotations && projection_field_add(metadata, STR("annotations"), annotations)) return metadata;
nomem:
    projection_node_free(metadata);
    return NULL;
}

struct projection *projection_new(void) {
    struct projection_node *root = projection_node_new(false, false), *metadata = metadata_new(false);
    if (!root || !metadata) {
        projection_node_free(metadata);
        projection_node_free(root);
        return NULL;
    }
    bool ok = projection_field_add(root, STR("metadata"), metadata) &&
              projection_field_add(root, STR("apiVersion"), projection_node_all()) &&
              projection_field_add(root, STR("kind"), projection_node_all());
    if (ok) return projection_of(root);
    projection_node_free(root);
    return NULL;
}

struct projection *projection_whole(void) {
    return projection_of(projection_node_all());
}

struct projection *projection_object(void) {
    struct projection_node *root = projection_node_new(true, false), *metadata = metadata_new(true);
    if (root && metadata && projection_field_add(root, STR("metadata"), metadata)) return projection_of(root);
    if (!root) projection_node_free(metadata);
    projection_node_free(root);
    return NULL;
}

struct projection *projection_ref(const struct projection *p) {
    struct projection *shared = (struct projection *)(uintptr_t)p;
    if (shared) shared->refs++;
    return shared;
}

void projection_unref(const struct projection *p) {
    struct projection *shared = (struct projection *)(uintptr_t)p;
    if (!shared || --shared->refs) return;
    projection_node_free(shared->root);
    free(shared);
}

const struct projection_node *projection_root(const struct projection *p) { return p ? p->root : NULL; }
