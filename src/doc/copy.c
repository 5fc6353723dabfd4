#include "doc/copy.h"

#include "doc/builder_internal.h"

/* Kept, as a copy is soon made; it holds little between two (builder.c). The main thread only, as the key table. */
static struct doc_builder *the_builder(struct err *err) {
    static struct doc_builder *b;
    if (!b) b = doc_builder_new();
    if (!b) err_set(err, ERR_NOMEM, "no memory for a copy");
    return b;
}

struct doc *doc_copy(struct doc_value v, struct err *err) {
    struct doc_builder *b = the_builder(err);
    if (!b) return NULL;
    doc_put_value(b, v);
    return doc_builder_finish(b, err);
}

static void put_kept(struct doc_builder *b, struct doc_value v, const struct projection_node *node) {
    enum doc_type type = doc_type(v);
    if (projection_is_whole(node) || (type != DOC_OBJECT && type != DOC_ARRAY)) {
        doc_put_value(b, v);
    } else if (type == DOC_ARRAY) {
        doc_begin_array(b);
        for (size_t i = 0; i < doc_len(v); i++) put_kept(b, doc_at(v, i), node);
        doc_end_array(b);
    } else {
        doc_begin_object(b);
        for (size_t i = 0; i < doc_len(v); i++) {
            struct str key;
            uint32_t id;
            struct doc_value value = doc_pair(v, i, &key, &id);
            const struct projection_node *child = projection_child(node, id, key);
            if (!child) continue;
            builder_key(b, id, key);
            put_kept(b, value, child);
        }
        doc_end_object(b);
    }
}

struct doc *doc_copy_kept(struct doc_value v, const struct projection *p, struct err *err) {
    struct doc_builder *b = the_builder(err);
    if (!b) return NULL;
    put_kept(b, v, projection_root(p));
    return doc_builder_finish(b, err);
}
