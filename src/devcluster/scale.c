#include "devcluster/scale.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/patch.h"
#include "devcluster/reply.h"
#include "devcluster/status.h"
#include "devcluster/table.h"
#include "devcluster/tree.h"
#include "devcluster/write.h"

/* Where the replicas stand: ".spec.replicas" but for custom kinds that say otherwise. Without the leading dot. */
static const char *path_of(const struct dev_kind *kind, const char *name, const char *otherwise) {
    const char *path = tree_text(kind->scale, name);
    return *path == '.' ? path + 1 : otherwise;
}

static char *selector_text(const cJSON *selector) {
    struct buf b = dev_text_new();
    const cJSON *label, *labels = tree_get(selector, "matchLabels") ? tree_get(selector, "matchLabels") : selector;
    dev_text_add(&b, "");
    cJSON_ArrayForEach(label, labels) {
        if (cJSON_IsString(label)) dev_text_addf(&b, "%s%s=%s", b.len ? "," : "", label->string, label->valuestring);
    }
    return buf_take(&b, NULL);
}

static cJSON *scale_of(const struct dev_kind *kind, const cJSON *tree) {
    static const char *const META[] = {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"};
    cJSON *scale = cJSON_CreateObject();
    tree_set_text(scale, "kind", "Scale");
    tree_set_text(scale, "apiVersion", "autoscaling/v1");
    for (size_t i = 0; i < sizeof META / sizeof *META; i++)
        tree_set_text(tree_make(scale, "metadata"), META[i], tree_text(tree_get(tree, "metadata"), META[i]));
    tree_set_int(tree_make(scale, "spec"), "replicas", tree_int(tree, path_of(kind, "specReplicasPath", "spec.replicas"), 1));
    tree_set_int(tree_make(scale, "status"), "replicas", tree_int(tree, path_of(kind, "statusReplicasPath", "status.replicas"), 0));
    char *selector = selector_text(tree_path(tree, "spec.selector"));
    tree_set_text(tree_get(scale, "status"), "selector", selector);
    free(selector);
    return scale;
}

/* Sets a number at a dotted path, making what is missing on the way. */
static void set_at(cJSON *tree, const char *path, int64_t number) {
    char *copy = dev_copy_text(path), *rest = copy, *name = strsep(&rest, ".");
    while (rest) {
        tree = tree_make(tree, name);
        name = strsep(&rest, ".");
    }
    tree_set_int(tree, name, number);
    free(copy);
}

static cJSON *store(const struct dev_request *r, struct dev_object *old, const cJSON *scale) {
    struct dev_object *object = NULL;
    cJSON *tree = dev_object_tree(old, r->kind);
    const char *version = tree_text(scale, "metadata.resourceVersion");
    set_at(tree, path_of(r->kind, "specReplicasPath", "spec.replicas"), tree_int(scale, "spec.replicas", 0));
    if (*version) tree_set_text(tree_get(tree, "metadata"), "resourceVersion", version);
    char *manager = dev_request_manager(r);
    struct dev_write w = dev_write_of(r, manager);
    w.subresource = "";
    cJSON *refusal = dev_write_update(&w, old, tree, &object);
    if (!refusal) {
        cJSON *now = dev_object_tree(object, r->kind);
        dev_reply_tree(r->x, 200, scale_of(r->kind, now));
        cJSON_Delete(now);
    }
    dev_object_unref(object);
    free(manager);
    return refusal;
}

static cJSON *change(const struct dev_request *r, struct dev_object *old, const cJSON *body) {
    bool patch = strcmp(r->verb, "patch") == 0;
    cJSON *tree = dev_object_tree(old, r->kind), *scale = patch ? scale_of(r->kind, tree) : tree_copy(body);
    cJSON *refusal = patch ? dev_patch_tree(r, scale, body) : NULL;
    if (!refusal) refusal = store(r, old, scale);
    cJSON_Delete(scale);
    cJSON_Delete(tree);
    return refusal;
}

static cJSON *show(const struct dev_request *r, const struct dev_object *object) {
    cJSON *tree = dev_object_tree(object, r->kind);
    dev_reply_tree(r->x, 200, scale_of(r->kind, tree));
    cJSON_Delete(tree);
    return NULL;
}

cJSON *dev_scale_serve(const struct dev_request *r) {
    struct dev_object *object = dev_storage_get(r->kind->objects, r->ns, r->name);
    cJSON *body = NULL, *refusal;
    if (!object) return dev_status_not_found(r->kind, r->name);
    if (strcmp(r->verb, "get") == 0) return show(r, object);
    if (strcmp(r->verb, "update") != 0 && strcmp(r->verb, "patch") != 0) return dev_status_method();
    refusal = dev_request_body(r, &body);
    if (!refusal && !body) refusal = dev_status_bad_request("the body of the request must be a Scale");
    if (!refusal) refusal = change(r, object, body);
    cJSON_Delete(body);
    return refusal;
}
