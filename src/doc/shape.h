/*
 * shape: the process-wide table of the sequences of names that objects have. For the files of this folder only.
 *
 * A cluster's objects have the same few thousand sequences over and over ("type, status, lastTransitionTime"): a document holds the number
 * of one, and beside it only values, which is nearly half of what it would be with its names. The table only grows and is bounded:
 * past its limit, and where an object has a great many names, documents keep pairs. The main thread only.
 */
#ifndef DOC_SHAPE_H
#define DOC_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#define SHAPE_NONE UINT32_MAX

struct shape {
    uint32_t count;
    uint32_t names[]; /* key words, see layout.h */
};

/* By id; at[0] is the shape of no names. */
extern struct shapes {
    const struct shape **at;
    uint32_t count;
} shapes;

/* The id of the names of these pairs (key word, value word), made if need be; SHAPE_NONE where there is no room. At least one pair. */
uint32_t shape_of_pairs(const uint32_t *pairs, size_t count);

static inline const struct shape *shape_at(uint32_t id) { return shapes.at[id]; }

#endif
