#include "doc/projection_internal.h"

static const struct projection_node *child(const struct projection_node *node, const struct projection_field *f) {
    return projection_child(node, f->key_id, f->name);
}

static bool covers(const struct projection_node *a, const struct projection_node *b) {
    if (!b || (a && a->whole && (!a->sizes || b->sizes))) return true;
    if (!a || a->whole || b->whole) return false;
    if (b->keeps_others && !a->keeps_others) return false;
    if (b->keeps_ours && !a->keeps_ours && !a->keeps_others) return false;
    for (uint32_t i = 0; i < b->count; i++) {
        if (!covers(child(a, &b->fields[i]), b->fields[i].node)) return false;
    }
    for (uint32_t i = 0; i < a->count; i++) { /* a may drop what b keeps by default */
        if (!covers(a->fields[i].node, child(b, &a->fields[i]))) return false;
    }
    return true;
}

bool projection_covers(const struct projection *a, const struct projection *b) { return covers(projection_root(a), projection_root(b)); }

static bool merge(const struct projection_node *a, const struct projection_node *b, struct projection_node **out);

/* Adds to `out` what a and b together say of the fields that `from`, one of the two, has rules for. */
static bool merge_fields(struct projection_node *out, const struct projection_node *from, const struct projection_node *a,
                         const struct projection_node *b) {
    for (uint32_t i = 0; i < from->count; i++) {
        const struct projection_field *f = &from->fields[i];
        struct projection_node *merged;
        if (projection_field_of(out, f->key_id, f->name)) continue;
        if (!merge(child(a, f), child(b, f), &merged)) return false;
        if (!projection_field_add(out, f->name, merged)) return false;
    }
    return true;
}

/* False without memory. *out is NULL where neither keeps anything. */
static bool merge(const struct projection_node *a, const struct projection_node *b, struct projection_node **out) {
    static const struct projection_node nothing;
    *out = NULL;
    if (!a && !b) return true;
    if ((a && a->whole) || (b && b->whole)) {
        bool sizes = (!a || a->sizes) && (!b || b->sizes);
        *out = sizes ? projection_node_sizes() : projection_node_all();
        return true;
    }
    if (!a) a = &nothing;
    if (!b) b = &nothing;
    struct projection_node *node = projection_node_new(a->keeps_others || b->keeps_others, a->keeps_ours || b->keeps_ours);
    if (!node) return false;
    if (merge_fields(node, a, a, b) && merge_fields(node, b, a, b)) {
        *out = node;
        return true;
    }
    projection_node_free(node);
    return false;
}

struct projection *projection_union(const struct projection *a, const struct projection *b) {
    struct projection_node *root;
    return merge(projection_root(a), projection_root(b), &root) ? projection_of(root) : NULL;
}
