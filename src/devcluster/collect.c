#include "devcluster/collect.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/metadata.h"
#include "devcluster/tree.h"

/* Whether a reference's owner is there: same kind, name and uid. */
static bool owner_lives(const struct dev_cluster *c, const cJSON *reference, const char *ns) {
    const struct dev_kind *kind = dev_kinds_by_name(&c->kinds, tree_text(reference, "apiVersion"), tree_text(reference, "kind"));
    if (!kind) return false;
    const struct dev_object *owner = dev_storage_get(kind->objects, kind->namespaced ? ns : "", tree_text(reference, "name"));
    return owner && strcmp(owner->uid, tree_text(reference, "uid")) == 0;
}

static void drop_reference(struct dev_cluster *c, const struct dev_owned *owned, cJSON *tree, const char *uid) {
    cJSON *references = tree_path(tree, "metadata.ownerReferences"), *reference, *next;
    for (reference = references ? references->child : NULL; reference; reference = next) {
        next = reference->next;
        if (strcmp(tree_text(reference, "uid"), uid) == 0) cJSON_Delete(cJSON_DetachItemViaPointer(references, reference));
    }
    if (cJSON_GetArraySize(references) == 0) tree_drop(tree_get(tree, "metadata"), "ownerReferences");
    dev_storage_put(&c->storage, owned->collection, tree);
}

/* Whether an owner other than `uid` is there. */
static bool has_other_owner(const struct dev_cluster *c, const cJSON *tree, const char *uid) {
    const cJSON *reference;
    cJSON_ArrayForEach(reference, tree_path(tree, "metadata.ownerReferences")) {
        if (strcmp(tree_text(reference, "uid"), uid) != 0 && owner_lives(c, reference, tree_text(tree, "metadata.namespace"))) return true;
    }
    return false;
}

/* The current state of a snapshot entry, NULL when it has gone meanwhile. */
static struct dev_object *current(const struct dev_owned *owned) {
    return dev_storage_get(owned->collection, owned->object->ns, owned->object->name);
}

static void collect_one(struct dev_cluster *c, const struct dev_owned *owned, const char *uid) {
    struct dev_object *object = current(owned);
    struct dev_kind *kind = dev_kind_of_collection(c, owned->collection);
    if (!object || !kind) return;
    cJSON *tree = dev_object_tree(object, kind);
    if (has_other_owner(c, tree, uid)) {
        drop_reference(c, owned, tree, uid);
        return;
    }
    cJSON_Delete(tree);
    dev_remove(c, kind, object, DEV_BACKGROUND);
}

void dev_collect_dependents(struct dev_cluster *c, const char *uid) {
    struct dev_owned *owned;
    size_t count = dev_owned_list(&c->storage.owners, uid, &owned);
    for (size_t i = 0; i < count; i++) collect_one(c, &owned[i], uid);
    dev_owned_free(owned, count);
}

void dev_collect_orphan(struct dev_cluster *c, const char *uid) {
    struct dev_owned *owned;
    size_t count = dev_owned_list(&c->storage.owners, uid, &owned);
    for (size_t i = 0; i < count; i++) {
        struct dev_object *object = current(&owned[i]);
        if (object) drop_reference(c, &owned[i], tree_parse((struct str){object->text, object->len}, NULL), uid);
    }
    dev_owned_free(owned, count);
}

/* An owner in foreground deletion goes once nothing names it any more. */
static void release_owner(struct dev_cluster *c, const cJSON *reference, const char *ns) {
    struct dev_kind *kind = dev_kinds_by_name(&c->kinds, tree_text(reference, "apiVersion"), tree_text(reference, "kind"));
    struct dev_object *owner = kind ? dev_storage_get(kind->objects, kind->namespaced ? ns : "", tree_text(reference, "name")) : NULL;
    struct dev_owned *owned;
    if (!owner || !owner->deleting) return;
    size_t count = dev_owned_list(&c->storage.owners, owner->uid, &owned);
    dev_owned_free(owned, count);
    cJSON *tree = dev_object_tree(owner, kind);
    if (count || !dev_meta_has_finalizer(tree, "foregroundDeletion")) {
        cJSON_Delete(tree);
        return;
    }
    dev_meta_drop_finalizer(tree, "foregroundDeletion");
    bool last = !tree_path(tree, "metadata.finalizers");
    struct dev_object *object = dev_storage_put(&c->storage, kind->objects, tree);
    if (last) dev_remove_now(c, kind, object);
}

static bool namespace_is_empty(struct dev_cluster *c, const char *ns) {
    for (size_t i = 0; i < c->kinds.count; i++) {
        struct dev_collection *objects = c->kinds.items[i]->objects;
        size_t count, at = dev_storage_after(objects, ns, "");
        struct dev_object **list = dev_storage_list(objects, &count);
        if (at < count && strcmp(list[at]->ns, ns) == 0) return false;
    }
    return true;
}

static void release_namespace(struct dev_cluster *c, const char *name) {
    struct dev_object *ns = dev_cluster_namespace(c, name);
    if (ns && ns->deleting && namespace_is_empty(c, name)) dev_remove_now(c, dev_kinds_by_name(&c->kinds, "v1", "Namespace"), ns);
}

void dev_collect_waiting(struct dev_cluster *c, const struct dev_object *gone) {
    const cJSON *reference;
    if (gone->owner_count) {
        cJSON *tree = tree_parse((struct str){gone->text, gone->len}, NULL);
        cJSON_ArrayForEach(reference, tree_path(tree, "metadata.ownerReferences")) release_owner(c, reference, gone->ns);
        cJSON_Delete(tree);
    }
    if (*gone->ns) release_namespace(c, gone->ns);
}

/* Deletes the objects of a collection, of one namespace or of all (NULL), from a snapshot. */
static void collect_all(struct dev_cluster *c, struct dev_kind *kind, const char *ns) {
    size_t count, n = 0, at = ns ? dev_storage_after(kind->objects, ns, "") : 0;
    struct dev_object **list = dev_storage_list(kind->objects, &count);
    struct dev_owned *doomed = dev_alloc((count + 1) * sizeof *doomed);
    for (; at < count && (!ns || strcmp(list[at]->ns, ns) == 0); at++)
        doomed[n++] = (struct dev_owned){kind->objects, dev_object_ref(list[at])};
    for (size_t i = 0; i < n; i++) {
        struct dev_object *object = current(&doomed[i]);
        if (object) dev_remove(c, kind, object, DEV_BACKGROUND);
    }
    dev_owned_free(doomed, n);
}

void dev_collect_namespace(struct dev_cluster *c, const char *ns) {
    for (size_t i = 0; i < c->kinds.count; i++)
        if (c->kinds.items[i]->namespaced) collect_all(c, c->kinds.items[i], ns);
}

void dev_collect_kind(struct dev_cluster *c, struct dev_kind *kind) { collect_all(c, kind, NULL); }
