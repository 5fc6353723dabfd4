#include <stdlib.h>

#include "base/clock.h"
#include "doc/builder.h"
#include "doc/json.h"
#include "kube/object.h"
#include "kube/snapshot_internal.h"

struct stores {
    const struct cluster *cluster;
    const struct store **items;
    size_t count, cap;
    bool lacks; /* memory */
};

static void collect(const struct store *store, void *arg) {
    struct stores *all = arg;
    if (all->count == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 32;
        const struct store **grown = reallocarray(all->items, cap, sizeof(struct store *));
        all->lacks |= !grown;
        if (!grown) return;
        all->items = grown;
        all->cap = cap;
    }
    all->items[all->count++] = store;
}

static int by_kind(const void *a, const void *b) {
    return strcmp(store_gvk(*(const struct store *const *)a)->text, store_gvk(*(const struct store *const *)b)->text);
}

/* ---- the object that it begins with ------------------------------------------------------------------------------------------- */

static const char *list_of(enum reflector_state state) {
    return state == REFLECTOR_SYNCED ? "read" : state == REFLECTOR_MISSING ? "missing" : "denied";
}

static void put_kinds(struct doc_builder *b, const struct stores *all, const char *list) {
    doc_key(b, str_of(list));
    doc_begin_array(b);
    for (size_t i = 0; i < all->count; i++) {
        const struct gvk *gvk = store_gvk(all->items[i]);
        if (strcmp(list_of(cluster_state(all->cluster, gvk, NULL)), list) == 0) doc_put_str(b, str_of(gvk->text));
    }
    doc_end_array(b);
}

static struct doc *header(const struct stores *all, struct err *err) {
    char now[CLOCK_TEXT_LEN];
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a snapshot");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", str_of(SNAPSHOT_API));
    doc_pair_str(b, "kind", str_of(SNAPSHOT_KIND));
    doc_key(b, STR("metadata"));
    doc_begin_object(b);
    doc_pair_str(b, "name", STR("snapshot"));
    doc_pair_str(b, "creationTimestamp", str_of(clock_format_s(clock_wall_ms(), now)));
    doc_end_object(b);
    doc_key(b, STR("kinds"));
    doc_begin_object(b);
    put_kinds(b, all, "read");
    put_kinds(b, all, "denied");
    put_kinds(b, all, "missing");
    doc_end_object(b);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

/* ---- objects ------------------------------------------------------------------------------------------------------------------ */

static int put_line(const struct doc *object, struct buf *out, struct err *err) {
    int rc = json_write(doc_root(object), JSON_COMPACT, out, err);
    return rc ? rc : buf_append(out, "\n", 1, err);
}

static int by_key(const void *a, const void *b) {
    return object_key_cmp(object_key(*(struct doc *const *)a), object_key(*(struct doc *const *)b));
}

static int put_store(const struct store *store, struct buf *out, struct err *err) {
    struct doc **objects = calloc(store_count(store) + 1, sizeof(struct doc *)), *object;
    if (!objects) return err_set(err, ERR_NOMEM, "no memory for a snapshot");
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; (object = store_next(store, &i));) objects[count++] = object;
    qsort(objects, count, sizeof(struct doc *), by_key);
    for (size_t i = 0; !rc && i < count; i++) rc = put_line(objects[i], out, err);
    free(objects);
    return rc;
}

int snapshot_write(const struct cluster *c, struct buf *out, struct err *err) {
    struct stores all = {.cluster = c};
    cluster_each_store(c, collect, &all);
    if (all.count) qsort(all.items, all.count, sizeof(struct store *), by_kind);
    struct doc *head = all.lacks ? NULL : header(&all, err);
    int rc = all.lacks ? err_set(err, ERR_NOMEM, "no memory for a snapshot") : head ? put_line(head, out, err) : (int)err->code;
    for (size_t i = 0; !rc && i < all.count; i++) rc = put_store(all.items[i], out, err);
    doc_unref(head);
    free(all.items);
    return rc;
}
