#include "kube/store_internal.h"

#include <stdlib.h>

/*
 * Slots are documents with a mark in the lowest bit: "put since the last store_replace_begin of its namespace". A list of any length so
 * costs no memory beside the documents.
 */
static struct doc *doc_of(const void *slot) { return (struct doc *)((uintptr_t)slot & ~(uintptr_t)1); }
static bool is_marked(const void *slot) { return (uintptr_t)slot & 1; }
static void *slot_of(struct doc *object, bool marked) { return (void *)((uintptr_t)object | marked); }

static uint64_t slot_hash(const void *slot) { return object_key_hash(object_key(doc_of(slot))); }
static bool slot_eq(const void *slot, const void *key) { return object_key_eq(object_key(doc_of(slot)), *(const struct object_key *)key); }

struct store *store_new(const struct gvk *gvk, const struct projection *projection) {
    struct store *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->gvk = gvk;
    s->projection = projection ? projection_ref(projection) : projection_whole();
    s->objects = ptrset_new(slot_hash, slot_eq);
    s->index = index_new();
    if (s->projection) return s;
    free(s);
    return NULL;
}

void store_free(struct store *s) {
    if (!s) return;
    index_free(&s->index);
    struct doc *object;
    for (size_t i = 0; (object = store_next(s, &i));) doc_unref(object);
    ptrset_free(&s->objects);
    projection_unref(s->projection);
    free(s);
}

const struct gvk *store_gvk(const struct store *s) { return s->gvk; }
const struct projection *store_projection(const struct store *s) { return s->projection; }
size_t store_count(const struct store *s) { return s->objects.count; }
size_t store_bytes(const struct store *s) { return s->bytes; }
struct doc *store_next(const struct store *s, size_t *i) {
    return doc_of(ptrset_next(&s->objects, i));
}

void store_on_change(struct store *s, store_changed changed, void *arg) {
    s->changed = changed;
    s->changed_arg = arg;
}

static void tell(struct store *s, const struct doc *before, const struct doc *after) {
    if (s->changed) s->changed(s, before, after, s->changed_arg);
}

static struct doc *find(const struct store *s, struct object_key key) {
    return doc_of(ptrset_find(&s->objects, object_key_hash(key), &key));
}

struct doc *store_get(const struct store *s, struct str ns, struct str name) {
    return find(s, (struct object_key){ns, name});
}

/* Takes the slot out; its document keeps the store's reference. */
static void take_out(struct store *s, struct doc *object) {
    struct object_key key = object_key(object);
    ptrset_remove(&s->objects, object_key_hash(key), &key);
    s->bytes -= doc_size_bytes(object);
}

/* After a take_out there is room for one more, so that a replacement cannot fail half-way. */
static int put_in(struct store *s, struct doc *object, struct err *err) {
    int rc = ptrset_add(&s->objects, slot_of(object, true), err);
    if (rc) return rc;
    doc_ref(object);
    s->bytes += doc_size_bytes(object);
    return 0;
}

int store_put(struct store *s, struct doc *object, struct err *err) {
    struct object_key key = object_key(object);
    if (!key.name.n) return err_set(err, ERR_INVALID, "a %s without metadata.name", s->gvk->text);
    struct doc *before = find(s, key);
    if (before) take_out(s, before);
    int rc = put_in(s, object, err);
    if (rc) return rc;
    index_update(&s->index, before, object);
    if (!before || !doc_same_object(before, object)) tell(s, before, object);
    doc_unref(before);
    return 0;
}

/* The slot is out already. */
static void forget(struct store *s, struct doc *object) {
    index_update(&s->index, object, NULL);
    tell(s, object, NULL);
    doc_unref(object);
}

void store_delete(struct store *s, struct str ns, struct str name) {
    struct doc *object = store_get(s, ns, name);
    if (!object) return;
    take_out(s, object);
    forget(s, object);
}

static bool is_within(const struct doc *object, struct str ns) { return !ns.n || str_eq(object_key(object).ns, ns); }

/* Marks of an earlier list that never ended are taken back too. */
void store_replace_begin(struct store *s, struct str ns) {
    for (size_t i = 0; i < s->objects.cap; i++) {
        struct doc *object = doc_of(s->objects.slots[i]);
        if (object && is_within(object, ns)) s->objects.slots[i] = slot_of(object, false);
    }
}

/* A removal moves later slots back over the gap, or all of them into a smaller table. */
void store_replace_end(struct store *s, struct str ns) {
    size_t cap = s->objects.cap;
    void *slot;
    for (size_t i = 0; (slot = ptrset_next(&s->objects, &i));) {
        if (is_marked(slot) || !is_within(doc_of(slot), ns)) continue;
        take_out(s, doc_of(slot));
        forget(s, doc_of(slot));
        i = s->objects.cap == cap ? i - 1 : 0;
        cap = s->objects.cap;
    }
}
