/*
 * storage: all objects in memory, one resourceVersion counter, and a bounded log of what happened.
 *
 * Objects are found by collection (a resource), namespace and name in constant time; lists are in key order, as etcd's are. Each
 * write appends one event, from which watches resume; the oldest events are forgotten after DEV_LOG_EVENTS.
 */
#ifndef DEVCLUSTER_STORAGE_H
#define DEVCLUSTER_STORAGE_H

#include <stdint.h>

#include "devcluster/object.h"
#include "devcluster/owner.h"

enum { DEV_LOG_EVENTS = 20000 };

enum dev_event_type { DEV_ADDED, DEV_MODIFIED, DEV_DELETED };

struct dev_event {
    enum dev_event_type type;
    uint64_t version;
    struct dev_collection *collection;
    struct dev_object *now;    /* of DELETED: the last state, with the version of the deletion */
    struct dev_object *before; /* NULL for ADDED */
};

struct dev_entry;

struct dev_collection {
    char *key;                  /* "apps/deployments" */
    struct dev_entry *entries;  /* hash by "namespace/name" */
    struct dev_object **sorted; /* borrowed objects in key order; valid when sorted_valid */
    size_t count;
    bool sorted_valid;
    struct dev_collection *next;
};

struct dev_storage {
    uint64_t version; /* of the last write */
    struct dev_collection *collections;
    struct dev_owner *owners; /* index of owner.h */
    struct dev_event *log;    /* ring of DEV_LOG_EVENTS */
    size_t log_start, log_count;
    uint64_t forgotten; /* events up to this version are gone */
    void (*on_event)(const struct dev_event *event, void *arg);
    void *arg;
};

void dev_storage_init(struct dev_storage *s, void (*on_event)(const struct dev_event *event, void *arg), void *arg);
void dev_storage_free(struct dev_storage *s);

/* The collection of a resource, made on first use; it lives as long as the storage. */
struct dev_collection *dev_storage_collection(struct dev_storage *s, const char *group, const char *plural);

/* Borrowed, valid until the next write; NULL: not there. */
struct dev_object *dev_storage_get(const struct dev_collection *c, const char *ns, const char *name);

/* Objects in key order, of all namespaces; borrowed, valid until the next write to the collection. */
struct dev_object **dev_storage_list(struct dev_collection *c, size_t *count);

/* Index of the first object whose key is greater than namespace/name. */
size_t dev_storage_after(struct dev_collection *c, const char *ns, const char *name);

/* Stores the tree (taken) under its metadata with the next resourceVersion. Borrowed result. */
struct dev_object *dev_storage_put(struct dev_storage *s, struct dev_collection *c, cJSON *tree);

/* Takes an object out; nothing when it is not there. */
void dev_storage_remove(struct dev_storage *s, struct dev_collection *c, const char *ns, const char *name);

/* Event i (from 0) of the log, oldest first; the index of the first one after `version`. */
const struct dev_event *dev_storage_event(const struct dev_storage *s, size_t i);
size_t dev_storage_events_after(const struct dev_storage *s, uint64_t version);

#endif
