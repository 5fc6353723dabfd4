#include "doc/key.h"

#include <stdlib.h>
#include <sys/random.h>

enum {
    MAX_KEYS = 65536,
    MAX_KEY_BYTES = 512, /* qualified names have at most 317 (Kubernetes: "Labels and Selectors") */
    MAX_TEXT_BYTES = 4 * 1024 * 1024,
    CHUNK_BYTES = 16 * 1024,
    FIRST_SLOTS = 1024,
};

/* A slot holds the upper half of the hash beside the id: a look-up that fails rarely reads a text. */
struct slot {
    uint32_t check;
    uint32_t id; /* KEY_NONE: free */
};

static struct {
    struct str *texts; /* by id; texts[0] is empty */
    uint32_t count;    /* ids given out, and 1 */
    struct slot *slots;
    uint32_t slot_count; /* a power of two, or 0 */
    char *chunk;         /* where the next text goes; chunks stay for the life of the process */
    size_t chunk_left;
    size_t text_bytes;
    uint64_t seed; /* names come from outside: nobody shall be able to choose ones that collide */
} keys;

static inline uint64_t hash_of(struct str text) { return str_hash(text, keys.seed); }

/* The slot of this text, or the free one where it belongs. */
static struct slot *probe(uint64_t hash, struct str text) {
    uint32_t mask = keys.slot_count - 1, check = (uint32_t)(hash >> 32);
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        struct slot *s = &keys.slots[i];
        if (s->id == KEY_NONE || (s->check == check && str_eq(keys.texts[s->id], text))) return s;
    }
}

static bool grow_slots(void) {
    uint32_t count = keys.slot_count ? keys.slot_count * 2 : FIRST_SLOTS;
    struct slot *slots = calloc(count, sizeof *slots);
    struct str *texts = realloc(keys.texts, (count / 2 + 1) * sizeof *texts);
    if (texts) keys.texts = texts;
    if (!slots || !texts) {
        free(slots);
        return false;
    }
    free(keys.slots);
    keys.slots = slots;
    keys.slot_count = count;
    for (uint32_t id = 1; id < keys.count; id++) {
        uint64_t hash = hash_of(keys.texts[id]);
        *probe(hash, keys.texts[id]) = (struct slot){(uint32_t)(hash >> 32), id};
    }
    return true;
}

static bool start(void) {
    if (getrandom(&keys.seed, sizeof keys.seed, GRND_NONBLOCK) < 0) keys.seed = (uint64_t)(uintptr_t)&keys ^ 0x9e3779b97f4a7c15u;
    if (!grow_slots()) return false;
    keys.texts[0] = (struct str){"", 0};
    keys.count = 1;
    return true;
}

/* A copy for good, or NULL without room. */
static const char *store(struct str text) {
    if (keys.chunk_left < text.n + 1) {
        char *chunk = malloc(CHUNK_BYTES);
        if (!chunk) return NULL;
        keys.chunk = chunk;
        keys.chunk_left = CHUNK_BYTES;
    }
    char *copy = keys.chunk;
    if (text.n) memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    keys.chunk += text.n + 1;
    keys.chunk_left -= text.n + 1;
    keys.text_bytes += text.n + 1;
    return copy;
}

static uint32_t add(uint64_t hash, struct str text) {
    if (keys.count >= MAX_KEYS || text.n > MAX_KEY_BYTES || keys.text_bytes + text.n >= MAX_TEXT_BYTES) return KEY_NONE;
    if (keys.count >= keys.slot_count / 2 && !grow_slots()) return KEY_NONE;
    const char *copy = store(text);
    if (!copy) return KEY_NONE;
    *probe(hash, text) = (struct slot){(uint32_t)(hash >> 32), keys.count};
    keys.texts[keys.count] = (struct str){copy, text.n};
    return keys.count++;
}

uint32_t key_intern(struct str text) {
    if (!keys.slots && !start()) return KEY_NONE;
    uint64_t hash = hash_of(text);
    struct slot *s = probe(hash, text);
    return s->id != KEY_NONE ? s->id : add(hash, text);
}

uint32_t key_find(struct str text) { return keys.slots ? probe(hash_of(text), text)->id : (uint32_t)KEY_NONE; }

struct str key_text(uint32_t id) {
    return id < keys.count ? keys.texts[id] : (struct str){"", 0};
}
