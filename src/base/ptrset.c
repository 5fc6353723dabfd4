#include "base/ptrset.h"

#include <stdlib.h>

enum { FIRST_CAP = 8 };

struct ptrset ptrset_new(uint64_t (*hash)(const void *item), bool (*eq)(const void *item, const void *key)) {
    return (struct ptrset){.hash = hash, .eq = eq};
}

/* The slot of the item equal to key; of a missing one, SIZE_MAX. */
static size_t slot_of(const struct ptrset *set, uint64_t hash, const void *key) {
    if (!set->cap) return SIZE_MAX;
    size_t mask = set->cap - 1;
    for (size_t i = (size_t)hash & mask; set->slots[i]; i = (i + 1) & mask) {
        if (set->eq(set->slots[i], key)) return i;
    }
    return SIZE_MAX;
}

void *ptrset_find(const struct ptrset *set, uint64_t hash, const void *key) {
    size_t i = slot_of(set, hash, key);
    return i == SIZE_MAX ? NULL : set->slots[i];
}

static void place(struct ptrset *set, void *item) {
    size_t mask = set->cap - 1, i = (size_t)set->hash(item) & mask;
    while (set->slots[i]) i = (i + 1) & mask;
    set->slots[i] = item;
}

/* False without memory; the set is then as it was. */
static bool resize(struct ptrset *set, size_t cap) {
    void **slots = calloc(cap, sizeof *slots);
    if (!slots) return false;
    struct ptrset old = *set;
    set->slots = slots;
    set->cap = cap;
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i]) place(set, old.slots[i]);
    }
    free(old.slots);
    return true;
}

int ptrset_add(struct ptrset *set, void *item, struct err *err) {
    if ((set->count + 1) * 4 > set->cap * 3 && !resize(set, set->cap ? set->cap * 2 : FIRST_CAP)) {
        return err_set(err, ERR_NOMEM, "no memory for a set of %zu entries", set->count + 1);
    }
    place(set, item);
    set->count++;
    return 0;
}

/* Closes the gap at `hole`: whatever probed past it moves back, so that no later search stops short. */
static void close_gap(struct ptrset *set, size_t hole) {
    size_t mask = set->cap - 1;
    for (size_t i = (hole + 1) & mask; set->slots[i]; i = (i + 1) & mask) {
        size_t home = (size_t)set->hash(set->slots[i]) & mask;
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        set->slots[hole] = set->slots[i];
        hole = i;
    }
    set->slots[hole] = NULL;
}

void *ptrset_remove(struct ptrset *set, uint64_t hash, const void *key) {
    size_t i = slot_of(set, hash, key);
    if (i == SIZE_MAX) return NULL;
    void *item = set->slots[i];
    close_gap(set, i);
    set->count--;
    /* Memory follows the cluster down as well as up; the gap between 1/8 and 3/4 keeps a flapping size from resizing each time. */
    if (set->cap > FIRST_CAP && set->count * 8 < set->cap) (void)resize(set, set->cap / 2);
    return item;
}

void *ptrset_next(const struct ptrset *set, size_t *cursor) {
    while (*cursor < set->cap) {
        void *item = set->slots[(*cursor)++];
        if (item) return item;
    }
    return NULL;
}

void ptrset_free(struct ptrset *set) {
    free(set->slots);
    set->slots = NULL;
    set->cap = set->count = 0;
}
