#include "doc/doc.h"

#include <stdlib.h>

#include "doc/layout.h"

struct doc *doc_ref(const struct doc *doc) {
    struct doc *shared = (struct doc *)(uintptr_t)doc; /* the count is the one part that is not content */
    if (shared) shared->refs++;
    return shared;
}

void doc_unref(const struct doc *doc) {
    struct doc *shared = (struct doc *)(uintptr_t)doc;
    if (shared && --shared->refs == 0) free(shared);
}

size_t doc_size_bytes(const struct doc *doc) { return doc ? doc->size_bytes : 0; }

struct doc_value doc_root(const struct doc *doc) {
    return doc ? (struct doc_value){doc, doc->root} : DOC_NO_VALUE;
}

enum doc_type doc_type(struct doc_value v) {
    static const unsigned char types[16] = {
        [TAG_NULL] = DOC_NULL,     [TAG_BOOL] = DOC_BOOL,           [TAG_INT] = DOC_INT,
        [TAG_INT64] = DOC_INT,     [TAG_DOUBLE] = DOC_DOUBLE,       [TAG_TEXT8] = DOC_STRING,
        [TAG_TEXT32] = DOC_STRING, [TAG_ATOM] = DOC_STRING,         [TAG_ARRAY] = DOC_ARRAY,
        [TAG_OBJECT] = DOC_OBJECT, [TAG_OBJECT_PAIRS] = DOC_OBJECT,
    };
    return v.doc ? (enum doc_type)types[word_tag(v.word)] : DOC_ABSENT;
}

const char *doc_type_name(enum doc_type type) {
    static const char *const names[] = {"absent", "null", "boolean", "integer", "number", "string", "array", "object"};
    return names[type];
}

bool doc_bool(struct doc_value v) { return v.doc && word_tag(v.word) == TAG_BOOL && word_payload(v.word); }

int64_t doc_int(struct doc_value v) {
    if (!v.doc) return 0;
    if (word_tag(v.word) == TAG_INT) return (int32_t)(v.word << 4) >> 4;
    if (word_tag(v.word) != TAG_INT64) return 0;
    int64_t n;
    memcpy(&n, doc_bytes(v.doc) + word_payload(v.word), sizeof n);
    return n;
}

double doc_double(struct doc_value v) {
    if (!v.doc || word_tag(v.word) != TAG_DOUBLE) return (double)doc_int(v);
    double n;
    memcpy(&n, doc_bytes(v.doc) + word_payload(v.word), sizeof n);
    return n;
}

struct str doc_str(struct doc_value v) {
    return v.doc ? word_text(v.word, doc_bytes(v.doc)) : (struct str){0};
}

size_t doc_len(struct doc_value v) {
    if (!v.doc || word_tag(v.word) < TAG_ARRAY) return 0;
    uint32_t first = doc_items(v.doc, v.word)[0];
    return word_tag(v.word) == TAG_OBJECT ? shape_at(first)->count : first;
}

struct doc_value doc_at(struct doc_value v, size_t i) {
    if (i >= doc_len(v)) return DOC_NO_VALUE;
    const uint32_t *items = doc_items(v.doc, v.word) + 1;
    return (struct doc_value){v.doc, word_tag(v.word) == TAG_OBJECT_PAIRS ? items[2 * i + 1] : items[i]};
}

struct doc_value doc_pair(struct doc_value v, size_t i, struct str *key, uint32_t *key_id) {
    *key = (struct str){0};
    if (key_id) *key_id = KEY_NONE;
    if (i >= doc_len(v) || !word_is_object(v.word)) return DOC_NO_VALUE;
    const uint32_t *items = doc_items(v.doc, v.word);
    uint32_t name = word_tag(v.word) == TAG_OBJECT ? shape_at(items[0])->names[i] : items[1 + 2 * i];
    *key = word_text(name, doc_bytes(v.doc));
    if (key_id && word_tag(name) == TAG_ATOM) *key_id = word_payload(name);
    return doc_at(v, i);
}

static inline struct doc_value find_in_shape(struct doc_value v, uint32_t key_word) {
    const uint32_t *items = doc_items(v.doc, v.word);
    const struct shape *shape = shape_at(items[0]);
    for (uint32_t i = 0; i < shape->count; i++) {
        if (shape->names[i] == key_word) return (struct doc_value){v.doc, items[1 + i]};
    }
    return DOC_NO_VALUE;
}

static struct doc_value find_in_pairs(struct doc_value v, uint32_t key_word) {
    const uint32_t *items = doc_items(v.doc, v.word);
    const uint32_t *end = items + 1 + 2 * (size_t)items[0];
    for (const uint32_t *pair = items + 1; pair < end; pair += 2) {
        if (pair[0] == key_word) return (struct doc_value){v.doc, pair[1]};
    }
    return DOC_NO_VALUE;
}

/* Among the names that are not in the key table. */
static struct doc_value find_text(struct doc_value v, struct str key) {
    const char *bytes = doc_bytes(v.doc);
    const uint32_t *items = doc_items(v.doc, v.word);
    for (size_t i = 0; i < items[0]; i++) {
        const uint32_t *pair = items + 1 + 2 * i;
        if (word_tag(pair[0]) != TAG_ATOM && str_eq(word_text(pair[0], bytes), key)) return (struct doc_value){v.doc, pair[1]};
    }
    return DOC_NO_VALUE;
}

struct doc_value doc_get_id(struct doc_value v, uint32_t key_id) {
    if (!v.doc || !word_is_object(v.word)) return DOC_NO_VALUE;
    uint32_t key_word = word_make(TAG_ATOM, key_id);
    if (word_tag(v.word) == TAG_OBJECT) return find_in_shape(v, key_word);
    struct doc_value found = find_in_pairs(v, key_word);
    return found.doc ? found : find_text(v, key_text(key_id));
}

struct doc_value doc_get(struct doc_value v, struct str key) {
    if (!v.doc || !word_is_object(v.word)) return DOC_NO_VALUE;
    uint32_t id = key_find(key);
    if (id != KEY_NONE) return doc_get_id(v, id);
    return word_tag(v.word) == TAG_OBJECT ? DOC_NO_VALUE : find_text(v, key);
}

struct doc_value doc_path(struct doc_value v, const char *path) {
    struct str name, rest = str_of(path);
    while (v.doc && rest.n) {
        str_cut(rest, '.', &name, &rest);
        v = doc_get(v, name);
    }
    return v;
}

struct str doc_path_str(struct doc_value v, const char *path) {
    return doc_str(doc_path(v, path));
}
