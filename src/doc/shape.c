#include "doc/shape.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"

enum {
    MAX_SHAPES = 1 << 14,
    MAX_NAMES = 48, /* of an object; more have but maps of people's own making */
    MAX_ALL_NAMES = 1 << 17,
    FIRST_SLOTS = 1024,
};

static const struct shape EMPTY;
static const struct shape *first[] = {&EMPTY};

/* Before the first document there is the shape of no names. */
struct shapes shapes = {first, 1};

static struct {
    uint32_t *slots;     /* ids; 0: free */
    uint32_t slot_count; /* a power of two, or 0 */
    size_t names;
    uint64_t seed; /* names come from outside: nobody shall be able to choose ones that collide */
} table;

static uint64_t hash_of(const uint32_t *names, size_t count) {
    return str_hash((struct str){(const char *)names, count * sizeof *names}, table.seed);
}

/* The slot of these names, or the free one where they belong. */
static uint32_t *probe(const uint32_t *names, size_t count) {
    uint32_t mask = table.slot_count - 1;
    for (uint32_t i = (uint32_t)hash_of(names, count) & mask;; i = (i + 1) & mask) {
        const struct shape *s = shape_at(table.slots[i]);
        if (!table.slots[i] || (s->count == count && memcmp(s->names, names, count * sizeof *names) == 0)) return &table.slots[i];
    }
}

static bool grow(void) {
    uint32_t count = table.slot_count ? table.slot_count * 2 : FIRST_SLOTS;
    uint32_t *slots = calloc(count, sizeof *slots);
    const struct shape **at = slots ? reallocarray(table.slots ? shapes.at : NULL, count / 2, sizeof *at) : NULL;
    if (!at) {
        free(slots);
        return false;
    }
    if (!table.slots) at[0] = &EMPTY;
    free(table.slots);
    shapes.at = at;
    table.slots = slots;
    table.slot_count = count;
    for (uint32_t id = 1; id < shapes.count; id++) *probe(at[id]->names, at[id]->count) = id;
    return true;
}

static bool start(void) {
    if (getrandom(&table.seed, sizeof table.seed, GRND_NONBLOCK) < 0) table.seed = (uint64_t)(uintptr_t)&table;
    return grow();
}

static uint32_t add(const uint32_t *names, size_t count) {
    if (shapes.count >= MAX_SHAPES || table.names + count > MAX_ALL_NAMES) return SHAPE_NONE;
    if (shapes.count >= table.slot_count / 2 && !grow()) return SHAPE_NONE;
    struct shape *s = malloc(sizeof *s + count * sizeof *names);
    if (!s) return SHAPE_NONE;
    s->count = (uint32_t)count;
    memcpy(s->names, names, count * sizeof *names);
    *probe(names, count) = shapes.count;
    shapes.at[shapes.count] = s;
    table.names += count;
    return shapes.count++;
}

uint32_t shape_of_pairs(const uint32_t *pairs, size_t count) {
    uint32_t names[MAX_NAMES];
    if (count > MAX_NAMES || (!table.slots && !start())) return SHAPE_NONE;
    for (size_t i = 0; i < count; i++) names[i] = pairs[2 * i];
    uint32_t id = *probe(names, count);
    return id ? id : add(names, count);
}
