#include <stdlib.h>

#include "kube/store_internal.h"

static bool has_label(struct doc_value labels, struct str key, struct str value) {
    struct doc_value v = doc_get(labels, key);
    return doc_type(v) == DOC_STRING && str_eq(doc_str(v), value);
}

static bool has_owner(struct doc_value metadata, struct str uid) {
    struct doc_value owners = doc_get(metadata, STR("ownerReferences"));
    for (size_t i = 0; i < doc_len(owners); i++) {
        if (str_eq(doc_path_str(doc_at(owners, i), "uid"), uid)) return true;
    }
    return false;
}

static bool is_value(struct str value, void *arg) { return str_eq(value, *(const struct str *)arg); }

static bool has_value(const struct doc *object, struct str path, struct str value) {
    struct field_path names;
    return field_path_parse(path, &names) && field_each(&names, doc_root(object), is_value, &value);
}

bool store_query_matches(const struct store_query *query, const struct doc *object) {
    struct doc_value metadata = object_metadata(object);
    if (query->ns.n && !str_eq(object_key(object).ns, query->ns)) return false;
    struct doc_value labels = doc_get(metadata, STR("labels"));
    for (size_t i = 0; i < query->label_count; i++) {
        if (!has_label(labels, query->labels[i].key, query->labels[i].value)) return false;
    }
    if (query->owner_uid.n && !has_owner(metadata, query->owner_uid)) return false;
    return !query->index_path.n || has_value(object, query->index_path, query->index_value);
}

static const struct store_label *first_label(const struct store_query *query) {
    const struct store_label *first = NULL;
    for (size_t i = 0; i < query->label_count; i++) {
        if (!first || str_cmp(query->labels[i].key, first->key) < 0) first = &query->labels[i];
    }
    return first;
}

uint64_t store_query_term(const struct store *s, const struct store_query *query) {
    const struct store_label *label = first_label(query);
    if (query->index_path.n && store_has_index(s, query->index_path)) return term_of(TERM_PATH, query->index_path, query->index_value);
    if (query->owner_uid.n) return term_of(TERM_OWNER, STR(""), query->owner_uid);
    if (label) return term_of(TERM_LABEL, label->key, label->value);
    if (query->ns.n) return term_of(TERM_NAMESPACE, STR(""), query->ns);
    return term_of(TERM_ALL, STR(""), STR(""));
}

void store_object_terms(const struct store *s, const struct doc *object, store_term each, void *arg) {
    index_all_terms(&s->index, object, each, arg);
}

bool store_has_index(const struct store *s, struct str path) { return index_has_path(&s->index, path); }

/* An index on a field that is not kept would find nothing, and nobody would know why. */
static int check_kept(const struct store *s, struct str path, struct err *err) {
    struct projection *needed = projection_new();
    if (!needed) return err_set(err, ERR_NOMEM, "no memory for an index");
    int rc = projection_add(needed, path, err);
    if (!rc && !projection_covers(s->projection, needed)) {
        rc = err_set(err, ERR_INVALID, "index on " STR_FMT " of %s: that field is not kept; declare it", STR_ARG(path), s->gvk->text);
    }
    projection_unref(needed);
    return rc;
}

/* All objects, in no order; NULL for none. */
static int all_objects(const struct store *s, struct doc ***out, struct err *err) {
    *out = NULL;
    if (!store_count(s)) return 0;
    struct doc **objects = malloc(store_count(s) * sizeof *objects), *object;
    if (!objects) return err_set(err, ERR_NOMEM, "no memory for a list of %zu objects", store_count(s));
    size_t count = 0;
    for (size_t i = 0; (object = store_next(s, &i));) objects[count++] = object;
    *out = objects;
    return 0;
}

static int build(struct store *s, struct err *err) {
    if (index_is_built(&s->index)) return 0;
    struct doc **objects;
    int rc = all_objects(s, &objects, err);
    if (!rc) rc = index_build(&s->index, objects, store_count(s), err);
    free(objects);
    return rc;
}

int store_add_index(struct store *s, struct str path, struct err *err) {
    if (store_has_index(s, path)) return 0;
    int rc = check_kept(s, path, err);
    if (!rc) rc = index_add_path(&s->index, path, err);
    return rc ? rc : build(s, err);
}

/* The terms of a query that an index answers; makes sure that these are built. */
static size_t usable_terms(struct store *s, const struct store_query *query, uint64_t terms[STORE_QUERY_MAX_LABELS + 3]) {
    size_t count = 0;
    if (query->index_path.n) terms[count++] = term_of(TERM_PATH, query->index_path, query->index_value);
    if (query->owner_uid.n) {
        index_use_owner(&s->index);
        terms[count++] = term_of(TERM_OWNER, STR(""), query->owner_uid);
    }
    for (size_t i = 0; i < query->label_count; i++) {
        const struct store_label *label = &query->labels[i];
        if (index_use_label(&s->index, label->key)) terms[count++] = term_of(TERM_LABEL, label->key, label->value);
    }
    if (!count && query->ns.n) {
        index_use_namespace(&s->index);
        terms[count++] = term_of(TERM_NAMESPACE, STR(""), query->ns);
    }
    return count;
}

struct candidates {
    struct doc **objects;
    size_t count;
};

static struct candidates fewest(const struct store *s, const uint64_t *terms, size_t term_count, struct str ns) {
    struct candidates best = {NULL, SIZE_MAX};
    for (size_t i = 0; i < term_count && best.count; i++) {
        struct candidates found;
        found.objects = index_find(&s->index, terms[i], ns, &found.count);
        if (found.count < best.count) best = found;
    }
    return best;
}

static int by_key(const void *a, const void *b) {
    return object_key_cmp(object_key(*(struct doc *const *)a), object_key(*(struct doc *const *)b));
}

/* A query that no index answers. */
static int scan(const struct store *s, const struct store_query *query, struct doc ***out, size_t *count, struct err *err) {
    int rc = all_objects(s, out, err);
    if (rc || !*out) return rc;
    for (size_t i = 0; i < store_count(s); i++) {
        if (store_query_matches(query, (*out)[i])) (*out)[(*count)++] = (*out)[i];
    }
    qsort(*out, *count, sizeof **out, by_key);
    if (query->limit && *count > query->limit) *count = query->limit;
    return 0;
}

int store_list(struct store *s, const struct store_query *query, struct doc ***out, size_t *count, struct err *err) {
    uint64_t terms[STORE_QUERY_MAX_LABELS + 3];
    *out = NULL;
    *count = 0;
    if (query->index_path.n && !store_has_index(s, query->index_path)) {
        return err_set(err, ERR_INVALID, "%s has no index on " STR_FMT ": declare it in indexes", s->gvk->text, STR_ARG(query->index_path));
    }
    size_t term_count = usable_terms(s, query, terms);
    if (!term_count) return scan(s, query, out, count, err);
    int rc = build(s, err);
    if (rc) return rc;
    struct candidates found = fewest(s, terms, term_count, query->ns);
    if (!found.count) return 0;
    size_t most = query->limit && query->limit < found.count ? query->limit : found.count;
    *out = malloc(most * sizeof **out);
    if (!*out) return err_set(err, ERR_NOMEM, "no memory for a list of %zu objects", most);
    for (size_t i = 0; i < found.count && *count < most; i++) {
        if (store_query_matches(query, found.objects[i])) (*out)[(*count)++] = found.objects[i];
    }
    return 0;
}
