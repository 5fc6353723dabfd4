#include "doc/builder_internal.h"

void doc_pair_str(struct doc_builder *b, const char *name, struct str text) {
    doc_key(b, str_of(name));
    doc_put_str(b, text);
}

void doc_pair_int(struct doc_builder *b, const char *name, int64_t value) {
    doc_key(b, str_of(name));
    doc_put_int(b, value);
}

void doc_pair_bool(struct doc_builder *b, const char *name, bool value) {
    doc_key(b, str_of(name));
    doc_put_bool(b, value);
}

static void put_array(struct doc_builder *b, struct doc_value v) {
    doc_begin_array(b);
    for (size_t i = 0, n = doc_len(v); i < n && !b->failed; i++) doc_put_value(b, doc_at(v, i));
    doc_end_array(b);
}

static void put_object(struct doc_builder *b, struct doc_value v) {
    doc_begin_object(b);
    for (size_t i = 0, n = doc_len(v); i < n && !b->failed; i++) {
        struct str key;
        uint32_t key_id;
        struct doc_value value = doc_pair(v, i, &key, &key_id);
        builder_key(b, key_id, key);
        doc_put_value(b, value);
    }
    doc_end_object(b);
}

void doc_put_value(struct doc_builder *b, struct doc_value v) {
    switch (doc_type(v)) {
    case DOC_ABSENT:
    case DOC_NULL: doc_null(b); break;
    case DOC_BOOL: doc_put_bool(b, doc_bool(v)); break;
    case DOC_INT: doc_put_int(b, doc_int(v)); break;
    case DOC_DOUBLE: doc_put_double(b, doc_double(v)); break;
    case DOC_STRING:
        if (word_tag(v.word) == TAG_ATOM)
            doc_put_atom(b, doc_str(v));
        else
            doc_put_str(b, doc_str(v));
        break;
    case DOC_ARRAY: put_array(b, v); break;
    case DOC_OBJECT: put_object(b, v); break;
    }
}
