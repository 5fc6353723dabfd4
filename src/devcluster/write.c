#include "devcluster/write.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/admission.h"
#include "devcluster/crd.h"
#include "devcluster/managed.h"
#include "devcluster/memory.h"
#include "devcluster/metadata.h"
#include "devcluster/remove.h"
#include "devcluster/reply.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

static bool of_status(const struct dev_write *w) { return strcmp(w->subresource, "status") == 0; }

/* Puts the state in, or makes an object that is not stored for a dry run; the reference is the caller's. */
static struct dev_object *store(const struct dev_write *w, cJSON *tree) {
    if (w->dry_run) return dev_object_new(tree, w->cluster->storage.version);
    struct dev_object *object = dev_object_ref(dev_storage_put(&w->cluster->storage, w->kind->objects, tree));
    if (dev_kind_is(w->kind, "apiextensions.k8s.io", "CustomResourceDefinition")) dev_crd_serve(w->cluster, object);
    return object;
}

static cJSON *check_namespace(const struct dev_write *w) {
    if (!w->kind->namespaced) return NULL;
    const struct dev_object *ns = dev_cluster_namespace(w->cluster, w->ns);
    struct dev_kind *kind = dev_kinds_by_name(&w->cluster->kinds, "v1", "Namespace");
    if (!ns) return dev_status_not_found(kind, w->ns);
    if (!ns->deleting) return NULL;
    return dev_status(403, "Forbidden", "unable to create new content in namespace %s because it is being terminated", w->ns);
}

/* The parts of a body that must agree with the path. */
static cJSON *check_identity(const struct dev_write *w, const cJSON *tree) {
    char *api_version = dev_kind_api_version(w->kind);
    const char *kind = tree_text(tree, "kind"), *version = tree_text(tree, "apiVersion");
    const char *ns = tree_text(tree, "metadata.namespace"), *name = tree_text(tree, "metadata.name");
    cJSON *refusal = NULL;
    if (*kind && strcmp(kind, w->kind->name) != 0)
        refusal = dev_status_bad_request("%s in version \"%s\" cannot be handled as a %s: no kind \"%s\" is registered for the resource",
                                         kind, version, w->kind->name, kind);
    else if (*version && strcmp(version, api_version) != 0)
        refusal =
            dev_status_bad_request("the API version in the data (%s) does not match the expected API version (%s)", version, api_version);
    else if (*ns && strcmp(ns, w->ns) != 0)
        refusal = dev_status_bad_request("the namespace of the provided object does not match the namespace sent on the request");
    else if (*w->name && *name && strcmp(name, w->name) != 0)
        refusal = dev_status_bad_request("the name of the object (%s) does not match the name on the URL (%s)", name, w->name);
    free(api_version);
    return refusal;
}

static cJSON *prepare_create(const struct dev_write *w, cJSON *tree) {
    cJSON *refusal = check_identity(w, tree);
    if (!refusal) refusal = check_namespace(w);
    if (refusal) return refusal;
    dev_meta_create(w->kind, tree);
    if (w->kind->namespaced) tree_set_text(tree_get(tree, "metadata"), "namespace", w->ns);
    if (dev_storage_get(w->kind->objects, w->ns, tree_text(tree, "metadata.name")))
        return dev_status_exists(w->kind, tree_text(tree, "metadata.name"));
    if (w->kind->has_status) tree_drop(tree, "status");
    return dev_admit(w->kind, tree, NULL, w->subresource);
}

cJSON *dev_write_create(const struct dev_write *w, cJSON *tree, struct dev_object **out) {
    cJSON *refusal = prepare_create(w, tree);
    if (refusal) {
        cJSON_Delete(tree);
        return refusal;
    }
    if (!w->applied) dev_managed_update(w->kind, tree, NULL, w->manager, w->subresource);
    *out = store(w, tree);
    return NULL;
}

/* What the subresource does not change is as it was. */
static void keep_other_parts(const struct dev_write *w, cJSON *tree, const cJSON *before) {
    if (!w->kind->has_status) return;
    cJSON *status = tree_copy(tree_get(of_status(w) ? tree : before, "status"));
    if (of_status(w)) {
        cJSON *books = tree_copy(tree_path(tree, "metadata.managedFields"));
        tree_become(tree, tree_copy(before));
        if (books) tree_set(tree_get(tree, "metadata"), "managedFields", books);
    }
    if (status)
        tree_set(tree, "status", status);
    else
        tree_drop(tree, "status");
}

static cJSON *check_preconditions(const struct dev_write *w, const struct dev_object *old, const cJSON *tree) {
    const char *version = tree_text(tree, "metadata.resourceVersion"), *uid = tree_text(tree, "metadata.uid");
    if (*version && strtoull(version, NULL, 10) != old->version) return dev_status_modified(w->kind, old->name);
    if (*uid == '\0' || strcmp(uid, old->uid) == 0) return NULL;
    char *why =
        dev_format("StorageError: invalid object, Code: 4, Key: %s/%s, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
                   "precondition: %s, UID in object meta: %s",
                   old->ns, old->name, uid, old->uid);
    cJSON *refusal = dev_status_conflict(w->kind, old->name, why);
    free(why);
    return refusal;
}

