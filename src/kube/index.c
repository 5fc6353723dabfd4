#include "kube/index.h"

#include <stdlib.h>

#include "kube/object.h"

enum { FIRST_MANY = 4, FEW = 512 };

/* Most terms (an owner, a pod-template-hash) stand for few objects, hence no allocation for a single one. */
struct posting {
    uint64_t term;
    uint32_t count, cap; /* cap 1: `one` */
    union {
        struct doc *one;
        struct doc **many;
    };
};

static struct doc **docs_of(struct posting *p) { return p->cap == 1 ? &p->one : p->many; }

static uint64_t posting_hash(const void *item) { return ((const struct posting *)item)->term; }
static bool posting_eq(const void *item, const void *key) { return ((const struct posting *)item)->term == *(const uint64_t *)key; }

struct index index_new(void) {
    return (struct index){.postings = ptrset_new(posting_hash, posting_eq)};
}

static void posting_free(struct posting *p) {
    if (p->cap > 1) free(p->many);
    free(p);
}

static void drop(struct index *x) {
    struct posting *p;
    for (size_t i = 0; (p = ptrset_next(&x->postings, &i));) posting_free(p);
    ptrset_free(&x->postings);
    x->built = (struct index_extent){0};
}

void index_free(struct index *x) {
    drop(x);
    for (size_t i = 0; i < x->wanted.label_keys; i++) free(x->label_keys[i]);
    for (size_t i = 0; i < x->wanted.paths; i++) free(x->paths[i].text);
    free(x->paths);
}

