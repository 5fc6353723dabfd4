#include "doc/key.h"

#include <stdlib.h>
#include <sys/random.h>

enum {
    MAX_KEYS = 65536,
    MAX_KEY_BYTES = 512, /* qualified names have at most 317 (Kubernetes: "Labels and Selectors") */
    MAX_TEXT_BYTES = 4 * 1024 * 1024,
    CHUNK_BYTES = 16 * 1024,
    FIRST_SLOTS = 1024,
    RECENT_BITS = 9,
    RECENT = 1 << RECENT_BITS,
    RECENT_MAX_BYTES = 24,
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

/*
 * The names of the last look-ups, found or not: documents of one kind ask for the same few hundred again and again. Up to 24 bytes,
 * which is nearly all field names, a name is its first, its second and its last eight bytes and its length, so that no text is compared.
 */
static struct recent {
    uint64_t head, middle, tail; /* middle 0: up to 16 bytes, the other two have it all */
    uint32_t n;                  /* 0: nothing noted here */
    uint32_t id;
} recent[RECENT];

static inline uint32_t load_u32(const char *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load(const char *p, size_t n) {
    uint64_t v = 0;
    if (n == 8)
        memcpy(&v, p, 8);
    else if (n >= 4)
        v = (uint64_t)load_u32(p) << 32 | load_u32(p + n - 4);
    else
        v = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
    return v;
}

/* The name as an entry would hold it, and the place where it would be. */
static inline struct recent *place_of(struct str text, struct recent *name) {
    size_t n = text.n < 8 ? text.n : 8;
    *name = (struct recent){.head = load(text.p, n), .tail = load(text.p + text.n - n, n), .n = (uint32_t)text.n};
    if (text.n > 16) name->middle = load(text.p + 8, 8);
    uint64_t mixed = (name->head + (name->middle + name->tail) * 31 + text.n) * 0x9e3779b97f4a7c15u;
    return &recent[mixed >> (64 - RECENT_BITS)];
}

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

/* Values that every object of a cluster repeats: conditions, phases, kinds. A document that has one of them needs no copy, see builder.c.
 */
static const char *const COMMON_VALUES[] = {
    "True",        "False",      "Unknown",     "Running",      "Pending",         "Succeeded",
    "Failed",      "Ready",      "Initialized", "PodScheduled", "ContainersReady", "Available",
    "Progressing", "ReplicaSet", "Deployment",  "StatefulSet",  "DaemonSet",       "Job",
    "Node",        "Pod",        "Service",     "Warning",      "Normal",          "Always",
    "OnFailure",   "Never",      "Bound",       "Completed",    "Error",
};

static uint32_t look_up(struct str text, bool make);

static void intern_common_values(void) {
    for (size_t i = 0; i < sizeof COMMON_VALUES / sizeof *COMMON_VALUES; i++) look_up(str_of(COMMON_VALUES[i]), true);
}

static bool start(void) {
    if (getrandom(&keys.seed, sizeof keys.seed, GRND_NONBLOCK) < 0) keys.seed = (uint64_t)(uintptr_t)&keys ^ 0x9e3779b97f4a7c15u;
    if (!grow_slots()) return false;
    keys.texts[0] = (struct str){"", 0};
    keys.count = 1;
    intern_common_values();
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

static uint32_t look_up(struct str text, bool make) {
    if (!keys.slots && (!make || !start())) return KEY_NONE;
    uint64_t hash = hash_of(text);
    uint32_t id = probe(hash, text)->id;
    return id == KEY_NONE && make ? add(hash, text) : id;
}

static inline uint32_t find(struct str text, bool make) {
    if (!text.n || text.n > RECENT_MAX_BYTES) return look_up(text, make);
    struct recent name, *noted = place_of(text, &name);
    bool same = noted->n == name.n && noted->head == name.head && noted->middle == name.middle && noted->tail == name.tail;
    if (same && (noted->id != KEY_NONE || !make)) return noted->id;
    name.id = look_up(text, make);
    *noted = name;
    return name.id;
}

uint32_t key_intern(struct str text) { return find(text, true); }

uint32_t key_find(struct str text) { return find(text, false); }

struct str key_text(uint32_t id) {
    return id < keys.count ? keys.texts[id] : (struct str){"", 0};
}
