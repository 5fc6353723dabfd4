#include "devcluster/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "devcluster/memory.h"
#include "devcluster/tree.h"

struct dev_entry {
    struct dev_object *object;
    UT_hash_handle hh;
    char key[];
};

void dev_storage_init(struct dev_storage *s, void (*on_event)(const struct dev_event *event, void *arg), void *arg) {
    *s = (struct dev_storage){.on_event = on_event, .arg = arg};
    s->log = dev_alloc(DEV_LOG_EVENTS * sizeof *s->log);
}

static void collection_free(struct dev_collection *c) {
    struct dev_entry *e, *tmp;
    HASH_ITER(hh, c->entries, e, tmp) {
        HASH_DEL(c->entries, e);
        dev_object_unref(e->object);
        free(e);
    }
    free(c->sorted);
    free(c->key);
    free(c);
}

static void event_clear(struct dev_event *e) {
    dev_object_unref(e->now);
    dev_object_unref(e->before);
}

void dev_storage_free(struct dev_storage *s) {
    for (size_t i = 0; i < s->log_count; i++) event_clear(&s->log[(s->log_start + i) % DEV_LOG_EVENTS]);
    free(s->log);
    dev_owners_free(&s->owners);
    while (s->collections) {
        struct dev_collection *next = s->collections->next;
        collection_free(s->collections);
        s->collections = next;
    }
}

struct dev_collection *dev_storage_collection(struct dev_storage *s, const char *group, const char *plural) {
    char *key = dev_format("%s/%s", group, plural);
    struct dev_collection *c = s->collections;
    while (c && strcmp(c->key, key) != 0) c = c->next;
    if (c) {
        free(key);
        return c;
    }
    c = dev_alloc(sizeof *c);
    c->key = key;
    c->next = s->collections;
    s->collections = c;
    return c;
}

static struct dev_entry *find(const struct dev_collection *c, const char *ns, const char *name) {
    struct dev_entry *e = NULL;
    char key[512];
    int n = snprintf(key, sizeof key, "%s/%s", ns, name);
    if (n > 0 && (size_t)n < sizeof key) HASH_FIND(hh, c->entries, key, (unsigned)n, e);
    return e;
}

struct dev_object *dev_storage_get(const struct dev_collection *c, const char *ns, const char *name) {
    struct dev_entry *e = find(c, ns, name);
    return e ? e->object : NULL;
}

static int compare_keys(const struct dev_object *o, const char *ns, const char *name) {
    int by_ns = strcmp(o->ns, ns);
    return by_ns ? by_ns : strcmp(o->name, name);
}

static int compare_objects(const void *a, const void *b) {
    const struct dev_object *const *x = a, *const *y = b;
    return compare_keys(*x, (*y)->ns, (*y)->name);
}

struct dev_object **dev_storage_list(struct dev_collection *c, size_t *count) {
    if (!c->sorted_valid) {
        c->sorted = dev_resize(c->sorted, (c->count + 1) * sizeof(struct dev_object *));
        size_t i = 0;
        for (struct dev_entry *e = c->entries; e; e = e->hh.next) c->sorted[i++] = e->object;
        qsort(c->sorted, c->count, sizeof(struct dev_object *), compare_objects);
        c->sorted_valid = true;
    }
    *count = c->count;
    return c->sorted;
}

size_t dev_storage_after(struct dev_collection *c, const char *ns, const char *name) {
    size_t high, low = 0;
    struct dev_object **objects = dev_storage_list(c, &high);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare_keys(objects[mid], ns, name) > 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* Appends to the ring, over the oldest event when it is full, and tells the listener. References are taken over. */
static void record(struct dev_storage *s, struct dev_event event) {
    if (s->log_count == DEV_LOG_EVENTS) {
        s->forgotten = s->log[s->log_start].version;
        event_clear(&s->log[s->log_start]);
        s->log_start = (s->log_start + 1) % DEV_LOG_EVENTS;
        s->log_count--;
    }
    struct dev_event *slot = &s->log[(s->log_start + s->log_count++) % DEV_LOG_EVENTS];
    *slot = event;
    if (s->on_event) s->on_event(slot, s->arg);
}

static struct dev_entry *insert(struct dev_collection *c, struct dev_object *o) {
    size_t n = strlen(o->ns) + 1 + strlen(o->name);
    struct dev_entry *e = dev_alloc(sizeof *e + n + 1);
    snprintf(e->key, n + 1, "%s/%s", o->ns, o->name);
    e->object = o;
    HASH_ADD(hh, c->entries, key, (unsigned)n, e);
    c->count++;
    c->sorted_valid = false;
    return e;
}

struct dev_object *dev_storage_put(struct dev_storage *s, struct dev_collection *c, cJSON *tree) {
    struct dev_object *o = dev_object_new(tree, ++s->version), *before = NULL;
    struct dev_entry *e = find(c, o->ns, o->name);
    if (e) {
        before = e->object;
        if (c->sorted_valid) c->sorted[dev_storage_after(c, o->ns, o->name) - 1] = o;
        e->object = o;
        dev_owners_drop(&s->owners, before);
    } else {
        insert(c, o);
    }
    dev_owners_add(&s->owners, c, o);
    record(s, (struct dev_event){before ? DEV_MODIFIED : DEV_ADDED, o->version, c, dev_object_ref(o), before});
    return o;
}

/* The object as it was, with the version of its deletion: what watches report. */
static struct dev_object *last_state(const struct dev_object *o, uint64_t version) {
    return dev_object_new(tree_parse((struct str){o->text, o->len}, NULL), version);
}

void dev_storage_remove(struct dev_storage *s, struct dev_collection *c, const char *ns, const char *name) {
    struct dev_entry *e = find(c, ns, name);
    if (!e) return;
    struct dev_object *before = e->object;
    HASH_DEL(c->entries, e);
    free(e);
    c->count--;
    c->sorted_valid = false;
    dev_owners_drop(&s->owners, before);
    s->version++;
    record(s, (struct dev_event){DEV_DELETED, s->version, c, last_state(before, s->version), before});
}

const struct dev_event *dev_storage_event(const struct dev_storage *s, size_t i) { return &s->log[(s->log_start + i) % DEV_LOG_EVENTS]; }

size_t dev_storage_events_after(const struct dev_storage *s, uint64_t version) {
    size_t low = 0, high = s->log_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (dev_storage_event(s, mid)->version > version)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}