/* The first place whose object is not before the key. */
static uint32_t place_of(struct posting *p, struct object_key key) {
    struct doc **docs = docs_of(p);
    uint32_t low = 0, high = p->count;
    if (high && object_key_cmp(object_key(docs[high - 1]), key) < 0) return high; /* lists arrive sorted */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (object_key_cmp(object_key(docs[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool resize(struct posting *p, uint32_t cap) {
    struct doc *first = p->cap == 1 ? p->one : NULL;
    struct doc **many = realloc(p->cap == 1 ? NULL : p->many, cap * sizeof(struct doc *));
    if (!many) return false;
    if (first) many[0] = first;
    p->many = many;
    p->cap = cap;
    return true;
}

static struct posting *posting_of(struct index *x, uint64_t term) {
    struct posting *p = ptrset_find(&x->postings, term, &term);
    if (p) return p;
    p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->term = term;
    p->cap = 1;
    if (!ptrset_add(&x->postings, p, NULL)) return p;
    free(p);
    return NULL;
}

/* Where this very document is, in a posting of few; names are compared only where there are many. Past the end: nowhere. */
static uint32_t place_of_document(struct posting *p, const struct doc *object) {
    struct doc **docs = docs_of(p);
    uint32_t at = 0;
    while (at < p->count && docs[at] != object) at++;
    return at;
}

/* Puts the object in place of the one of its name, which was `before`, or between its neighbours. */
static bool insert(struct index *x, uint64_t term, const struct doc *before, struct doc *object) {
    struct posting *p = posting_of(x, term);
    if (!p) return false;
    uint32_t known = before && p->count <= FEW ? place_of_document(p, before) : p->count;
    if (known < p->count) {
        docs_of(p)[known] = object;
        return true;
    }
    struct object_key key = object_key(object);
    uint32_t at = place_of(p, key);
    if (at < p->count && object_key_eq(object_key(docs_of(p)[at]), key)) {
        docs_of(p)[at] = object;
        return true;
    }
    if (p->count == p->cap && !resize(p, p->cap == 1 ? FIRST_MANY : p->cap + p->cap / 2)) return false;
    struct doc **docs = docs_of(p);
    memmove(docs + at + 1, docs + at, (p->count - at) * sizeof *docs);
    docs[at] = object;
    p->count++;
    return true;
}

/* Takes out this very document; a newer one in its place stays. */
static void take_out(struct index *x, uint64_t term, const struct doc *object) {
    struct posting *p = ptrset_find(&x->postings, term, &term);
    if (!p) return;
    uint32_t at = p->count <= FEW ? place_of_document(p, object) : place_of(p, object_key(object));
    struct doc **docs = docs_of(p);
    if (at == p->count || docs[at] != object) return;
    memmove(docs + at, docs + at + 1, (p->count - at - 1) * sizeof *docs);
    p->count--;
    if (!p->count) {
        ptrset_remove(&x->postings, term, &term);
        posting_free(p);
    } else if (p->cap > 2 * FIRST_MANY && p->count < p->cap / 4) {
        (void)resize(p, p->cap / 2);
    }
}

struct change {
    struct index *x;
    const struct doc *before; /* of an insertion: what is replaced; NULL: nothing */
    struct doc *object;
    bool failed;
};

static void insert_term(uint64_t term, void *arg) {
    struct change *c = arg;
    if (!c->failed && !insert(c->x, term, c->before, c->object)) c->failed = true;
}

static void take_out_term(uint64_t term, void *arg) {
    struct change *c = arg;
    take_out(c->x, term, c->object);
}

uint64_t term_of(enum term_kind kind, struct str key, struct str value) { return str_hash(value, str_hash(key, (uint64_t)kind)); }

struct teller {
    const char *path;
    index_term each;
    void *arg;
};

static bool tell_value(struct str value, void *arg) {
    const struct teller *t = arg;
    t->each(term_of(TERM_PATH, str_of(t->path), value), t->arg);
    return false;
}

static void tell_paths(const struct index *x, size_t first, size_t end, const struct doc *object, index_term each, void *arg) {
    for (size_t i = first; i < end; i++) {
        struct teller t = {x->paths[i].text, each, arg};
        field_each(&x->paths[i].names, doc_root(object), tell_value, &t);
    }
}

static void tell_owners(struct doc_value metadata, index_term each, void *arg) {
    struct doc_value owners = doc_get(metadata, STR("ownerReferences"));
    for (size_t i = 0; i < doc_len(owners); i++) each(term_of(TERM_OWNER, STR(""), doc_path_str(doc_at(owners, i), "uid")), arg);
}

static void tell_namespace(const struct doc *object, index_term each, void *arg) {
    each(term_of(TERM_NAMESPACE, STR(""), object_key(object).ns), arg);
}

static void tell_all_labels(struct doc_value labels, index_term each, void *arg) {
    for (size_t i = 0; i < doc_len(labels); i++) {
        struct str key;
        struct doc_value value = doc_pair(labels, i, &key, NULL);
        each(term_of(TERM_LABEL, key, doc_str(value)), arg);
    }
}

static void tell_labels(const struct index *x, size_t first, size_t end, struct doc_value labels, index_term each, void *arg) {
    for (size_t i = first; i < end; i++) {
        struct doc_value value = doc_get(labels, str_of(x->label_keys[i]));
        if (doc_type(value) == DOC_STRING) each(term_of(TERM_LABEL, str_of(x->label_keys[i]), doc_str(value)), arg);
    }
}

void index_all_terms(const struct index *x, const struct doc *object, index_term each, void *arg) {
    struct doc_value metadata = object_metadata(object);
    each(term_of(TERM_ALL, STR(""), STR("")), arg);
    tell_namespace(object, each, arg);
    tell_all_labels(doc_get(metadata, STR("labels")), each, arg);
    tell_owners(metadata, each, arg);
    tell_paths(x, 0, x->wanted.paths, object, each, arg);
}

/* The terms of kinds that `to` has and `from` has not. */
static void tell_extent(const struct index *x, const struct index_extent *from, const struct index_extent *to, const struct doc *object,
                        index_term each, void *arg) {
    struct doc_value metadata = object_metadata(object);
    if (to->by_namespace && !from->by_namespace) tell_namespace(object, each, arg);
    if (to->by_owner && !from->by_owner) tell_owners(metadata, each, arg);
    if (to->label_keys > from->label_keys) tell_labels(x, from->label_keys, to->label_keys, doc_get(metadata, STR("labels")), each, arg);
    tell_paths(x, from->paths, to->paths, object, each, arg);
}

void index_use_namespace(struct index *x) { x->wanted.by_namespace = true; }
void index_use_owner(struct index *x) { x->wanted.by_owner = true; }

bool index_use_label(struct index *x, struct str key) {
    for (size_t i = 0; i < x->wanted.label_keys; i++) {
        if (str_is(key, x->label_keys[i])) return true;
    }
    char *copy = x->wanted.label_keys < INDEX_MAX_LABEL_KEYS ? str_dup(key) : NULL;
    if (copy) x->label_keys[x->wanted.label_keys++] = copy;
    return copy != NULL;
}

bool index_has_path(const struct index *x, struct str path) {
    for (size_t i = 0; i < x->wanted.paths; i++) {
        if (str_is(path, x->paths[i].text)) return true;
    }
    return false;
}

int index_add_path(struct index *x, struct str path, struct err *err) {
    if (index_has_path(x, path)) return 0;
    struct index_path *paths = realloc(x->paths, (x->wanted.paths + 1) * sizeof *paths);
    if (paths) x->paths = paths;
    char *text = paths ? str_dup(path) : NULL;
    if (!text) return err_set(err, ERR_NOMEM, "no memory for an index");
    struct index_path *added = &paths[x->wanted.paths];
    added->text = text;
    if (!field_path_parse(str_of(text), &added->names)) {
        free(text);
        return err_set(err, ERR_SYNTAX, "\"" STR_FMT "\" is no field path", STR_ARG(path));
    }
    x->wanted.paths++;
    return 0;
}

bool index_is_built(const struct index *x) {
    const struct index_extent *a = &x->wanted, *b = &x->built;
    return a->by_namespace == b->by_namespace && a->by_owner == b->by_owner && a->label_keys == b->label_keys && a->paths == b->paths;
}

struct keyed {
    struct object_key key;
    struct doc *object;
};

static int by_key(const void *a, const void *b) { return object_key_cmp(((const struct keyed *)a)->key, ((const struct keyed *)b)->key); }

/* Sorted, each object is the last of its terms so far; and sorting is cheap where the names are read but once. */
static struct keyed *sorted(struct doc *const *objects, size_t count) {
    struct keyed *all = calloc(count + 1, sizeof *all);
    if (!all) return NULL;
    for (size_t i = 0; i < count; i++) all[i] = (struct keyed){object_key(objects[i]), objects[i]};
    qsort(all, count, sizeof *all, by_key);
    return all;
}

int index_build(struct index *x, struct doc *const *objects, size_t count, struct err *err) {
    struct keyed *all = sorted(objects, count);
    struct change c = {.x = x, .failed = !all};
    for (size_t i = 0; i < count && !c.failed; i++) {
        c.object = all[i].object;
        tell_extent(x, &x->built, &x->wanted, c.object, insert_term, &c);
    }
    free(all);
    if (c.failed) {
        drop(x);
        return err_set(err, ERR_NOMEM, "no memory for an index of %zu objects", count);
    }
    x->built = x->wanted;
    return 0;
}

void index_update(struct index *x, struct doc *before, struct doc *after) {
    static const struct index_extent NOTHING;
    struct change add = {x, before, after, false}, remove = {x, NULL, before, false};
    if (before == after) return;
    if (after) tell_extent(x, &NOTHING, &x->built, after, insert_term, &add);
    if (add.failed)
        drop(x);
    else if (before)
        tell_extent(x, &NOTHING, &x->built, before, take_out_term, &remove);
}

struct doc **index_find(const struct index *x, uint64_t term, struct str ns, size_t *count) {
    struct posting *p = ptrset_find(&x->postings, term, &term);
    *count = 0;
    if (!p) return NULL;
    struct str last_byte = {"\xff", 1}; /* after every name */
    uint32_t first = ns.n ? place_of(p, (struct object_key){ns, {0}}) : 0;
    uint32_t end = ns.n ? place_of(p, (struct object_key){ns, last_byte}) : p->count;
    *count = end - first;
    return docs_of(p) + first;
}
