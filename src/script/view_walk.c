#include <stdio.h>

#include "script/view.h"

static void put_object(struct doc_builder *b, struct doc_value v, const struct projection_node *node) {
    doc_begin_object(b);
    for (size_t i = 0; i < doc_len(v); i++) {
        struct str key;
        uint32_t id;
        struct doc_value field = doc_pair(v, i, &key, &id);
        const struct projection_node *child = projection_child(node, id, key);
        if (!child) continue;
        doc_key(b, key);
        view_put(b, field, child);
    }
    doc_end_object(b);
}

void view_put(struct doc_builder *b, struct doc_value v, const struct projection_node *node) {
    if (projection_is_whole(node)) {
        doc_put_value(b, v);
        return;
    }
    if (doc_type(v) == DOC_OBJECT) {
        put_object(b, v, node);
    } else if (doc_type(v) == DOC_ARRAY) {
        doc_begin_array(b);
        for (size_t i = 0; i < doc_len(v); i++) view_put(b, doc_at(v, i), node);
        doc_end_array(b);
    } else {
        doc_put_value(b, v);
    }
}

struct path {
    char *text;
    size_t size, len;
};

static void path_append(struct path *p, const char *mark, struct str name) {
    int n = snprintf(p->text + p->len, p->size - p->len, "%s" STR_FMT, mark, STR_ARG(name));
    p->len = n > 0 && (size_t)n < p->size - p->len ? p->len + (size_t)n : p->size - 1;
}

static bool search(struct doc_value at, struct doc_value part, struct path *p) {
    if (at.word == part.word) return true;
    if (doc_type(at) != DOC_ARRAY && doc_type(at) != DOC_OBJECT) return false;
    for (size_t i = 0; i < doc_len(at); i++) {
        size_t len = p->len;
        struct str key = {0};
        struct doc_value v = doc_type(at) == DOC_ARRAY ? doc_at(at, i) : doc_pair(at, i, &key, NULL);
        if (doc_type(at) == DOC_ARRAY)
            path_append(p, "[]", key);
        else
            path_append(p, len ? "." : "", key);
        if (search(v, part, p)) return true;
        p->len = len;
        p->text[len] = '\0';
    }
    return false;
}

/* The error path only: views carry no path, so that making one stays cheap. */
void view_path(struct doc_value part, char *out, size_t size) {
    struct path p = {out, size, 0};
    out[0] = '\0';
    if (!search(doc_root(part.doc), part, &p)) out[0] = '\0';
}
