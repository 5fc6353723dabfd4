/* Files of objects, stored as they are. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "devcluster/cluster.h"
#include "devcluster/crd.h"
#include "devcluster/memory.h"
#include "devcluster/metadata.h"
#include "devcluster/server.h"
#include "devcluster/tree.h"
#include "doc/json.h"
#include "doc/manifest.h"

enum { MAX_FILE_BYTES = 2000000000 };

struct loading {
    struct dev_cluster *cluster;
    size_t count;
};

static struct dev_kind *make_kind(struct dev_cluster *c, const char *api_version, const char *name, bool namespaced) {
    struct str group, version, all = str_of(api_version);
    if (!str_cut(all, '/', &group, &version)) group = (struct str){"", 0}, version = all;
    char *g = dev_copy_span(group.p, group.n), *v = dev_copy_span(version.p, version.n);
    struct dev_kind *kind = dev_kind_new(g, v, name, NULL);
    kind->custom = true;
    kind->namespaced = namespaced;
    kind->has_status = kind->has_generation = true;
    kind->objects = dev_storage_collection(&c->storage, g, kind->plural);
    dev_kinds_add(&c->kinds, kind);
    free(g);
    free(v);
    return kind;
}

static void need_namespace(struct dev_cluster *c, const char *name) {
    if (*name == '\0' || dev_cluster_namespace(c, name)) return;
    struct dev_kind *kind = dev_kinds_by_name(&c->kinds, "v1", "Namespace");
    cJSON *tree = cJSON_CreateObject(), *meta = tree_make(tree, "metadata");
    tree_set_text(meta, "name", name);
    tree_set_text(tree_make(meta, "labels"), "kubernetes.io/metadata.name", name);
    dev_meta_create(kind, tree);
    tree_set_text(tree_make(tree, "status"), "phase", "Active");
    dev_storage_put(&c->storage, kind->objects, tree);
}

/* What a file left out that clients count on. */
static void complete(const struct dev_kind *kind, cJSON *tree) {
    cJSON *meta = tree_make(tree, "metadata"), *made;
    if (kind->namespaced && !*tree_text(meta, "namespace")) tree_set_text(meta, "namespace", "default");
    if (!kind->namespaced) tree_drop(meta, "namespace");
    if (*tree_text(meta, "uid") && tree_get(meta, "creationTimestamp")) return;
    made = tree_copy(tree);
    dev_meta_create(kind, made);
    static const char *const FIELDS[] = {"uid", "creationTimestamp", "generation"};
    for (size_t i = 0; i < 3; i++) {
        const cJSON *value = tree_path(made, "metadata") ? tree_get(tree_get(made, "metadata"), FIELDS[i]) : NULL;
        if (value && !tree_get(meta, FIELDS[i])) tree_set(meta, FIELDS[i], tree_copy(value));
    }
    cJSON_Delete(made);
}

/* The tree is taken. */
static void load_tree(struct loading *l, cJSON *tree) {
    const char *api_version = tree_text(tree, "apiVersion"), *name = tree_text(tree, "kind");
    struct dev_kind *kind = dev_kinds_by_name(&l->cluster->kinds, api_version, name);
    if (!kind) kind = make_kind(l->cluster, api_version, name, *tree_text(tree, "metadata.namespace") != '\0');
    complete(kind, tree);
    bool defines_kinds = dev_kind_is(kind, "apiextensions.k8s.io", "CustomResourceDefinition");
    if (defines_kinds) dev_crd_complete(tree);
    need_namespace(l->cluster, tree_text(tree, "metadata.namespace"));
    struct dev_object *object = dev_storage_put(&l->cluster->storage, kind->objects, tree);
    if (defines_kinds) dev_crd_serve(l->cluster, object);
    l->count++;
}

static int load_object(struct doc *object, const struct projection *kept, void *arg, struct err *err) {
    (void)kept;
    struct buf json = dev_text_new();
    int rc = json_write(doc_root(object), JSON_COMPACT, &json, err);
    if (!rc) load_tree(arg, tree_parse((struct str){json.data, json.len}, NULL));
    buf_free(&json);
    return rc;
}

int dev_server_load(struct dev_cluster *c, const char *path, size_t *count, struct err *err) {
    struct loading l = {.cluster = c};
    struct buf content = buf_new(MAX_FILE_BYTES);
    int rc = file_read(path, &content, err);
    if (!rc) rc = manifest_read((struct str){content.data, content.len}, load_object, NULL, &l, err);
    if (rc) err_prefix(err, "%s", path);
    buf_free(&content);
    if (count) *count = l.count;
    return rc;
}
