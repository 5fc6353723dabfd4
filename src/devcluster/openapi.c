#include "devcluster/openapi.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/tree.h"

/* "api/v1", "apis/apps/v1": where a kind's version is documented. */
static char *document_path(const struct dev_kind *kind) {
    return *kind->group ? dev_format("apis/%s/%s", kind->group, kind->version) : dev_format("api/%s", kind->version);
}

static cJSON *index_document(const struct dev_cluster *c) {
    cJSON *tree = cJSON_CreateObject(), *paths = tree_make(tree, "paths");
    for (size_t i = 0; i < c->kinds.count; i++) {
        char *path = document_path(c->kinds.items[i]), *url = dev_format("/openapi/v3/%s", path);
        tree_set_text(tree_make(paths, path), "serverRelativeURL", url);
        free(url);
        free(path);
    }
    return tree;
}

static cJSON *parameter(const char *name) {
    cJSON *p = cJSON_CreateObject();
    tree_set_text(p, "name", name);
    tree_set_text(p, "in", "query");
    tree_set_text(tree_make(p, "schema"), "type", "string");
    return p;
}

static cJSON *kind_reference(const struct dev_kind *kind) {
    cJSON *gvk = cJSON_CreateObject();
    tree_set_text(gvk, "group", kind->group);
    tree_set_text(gvk, "kind", kind->name);
    tree_set_text(gvk, "version", kind->version);
    return gvk;
}

static cJSON *operation(const struct dev_kind *kind, const char *action) {
    cJSON *op = cJSON_CreateObject(), *parameters = cJSON_CreateArray();
    tree_set_text(op, "x-kubernetes-action", action);
    tree_set(op, "x-kubernetes-group-version-kind", kind_reference(kind));
    cJSON_AddItemToArray(parameters, parameter("dryRun"));
    cJSON_AddItemToArray(parameters, parameter("fieldManager"));
    cJSON_AddItemToArray(parameters, parameter("fieldValidation"));
    tree_set(op, "parameters", parameters);
    tree_make(op, "responses");
    return op;
}

static cJSON *patch_operation(const struct dev_kind *kind) {
    cJSON *op = operation(kind, "patch"), *content = tree_make(tree_make(op, "requestBody"), "content");
    tree_make(content, "application/apply-patch+yaml");
    tree_make(content, "application/json-patch+json");
    tree_make(content, "application/merge-patch+json");
    return op;
}

static void add_kind(const struct dev_kind *kind, const char *base, cJSON *paths, cJSON *schemas) {
    char *path = dev_format("/%s/%s%s/{name}", base, kind->namespaced ? "namespaces/{namespace}/" : "", kind->plural);
    char *name = dev_format("%s%s%s.%s", kind->group, *kind->group ? "." : "io.k8s.api.core.", kind->version, kind->name);
    cJSON *item = tree_make(paths, path), *schema = kind->schema ? tree_copy(kind->schema) : cJSON_CreateObject();
    tree_set(item, "patch", patch_operation(kind));
    tree_set(item, "put", operation(kind, "put"));
    cJSON *kinds = cJSON_CreateArray();
    cJSON_AddItemToArray(kinds, kind_reference(kind));
    tree_set_text(schema, "type", "object");
    tree_set(schema, "x-kubernetes-group-version-kind", kinds);
    if (schema->string) {
        free(schema->string);
        schema->string = NULL;
    }
    tree_set(schemas, name, schema);
    free(path);
    free(name);
}

static cJSON *version_document(const struct dev_cluster *c, const char *wanted) {
    cJSON *tree = cJSON_CreateObject();
    tree_set_text(tree, "openapi", "3.0.0");
    tree_set_text(tree_make(tree, "info"), "title", "Kubernetes");
    tree_set_text(tree_make(tree, "info"), "version", "v1.32.0");
    cJSON *paths = tree_make(tree, "paths"), *schemas = tree_make(tree_make(tree, "components"), "schemas");
    for (size_t i = 0; i < c->kinds.count; i++) {
        char *base = document_path(c->kinds.items[i]);
        if (strcmp(base, wanted) == 0) add_kind(c->kinds.items[i], base, paths, schemas);
        free(base);
    }
    if (paths->child) return tree;
    cJSON_Delete(tree);
    return NULL;
}

cJSON *dev_openapi(const struct dev_cluster *c, const char *path) {
    if (strcmp(path, "v3") == 0) return index_document(c);
    return strncmp(path, "v3/", 3) == 0 ? version_document(c, path + 3) : NULL;
}
