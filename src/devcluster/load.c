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
#include "doc/doc.h"
#include "doc/json.h"
#include "doc/yaml.h"

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

static int load_object(struct loading *l, cJSON *tree, struct err *err);

/* The items of a typed list, as an API server returns it, say neither apiVersion nor kind: the list does ("v1", "PodList"). */
static void name_item(cJSON *item, const char *api_version, const char *list_kind) {
    size_t n = strlen(list_kind) - strlen("List");
    if (n == 0 || tree_get(item, "kind")) return;
    cJSON *kind = cJSON_CreateString(list_kind);
    if (kind) kind->valuestring[n] = '\0';
    tree_set(item, "apiVersion", cJSON_CreateString(api_version));
    tree_set(item, "kind", kind);
}

static int load_list(struct loading *l, cJSON *list, const char *api_version, const char *kind, struct err *err) {
    int rc = 0;
    while (!rc && list->child) {
        cJSON *item = cJSON_DetachItemViaPointer(list, list->child);
        name_item(item, api_version, kind);
        rc = load_object(l, item, err);
    }
    return rc;
}

/* The tree is taken. */
static int load_object(struct loading *l, cJSON *tree, struct err *err) {
    const char *api_version = tree_text(tree, "apiVersion"), *name = tree_text(tree, "kind");
    size_t n = strlen(name);
    cJSON *items = tree_get(tree, "items");
    int rc = 0;
    if (cJSON_IsArray(items) && n >= 4 && strcmp(name + n - 4, "List") == 0) {
        rc = load_list(l, items, api_version, name, err);
        cJSON_Delete(tree);
        return rc;
    }
    if (!*api_version || !*name || !*tree_text(tree, "metadata.name")) {
        cJSON_Delete(tree);
        return err_set(err, ERR_INVALID, "object %zu lacks apiVersion, kind or metadata.name", l->count + 1);
    }
    struct dev_kind *kind = dev_kinds_by_name(&l->cluster->kinds, api_version, name);
    if (!kind) kind = make_kind(l->cluster, api_version, name, *tree_text(tree, "metadata.namespace") != '\0');
    complete(kind, tree);
    bool defines_kinds = dev_kind_is(kind, "apiextensions.k8s.io", "CustomResourceDefinition");
    if (defines_kinds) dev_crd_complete(tree);
    need_namespace(l->cluster, tree_text(tree, "metadata.namespace"));
    struct dev_object *object = dev_storage_put(&l->cluster->storage, kind->objects, tree);
    if (defines_kinds) dev_crd_serve(l->cluster, object);
    l->count++;
    return 0;
}

static int load_document(struct doc *doc, void *arg, struct err *err) {
    struct buf json = dev_text_new();
    int rc = json_write(doc_root(doc), JSON_COMPACT, &json, err);
    cJSON *tree = rc ? NULL : tree_parse((struct str){json.data, json.len}, NULL);
    buf_free(&json);
    if (rc) return rc;
    return cJSON_IsObject(tree) ? load_object(arg, tree, err) : err_set(err, ERR_INVALID, "a document is not an object");
}

static struct str skip_space(struct str text) {
    while (text.n && strchr(" \t\r\n", *text.p)) text.p++, text.n--;
    return text;
}

/* JSON values, one after another. */
static int load_json(struct loading *l, struct str text, struct err *err) {
    while ((text = skip_space(text)).n) {
        const char *end;
        cJSON *tree = tree_parse(text, &end);
        if (!tree) return err_set(err, ERR_SYNTAX, "invalid JSON after object %zu", l->count);
        int rc = cJSON_IsObject(tree) ? load_object(l, tree, err) : err_set(err, ERR_INVALID, "a value is not an object");
        if (rc) return rc;
        text = (struct str){end, text.n - (size_t)(end - text.p)};
    }
    return 0;
}

int dev_server_load(struct dev_cluster *c, const char *path, size_t *count, struct err *err) {
    struct loading l = {.cluster = c};
    struct buf content = buf_new(MAX_FILE_BYTES);
    int rc = file_read(path, &content, err);
    struct str text = skip_space((struct str){content.data, content.len});
    if (!rc) rc = text.n && *text.p == '{' ? load_json(&l, text, err) : yaml_read(text, load_document, &l, err);
    if (rc) err_prefix(err, "%s", path);
    buf_free(&content);
    if (count) *count = l.count;
    return rc;
}
