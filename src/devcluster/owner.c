#include "devcluster/owner.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "devcluster/memory.h"

struct dev_owner {
    char *uid;
    struct dev_owned *owned;
    size_t count;
    UT_hash_handle hh;
};

static struct dev_owner *find(struct dev_owner *index, const char *uid) {
    struct dev_owner *owner = NULL;
    HASH_FIND_STR(index, uid, owner);
    return owner;
}

static struct dev_owner *find_or_add(struct dev_owner **index, const char *uid) {
    struct dev_owner *owner = find(*index, uid);
    if (owner) return owner;
    owner = dev_alloc(sizeof *owner);
    owner->uid = dev_copy_text(uid);
    HASH_ADD_KEYPTR(hh, *index, owner->uid, strlen(owner->uid), owner);
    return owner;
}

static void discard(struct dev_owner **index, struct dev_owner *owner) {
    HASH_DEL(*index, owner);
    free(owner->owned);
    free(owner->uid);
    free(owner);
}

void dev_owners_add(struct dev_owner **index, struct dev_collection *collection, struct dev_object *object) {
    for (size_t i = 0; i < object->owner_count; i++) {
        struct dev_owner *owner = find_or_add(index, object->owners[i]);
        owner->owned = dev_resize(owner->owned, (owner->count + 1) * sizeof *owner->owned);
        owner->owned[owner->count++] = (struct dev_owned){collection, object};
    }
}

static void forget(struct dev_owner *owner, const struct dev_object *object) {
    for (size_t i = 0; i < owner->count; i++) {
        if (owner->owned[i].object != object) continue;
        owner->owned[i] = owner->owned[--owner->count];
        return;
    }
}

void dev_owners_drop(struct dev_owner **index, const struct dev_object *object) {
    for (size_t i = 0; i < object->owner_count; i++) {
        struct dev_owner *owner = find(*index, object->owners[i]);
        if (!owner) continue;
        forget(owner, object);
        if (owner->count == 0) discard(index, owner);
    }
}

void dev_owners_free(struct dev_owner **index) {
    struct dev_owner *owner, *tmp;
    HASH_ITER(hh, *index, owner, tmp) discard(index, owner);
}

size_t dev_owned_list(struct dev_owner *const *index, const char *uid, struct dev_owned **out) {
    const struct dev_owner *owner = find(*index, uid);
    *out = NULL;
    if (!owner) return 0;
    *out = dev_alloc(owner->count * sizeof **out);
    for (size_t i = 0; i < owner->count; i++)
        (*out)[i] = (struct dev_owned){owner->owned[i].collection, dev_object_ref(owner->owned[i].object)};
    return owner->count;
}

void dev_owned_free(struct dev_owned *owned, size_t count) {
    for (size_t i = 0; i < count; i++) dev_object_unref(owned[i].object);
    free(owned);
}
