#include "devcluster/patch.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/apply.h"
#include "devcluster/memory.h"
#include "devcluster/reply.h"
#include "devcluster/schema.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"
#include "devcluster/write.h"

static bool is_type(const struct dev_request *r, const char *type) {
    struct str given = http_header(r->x, "Content-Type"), head, rest;
    str_cut(given, ';', &head, &rest);
    return str_is(head, type);
}

cJSON *dev_patch_tree(const struct dev_request *r, cJSON *target, const cJSON *patch) {
    if (is_type(r, "application/json-patch+json")) return dev_patch_json(target, patch);
    if (!cJSON_IsObject(patch)) return dev_status_bad_request("error decoding patch: the patch is not an object");
    if (is_type(r, "application/merge-patch+json"))
        dev_patch_merge(target, patch);
    else if (is_type(r, "application/strategic-merge-patch+json") && !r->kind->custom)
        dev_patch_strategic(r->kind, target, patch);
    else
        return dev_status_media_type(r->kind);
    return NULL;
}

static cJSON *patch_plain(const struct dev_request *r, const cJSON *patch) {
    struct dev_object *old = dev_storage_get(r->kind->objects, r->ns, r->name);
    if (!old) return dev_status_not_found(r->kind, r->name);
    cJSON *tree = dev_object_tree(old, r->kind), *refusal = dev_patch_tree(r, tree, patch);
    if (refusal) {
        cJSON_Delete(tree);
        return refusal;
    }
    return dev_write_answer(r, old, tree);
}

static cJSON *check_apply(const struct dev_request *r, const cJSON *wanted) {
    if (http_query(r->x, "fieldManager").n == 0) {
        cJSON *causes = cJSON_CreateArray();
        struct dev_kind options = {.group = (char[]){"meta.k8s.io"}, .name = (char[]){"PatchOptions"}, .plural = (char[]){"PatchOptions"}};
        dev_cause_add(causes, "FieldValueRequired", "fieldManager", "Required value: is required for apply patch");
        return dev_status_invalid(&options, "", causes);
    }
    if (!cJSON_IsObject(wanted) || !*tree_text(wanted, "apiVersion") || !*tree_text(wanted, "kind"))
        return dev_status_bad_request("invalid object type: apiVersion and kind must be set in an apply patch");
    if (cJSON_GetArraySize(tree_path(wanted, "metadata.managedFields")))
        return dev_status_bad_request("metadata.managedFields must be nil");
    return NULL;
}

/* What a CRD does not declare is pruned in silence from every other write; an apply is refused for it. */
static cJSON *check_fields(const struct dev_request *r, cJSON *wanted) {
    struct buf paths = dev_text_new(), lines = dev_text_new();
    if (r->kind->schema) dev_schema_prune(r->kind->schema, wanted, &paths);
    struct str left = {paths.data, paths.len}, path;
    bool several = left.n && memchr(left.p, '\n', left.n);
    if (several) dev_text_add(&lines, "errors:");
    while (left.n) {
        str_cut(left, '\n', &path, &left);
        dev_text_addf(&lines, "%s" STR_FMT ": field not declared in schema", several ? "\n  " : "", STR_ARG(path));
    }
    cJSON *refusal = NULL;
    if (lines.len)
        refusal =
            dev_status(500, NULL, "failed to create typed patch object (%s/%s; %s, Kind=%s): %s", tree_text(wanted, "metadata.namespace"),
                       tree_text(wanted, "metadata.name"), tree_text(wanted, "apiVersion"), tree_text(wanted, "kind"), lines.data);
    buf_free(&paths);
    buf_free(&lines);
    return refusal;
}

/* What a client cannot apply through this path is not part of what it wants. */
static void reduce(const struct dev_request *r, cJSON *wanted) {
    bool status = strcmp(r->subresource, "status") == 0;
    if (!status && r->kind->has_status) tree_drop(wanted, "status");
    tree_drop(tree_make(wanted, "metadata"), "managedFields");
    for (cJSON *member = status ? wanted->child : NULL, *next; member; member = next) {
        next = member->next;
        static const char *const KEPT[] = {"apiVersion", "kind", "metadata", "status"};
        bool kept = false;
        for (size_t i = 0; i < 4; i++) kept = kept || strcmp(member->string, KEPT[i]) == 0;
        if (!kept) cJSON_Delete(cJSON_DetachItemViaPointer(wanted, member));
    }
    if (!status) return;
    char *version = dev_copy_text(tree_text(wanted, "metadata.resourceVersion")), *name = dev_copy_text(tree_text(wanted, "metadata.name"));
    tree_set(wanted, "metadata", cJSON_CreateObject());
    tree_set_text(tree_get(wanted, "metadata"), "name", *name ? name : r->name);
    if (*version) tree_set_text(tree_get(wanted, "metadata"), "resourceVersion", version);
    free(version);
    free(name);
}

static cJSON *store_applied(const struct dev_request *r, struct dev_object *old, cJSON *tree, const char *manager) {
    struct dev_object *object = NULL;
    struct dev_write w = dev_write_of(r, manager);
    w.applied = true;
    cJSON *refusal = old ? dev_write_update(&w, old, tree, &object) : dev_write_create(&w, tree, &object);
    if (!refusal) dev_reply_object(r, old ? 200 : 201, object);
    dev_object_unref(object);
    return refusal;
}

static cJSON *patch_apply(const struct dev_request *r, cJSON *wanted) {
    struct dev_object *old = dev_storage_get(r->kind->objects, r->ns, r->name);
    cJSON *tree = NULL, *refusal = check_apply(r, wanted);
    if (refusal) return refusal;
    if (!old && *r->subresource) return dev_status_not_found(r->kind, r->name);
    if (!old && *tree_text(wanted, "metadata.uid")) return dev_status_conflict(r->kind, r->name, "uid mismatch: the object does not exist");
    refusal = check_fields(r, wanted);
    if (refusal) return refusal;
    reduce(r, wanted);
    char *manager = dev_request_manager(r);
    struct dev_apply a = {r->kind, manager, r->subresource, dev_request_flag(r, "force")};
    cJSON *live = old ? dev_object_tree(old, r->kind) : NULL;
    if (!*tree_text(wanted, "metadata.name")) tree_set_text(tree_make(wanted, "metadata"), "name", r->name);
    refusal = dev_apply(&a, live, wanted, &tree);
    if (!refusal) refusal = store_applied(r, old, tree, manager);
    cJSON_Delete(live);
    free(manager);
    return refusal;
}

cJSON *dev_patch_serve(const struct dev_request *r) {
    cJSON *patch = NULL, *refusal = dev_request_body(r, &patch);
    bool apply = is_type(r, "application/apply-patch+yaml");
    if (!refusal && !patch) refusal = dev_status_bad_request("the body of a patch must not be empty");
    if (!refusal) refusal = apply ? patch_apply(r, patch) : patch_plain(r, patch);
    cJSON_Delete(patch);
    return refusal;
}
