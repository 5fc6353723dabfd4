#include "devcluster/remove.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/collect.h"
#include "devcluster/crd.h"
#include "devcluster/memory.h"
#include "devcluster/metadata.h"
#include "devcluster/reply.h"
#include "devcluster/selector.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

struct dev_kind *dev_kind_of_collection(const struct dev_cluster *c, const struct dev_collection *collection) {
    for (size_t i = 0; i < c->kinds.count; i++)
        if (c->kinds.items[i]->objects == collection) return c->kinds.items[i];
    return NULL;
}

void dev_remove_now(struct dev_cluster *c, struct dev_kind *kind, struct dev_object *object) {
    bool defines_kinds = dev_kind_is(kind, "apiextensions.k8s.io", "CustomResourceDefinition");
    dev_object_ref(object);
    if (defines_kinds) dev_crd_withdraw(c, object);
    dev_storage_remove(&c->storage, kind->objects, object->ns, object->name);
    dev_collect_dependents(c, object->uid);
    dev_collect_waiting(c, object);
    dev_object_unref(object);
}

/* Marks once; a second delete of the same object changes nothing. */
static struct dev_object *mark(struct dev_cluster *c, struct dev_kind *kind, struct dev_object *object, cJSON *tree) {
    bool namespace = dev_kind_is(kind, "", "Namespace");
    if (!object->deleting) dev_meta_mark_deleted(tree);
    if (namespace) tree_set_text(tree_make(tree, "status"), "phase", "Terminating");
    return dev_storage_put(&c->storage, kind->objects, tree);
}

static void remove_namespace(struct dev_cluster *c, struct dev_kind *kind, struct dev_object *object) {
    char *name = dev_copy_text(object->name);
    if (!object->deleting) mark(c, kind, object, dev_object_tree(object, kind));
    dev_collect_namespace(c, name);
    struct dev_object *still = dev_storage_get(kind->objects, "", name);
    if (still) dev_collect_waiting(c, &(struct dev_object){.ns = name});
    free(name);
}

static bool has_dependents(const struct dev_cluster *c, const struct dev_object *object) {
    struct dev_owned *owned;
    size_t count = dev_owned_list(&c->storage.owners, object->uid, &owned);
    dev_owned_free(owned, count);
    return count > 0;
}

void dev_remove(struct dev_cluster *c, struct dev_kind *kind, struct dev_object *object, enum dev_propagation propagation) {
    if (dev_kind_is(kind, "", "Namespace")) {
        remove_namespace(c, kind, object);
        return;
    }
    if (propagation == DEV_ORPHAN) dev_collect_orphan(c, object->uid);
    cJSON *tree = dev_object_tree(object, kind);
    bool foreground = propagation == DEV_FOREGROUND && has_dependents(c, object);
    if (foreground) dev_meta_add_finalizer(tree, "foregroundDeletion");
    if (!tree_path(tree, "metadata.finalizers")) {
        cJSON_Delete(tree);
        dev_remove_now(c, kind, object);
    } else if (!object->deleting || foreground) {
        char *uid = dev_copy_text(object->uid);
        mark(c, kind, object, tree);
        if (foreground) dev_collect_dependents(c, uid);
        free(uid);
    } else {
        cJSON_Delete(tree);
    }
}

/* Delete options come in the body, and some of them as parameters. */
struct options {
    cJSON *tree; /* may be NULL */
    enum dev_propagation propagation;
    bool dry_run;
};

static cJSON *read_options(const struct dev_request *r, struct options *o) {
    *o = (struct options){0};
    cJSON *refusal = dev_request_body(r, &o->tree);
    char *policy = dev_request_text(r, "propagationPolicy");
    const char *name = *policy ? policy : tree_text(o->tree, "propagationPolicy");
    bool orphan = dev_request_flag(r, "orphanDependents") || tree_true(o->tree, "orphanDependents");
    if (strcmp(name, "Foreground") == 0) o->propagation = DEV_FOREGROUND;
    if (strcmp(name, "Orphan") == 0 || orphan) o->propagation = DEV_ORPHAN;
    o->dry_run = r->dry_run || cJSON_GetArraySize(tree_get(o->tree, "dryRun")) > 0;
    free(policy);
    return refusal;
}

