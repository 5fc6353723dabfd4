#include "operator/owned.h"

#include "doc/json.h"

const char OWNED_MARK[] = "k8sgpt.ai/applied";

static const char MANAGER[] = "k8sgpt-operator";

/* The paths that we own, as fieldsV1 has them: "f:name" of a member, "k:{…}" of an item by its key, "v:…" of an item by its value. */
static struct doc_value our_fields(struct doc_value object) {
    struct doc_value books = doc_path(object, "metadata.managedFields");
    for (size_t i = 0; i < doc_len(books); i++) {
        struct doc_value entry = doc_at(books, i);
        if (str_is(doc_path_str(entry, "manager"), MANAGER) && str_is(doc_path_str(entry, "operation"), "Apply") &&
            !doc_path_str(entry, "subresource").n)
            return doc_get(entry, STR("fieldsV1"));
    }
    return DOC_NO_VALUE;
}

/* The server may drop an empty value as if it had not been given; nobody owns it then. */
static bool is_empty(struct doc_value v) {
    enum doc_type type = doc_type(v);
    if (type == DOC_STRING) return doc_str(v).n == 0;
    return type <= DOC_NULL || ((type == DOC_ARRAY || type == DOC_OBJECT) && doc_len(v) == 0);
}

/* A path that goes no further is owned with all that is below. */
static bool is_leaf(struct doc_value fields) { return doc_len(fields) == 0; }

static bool owns(struct doc_value fields, struct doc_value wanted);

/* `key` is JSON: {"containerPort":8080,"protocol":"TCP"}; what the item leaves out has a default. */
static bool has_key(struct doc_value item, struct str key) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *parsed = b ? json_decode(b, key, NULL, &err) : NULL;
    struct doc_value want = doc_root(parsed);
    bool has = parsed != NULL;
    for (size_t i = 0; has && i < doc_len(want); i++) {
        struct str name;
        struct doc_value value = doc_pair(want, i, &name, NULL), have = doc_get(item, name);
        has = doc_type(have) == DOC_ABSENT || doc_equal(have, value);
    }
    doc_unref(parsed);
    doc_builder_free(b);
    return has;
}

static bool has_value(struct doc_value item, struct str value) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *parsed = b ? json_decode(b, value, NULL, &err) : NULL;
    bool has = parsed && doc_equal(doc_root(parsed), item);
    doc_unref(parsed);
    doc_builder_free(b);
    return has;
}

static bool owns_item(struct doc_value fields, struct doc_value item) {
    for (size_t i = 0; i < doc_len(fields); i++) {
        struct str name;
        struct doc_value below = doc_pair(fields, i, &name, NULL);
        bool by_key = str_starts(name, STR("k:")), by_value = str_starts(name, STR("v:"));
        struct str rest = by_key || by_value ? (struct str){name.p + 2, name.n - 2} : name;
        if (by_value && has_value(item, rest)) return true;
        if (by_key && has_key(item, rest)) return owns(below, item);
    }
    return false;
}

static struct doc_value member_of(struct doc_value fields, struct str name) {
    for (size_t i = 0; i < doc_len(fields); i++) {
        struct str at;
        struct doc_value below = doc_pair(fields, i, &at, NULL);
        if (at.n == name.n + 2 && str_starts(at, STR("f:")) && memcmp(at.p + 2, name.p, name.n) == 0) return below;
    }
    return DOC_NO_VALUE;
}

static bool owns_member(struct doc_value fields, struct str name, struct doc_value value) {
    struct doc_value below = member_of(fields, name);
    return is_empty(value) || (doc_type(below) == DOC_OBJECT && owns(below, value));
}

static bool owns(struct doc_value fields, struct doc_value wanted) {
    enum doc_type type = doc_type(wanted);
    if (is_leaf(fields) || (type != DOC_OBJECT && type != DOC_ARRAY)) return true;
    for (size_t i = 0; i < doc_len(wanted); i++) {
        struct str name = {0};
        struct doc_value value = type == DOC_OBJECT ? doc_pair(wanted, i, &name, NULL) : doc_at(wanted, i);
        if (!(type == DOC_OBJECT ? owns_member(fields, name, value) : owns_item(fields, value))) return false;
    }
    return true;
}

/* What says which object it is belongs to nobody. */
static bool is_identity(struct str name) { return str_is(name, "name") || str_is(name, "namespace"); }

static bool owns_metadata(struct doc_value fields, struct doc_value metadata) {
    for (size_t i = 0; i < doc_len(metadata); i++) {
        struct str name;
        struct doc_value value = doc_pair(metadata, i, &name, NULL);
        if (!is_identity(name) && !owns_member(fields, name, value)) return false;
    }
    return true;
}

bool owned_is_whole(struct doc_value wanted, struct doc_value have) {
    struct doc_value fields = our_fields(have);
    for (size_t i = 0; i < doc_len(wanted); i++) {
        struct str name;
        struct doc_value value = doc_pair(wanted, i, &name, NULL);
        if (str_is(name, "apiVersion") || str_is(name, "kind")) continue;
        bool whole = str_is(name, "metadata") ? owns_metadata(member_of(fields, name), value) : owns_member(fields, name, value);
        if (!whole) return false;
    }
    return true;
}

bool owned_is_marked(struct doc_value wanted, struct doc_value have) {
    struct str name = str_of(OWNED_MARK);
    struct str mark = doc_str(doc_get(doc_path(wanted, "metadata.annotations"), name));
    return mark.n && str_eq(mark, doc_str(doc_get(doc_path(have, "metadata.annotations"), name)));
}
