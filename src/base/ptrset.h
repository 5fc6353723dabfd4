/*
 * ptrset: a hash set of pointers, for collections with one entry an object of the cluster.
 *
 * uthash costs 56 bytes an entry, which is more than half of what a small document takes; this one costs 8 to 16.
 * Everywhere else uthash is used. The set owns its slots, never the items. Open addressing, linear probing, load <= 3/4.
 */
#ifndef BASE_PTRSET_H
#define BASE_PTRSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ptrset {
    void **slots; /* NULL: free, tombstones are removed by backward shift */
    size_t cap;   /* a power of two, or 0 */
    size_t count;
    uint64_t (*hash)(const void *item);
    bool (*eq)(const void *item, const void *key); /* `key` is whatever the finder passes */
};

struct ptrset ptrset_new(uint64_t (*hash)(const void *item), bool (*eq)(const void *item, const void *key));

/* The item equal to key, or NULL. `hash` is the key's hash, by the same function of its content. */
void *ptrset_find(const struct ptrset *set, uint64_t hash, const void *key);

/* Adds an item that must not be there yet. ERR_NOMEM leaves the set as it was. */
int ptrset_add(struct ptrset *set, void *item, struct err *err) ERR_MUST_CHECK;

/* Removes and returns the item equal to key, or NULL. */
void *ptrset_remove(struct ptrset *set, uint64_t hash, const void *key);

/* Iterates in no order: `for (size_t i = 0; (item = ptrset_next(set, &i));)`. The set must not change meanwhile. */
void *ptrset_next(const struct ptrset *set, size_t *cursor);

void ptrset_free(struct ptrset *set);

#endif
