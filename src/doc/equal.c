#include "doc/layout.h"

static bool values_equal(struct doc_value a, struct doc_value b);

static bool numbers_equal(struct doc_value a, struct doc_value b) {
    bool a_is_int = doc_type(a) == DOC_INT, b_is_int = doc_type(b) == DOC_INT;
    if (a_is_int && b_is_int) return doc_int(a) == doc_int(b);
    if (!a_is_int && !b_is_int) return doc_double(a) == doc_double(b);
    /* Over 2^53 several integers round to one double, so the double goes to the integer, not the other way. */
    int64_t n = a_is_int ? doc_int(a) : doc_int(b);
    double d = a_is_int ? doc_double(b) : doc_double(a);
    return d >= -0x1p63 && d < 0x1p63 && (double)(int64_t)d == d && (int64_t)d == n;
}

static bool arrays_equal(struct doc_value a, struct doc_value b) {
    size_t n = doc_len(a);
    if (n != doc_len(b)) return false;
    for (size_t i = 0; i < n; i++) {
        if (!values_equal(doc_at(a, i), doc_at(b, i))) return false;
    }
    return true;
}

/* The value in b of a's pair i. Pairs mostly come in the same order, so the search is the exception. */
static struct doc_value partner(struct doc_value b, size_t i, uint32_t key_id, struct str key) {
    struct str other;
    uint32_t other_id;
    struct doc_value v = doc_pair(b, i, &other, &other_id);
    if (v.doc && key_id != KEY_NONE && key_id == other_id) return v;
    if (v.doc && str_eq(key, other)) return v;
    return doc_get(b, key);
}

static bool objects_equal(struct doc_value a, struct doc_value b) {
    size_t n = doc_len(a);
    if (n != doc_len(b)) return false;
    for (size_t i = 0; i < n; i++) {
        struct str key;
        uint32_t key_id;
        struct doc_value v = doc_pair(a, i, &key, &key_id);
        struct doc_value w = partner(b, i, key_id, key);
        if (!w.doc || !values_equal(v, w)) return false;
    }
    return true;
}

static bool is_number(enum doc_type type) { return type == DOC_INT || type == DOC_DOUBLE; }

static bool values_equal(struct doc_value a, struct doc_value b) {
    if (a.doc == b.doc && a.word == b.word) return doc_type(a) != DOC_DOUBLE || doc_double(a) == doc_double(b);
    enum doc_type type = doc_type(a);
    if (is_number(type) && is_number(doc_type(b))) return numbers_equal(a, b);
    if (type != doc_type(b)) return false;
    switch (type) {
    case DOC_BOOL: return doc_bool(a) == doc_bool(b);
    case DOC_STRING: return str_eq(doc_str(a), doc_str(b));
    case DOC_ARRAY: return arrays_equal(a, b);
    case DOC_OBJECT: return objects_equal(a, b);
    default: return true;
    }
}

bool doc_equal(struct doc_value a, struct doc_value b) { return values_equal(a, b); }

/* As objects_equal, but for the pair of one name, whether it is there or not, which `but` compares. */
static bool equal_but(struct doc_value a, struct doc_value b, struct str name, bool (*but)(struct doc_value, struct doc_value)) {
    struct doc_value a_but = doc_get(a, name), b_but = doc_get(b, name);
    if (doc_type(a) != DOC_OBJECT || doc_type(b) != DOC_OBJECT) return values_equal(a, b);
    if (doc_len(a) - !!a_but.doc != doc_len(b) - !!b_but.doc) return false;
    for (size_t i = 0; i < doc_len(a); i++) {
        struct str key;
        uint32_t key_id;
        struct doc_value v = doc_pair(a, i, &key, &key_id);
        if (str_eq(key, name)) continue;
        struct doc_value w = partner(b, i, key_id, key);
        if (!w.doc || !values_equal(v, w)) return false;
    }
    return but(a_but, b_but);
}

static bool whatever(struct doc_value a, struct doc_value b) {
    (void)a;
    (void)b;
    return true;
}

static bool metadata_equal(struct doc_value a, struct doc_value b) { return equal_but(a, b, STR("resourceVersion"), whatever); }

bool doc_same_object(const struct doc *a, const struct doc *b) {
    return a == b || equal_but(doc_root(a), doc_root(b), STR("metadata"), metadata_equal);
}