static cJSON *check_preconditions(const struct dev_request *r, const struct options *o, const struct dev_object *object) {
    const char *uid = tree_text(o->tree, "preconditions.uid"), *version = tree_text(o->tree, "preconditions.resourceVersion");
    char *why = NULL;
    if (*uid && strcmp(uid, object->uid) != 0)
        why = dev_format("Precondition failed: UID in precondition: %s, UID in object meta: %s", uid, object->uid);
    else if (*version && strtoull(version, NULL, 10) != object->version)
        why = dev_format("Precondition failed: ResourceVersion in precondition: %s, ResourceVersion in object meta: %llu", version,
                         (unsigned long long)object->version);
    cJSON *refusal = why ? dev_status_conflict(r->kind, object->name, why) : NULL;
    free(why);
    return refusal;
}

/* A Status when the object has gone, the object when it waits for finalizers. */
static void reply_removed(const struct dev_request *r, const struct dev_object *was) {
    const struct dev_object *still = dev_storage_get(r->kind->objects, was->ns, was->name);
    if (still && strcmp(still->uid, was->uid) == 0 && still->deleting)
        dev_reply_object(r, 200, still);
    else
        dev_reply_status(r->x, dev_status_success(r->kind, was->name, was->uid));
}

/* The real server's namespace lifecycle admission keeps these. */
static cJSON *check_kept(const struct dev_request *r) {
    static const char *const KEPT[] = {"default", "kube-system", "kube-public"};
    for (size_t i = 0; dev_kind_is(r->kind, "", "Namespace") && i < sizeof KEPT / sizeof *KEPT; i++)
        if (strcmp(KEPT[i], r->name) == 0)
            return dev_status(403, "Forbidden", "namespaces \"%s\" is forbidden: this namespace may not be deleted", r->name);
    return NULL;
}

static cJSON *remove_checked(const struct dev_request *r, const struct options *o) {
    struct dev_object *object = dev_storage_get(r->kind->objects, r->ns, r->name);
    if (!object) return dev_status_not_found(r->kind, r->name);
    cJSON *refusal = check_kept(r);
    if (!refusal) refusal = check_preconditions(r, o, object);
    if (refusal) return refusal;
    dev_object_ref(object);
    if (!o->dry_run) dev_remove(r->cluster, r->kind, object, o->propagation);
    reply_removed(r, object);
    dev_object_unref(object);
    return NULL;
}

cJSON *dev_remove_one(const struct dev_request *r) {
    struct options o;
    if (*r->subresource) return dev_status_no_resource();
    cJSON *refusal = read_options(r, &o);
    if (!refusal) refusal = remove_checked(r, &o);
    cJSON_Delete(o.tree);
    return refusal;
}

/* The objects that a deletecollection selects, with references. */
static size_t select_doomed(const struct dev_request *r, const struct dev_selector *selector, struct dev_object ***out) {
    size_t count, n = 0;
    struct dev_object **list = dev_storage_list(r->kind->objects, &count);
    *out = dev_alloc((count + 1) * sizeof(struct dev_object *));
    for (size_t i = 0; i < count; i++) {
        bool here = !*r->ns || strcmp(list[i]->ns, r->ns) == 0;
        if (here && dev_selector_matches(selector, list[i])) (*out)[n++] = dev_object_ref(list[i]);
    }
    return n;
}

static void remove_selected(const struct dev_request *r, const struct options *o, const struct dev_selector *selector) {
    struct dev_object **doomed;
    size_t count = select_doomed(r, selector, &doomed);
    struct dev_shape shape = dev_shape_of(r);
    struct buf text = dev_text_new();
    dev_write_list_begin(&shape, r->cluster->storage.version, NULL, 0, &text);
    for (size_t i = 0; i < count; i++) {
        struct dev_object *object = dev_storage_get(r->kind->objects, doomed[i]->ns, doomed[i]->name);
        dev_write_list_item(&shape, doomed[i], i == 0, &text);
        if (object && !o->dry_run) dev_remove(r->cluster, r->kind, object, o->propagation);
        dev_object_unref(doomed[i]);
    }
    dev_write_list_end(&text);
    free(doomed);
    dev_reply_text(r->x, 200, "application/json", &text);
}

cJSON *dev_remove_collection(const struct dev_request *r) {
    struct options o;
    struct dev_selector selector = {0};
    if (dev_kind_is(r->kind, "", "Namespace")) return dev_status_method(); /* as in the real API */
    cJSON *refusal = read_options(r, &o);
    if (!refusal) refusal = dev_selector_parse(&selector, http_query(r->x, "labelSelector"), http_query(r->x, "fieldSelector"));
    if (!refusal) remove_selected(r, &o, &selector);
    dev_selector_free(&selector);
    cJSON_Delete(o.tree);
    return refusal;
}