static cJSON *prepare_update(const struct dev_write *w, struct dev_object *old, cJSON *tree, const cJSON *before) {
    cJSON *refusal = check_identity(w, tree);
    if (!refusal) refusal = check_preconditions(w, old, tree);
    if (refusal) return refusal;
    dev_meta_keep(tree, before);
    keep_other_parts(w, tree, before);
    return dev_admit(w->kind, tree, before, w->subresource);
}

static bool ready_to_vanish(const cJSON *tree) {
    const cJSON *meta = tree_get(tree, "metadata");
    return tree_get(meta, "deletionTimestamp") && cJSON_GetArraySize(tree_get(meta, "finalizers")) == 0;
}

/* Stores a state that differs; an object that only waited for its finalizers goes with the last of them. */
static struct dev_object *commit(const struct dev_write *w, cJSON *tree) {
    bool vanish = ready_to_vanish(tree) && !dev_kind_is(w->kind, "", "Namespace");
    struct dev_object *object = store(w, tree);
    if (vanish && !w->dry_run) dev_remove_now(w->cluster, w->kind, object);
    return object;
}

cJSON *dev_write_update(const struct dev_write *w, struct dev_object *old, cJSON *tree, struct dev_object **out) {
    cJSON *before = dev_object_tree(old, w->kind);
    cJSON *refusal = prepare_update(w, old, tree, before);
    bool same = !refusal && dev_meta_same(tree, before) && (w->applied || !dev_managed_edited(tree, before));
    if (!refusal && !w->applied && !same) dev_managed_update(w->kind, tree, before, w->manager, w->subresource);
    if (same && (!w->applied || tree_equal(tree_path(tree, "metadata.managedFields"), tree_path(before, "metadata.managedFields")))) {
        *out = dev_object_ref(old);
        cJSON_Delete(tree);
    } else if (refusal) {
        cJSON_Delete(tree);
    } else {
        dev_meta_generation(w->kind, tree, before);
        *out = commit(w, tree);
    }
    cJSON_Delete(before);
    return refusal;
}

struct dev_write dev_write_of(const struct dev_request *r, const char *manager) {
    return (struct dev_write){.cluster = r->cluster,
                              .kind = r->kind,
                              .ns = r->ns,
                              .name = r->name,
                              .subresource = r->subresource,
                              .manager = manager,
                              .dry_run = r->dry_run};
}

static cJSON *need_body(const struct dev_request *r, cJSON **tree) {
    cJSON *refusal = dev_request_body(r, tree);
    if (refusal || cJSON_IsObject(*tree)) return refusal;
    cJSON_Delete(*tree);
    return dev_status_bad_request("the body of the request must be an object of kind %s", r->kind->name);
}

cJSON *dev_write_post(const struct dev_request *r) {
    cJSON *tree;
    struct dev_object *object = NULL;
    if (*r->subresource) return dev_status_no_resource();
    if (r->kind->namespaced && !*r->ns) return dev_status_bad_request("an empty namespace may not be set during creation");
    cJSON *refusal = need_body(r, &tree);
    if (refusal) return refusal;
    char *manager = dev_request_manager(r);
    struct dev_write w = dev_write_of(r, manager);
    refusal = dev_write_create(&w, tree, &object);
    if (!refusal) dev_reply_object(r, 201, object);
    dev_object_unref(object);
    free(manager);
    return refusal;
}

static cJSON *need_version(const struct dev_request *r, const cJSON *tree) {
    if (!r->kind->custom || *tree_text(tree, "metadata.resourceVersion")) return NULL;
    cJSON *causes = cJSON_CreateArray();
    dev_cause_add(causes, "FieldValueInvalid", "metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update");
    return dev_status_invalid(r->kind, r->name, causes);
}

cJSON *dev_write_answer(const struct dev_request *r, struct dev_object *old, cJSON *tree) {
    struct dev_object *object = NULL;
    char *manager = dev_request_manager(r);
    struct dev_write w = dev_write_of(r, manager);
    cJSON *refusal = dev_write_update(&w, old, tree, &object);
    if (!refusal) dev_reply_object(r, 200, object);
    dev_object_unref(object);
    free(manager);
    return refusal;
}

cJSON *dev_write_put(const struct dev_request *r) {
    cJSON *tree;
    struct dev_object *old = dev_storage_get(r->kind->objects, r->ns, r->name);
    cJSON *refusal = need_body(r, &tree);
    if (refusal) return refusal;
    refusal = old ? need_version(r, tree) : dev_status_not_found(r->kind, r->name);
    if (refusal) {
        cJSON_Delete(tree);
        return refusal;
    }
    return dev_write_answer(r, old, tree);
}
