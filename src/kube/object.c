#include "kube/object.h"

#include <sys/random.h>

#include "doc/key.h"

/* Names are looked up so often (each comparison of a sort) that their ids are kept. */
static struct { uint32_t metadata, namespace_, name; } ids;

static struct doc_value field(struct doc_value v, uint32_t *id, struct str name) {
    if (*id == KEY_NONE) *id = key_intern(name);
    return *id == KEY_NONE ? doc_get(v, name) : doc_get_id(v, *id);
}

struct doc_value object_metadata(const struct doc *object) {
    return field(doc_root(object), &ids.metadata, STR("metadata"));
}

struct object_key object_key(const struct doc *object) {
    struct doc_value metadata = object_metadata(object);
    return (struct object_key){doc_str(field(metadata, &ids.namespace_, STR("namespace"))),
                               doc_str(field(metadata, &ids.name, STR("name")))};
}

/* Whoever may create objects chooses their names: the seed keeps them from choosing names that collide. */
uint64_t object_key_hash(struct object_key key) {
    static uint64_t seed;
    if (!seed && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = 1;
    return str_hash(key.name, str_hash(key.ns, seed));
}

bool object_key_eq(struct object_key a, struct object_key b) { return str_eq(a.name, b.name) && str_eq(a.ns, b.ns); }

int object_key_cmp(struct object_key a, struct object_key b) {
    int by_ns = str_cmp(a.ns, b.ns);
    return by_ns ? by_ns : str_cmp(a.name, b.name);
}
