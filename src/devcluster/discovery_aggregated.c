#include "devcluster/discovery_aggregated.h"

#include <string.h>

#include "devcluster/discovery.h"
#include "devcluster/tree.h"

static cJSON *response_kind(const char *group, const char *version, const char *name) {
    cJSON *kind = cJSON_CreateObject();
    tree_set_text(kind, "group", group);
    tree_set_text(kind, "version", version);
    tree_set_text(kind, "kind", name);
    return kind;
}

static cJSON *list_in(cJSON *object, const char *name) {
    if (!tree_get(object, name)) tree_set(object, name, cJSON_CreateArray());
    return tree_get(object, name);
}

static void add_subresource(const struct dev_kind *kind, cJSON *resource, const char *name) {
    cJSON *entry = cJSON_CreateObject();
    bool scale = strcmp(name, "scale") == 0;
    tree_set_text(entry, "subresource", name);
    tree_set(entry, "responseKind",
             scale ? response_kind("autoscaling", "v1", "Scale") : response_kind(kind->group, kind->version, kind->name));
    tree_set(entry, "verbs", dev_discovery_words("get patch update"));
    cJSON_AddItemToArray(list_in(resource, "subresources"), entry);
}

static cJSON *resource_of(const struct dev_kind *kind) {
    cJSON *resource = cJSON_CreateObject();
    tree_set_text(resource, "resource", kind->plural);
    tree_set(resource, "responseKind", response_kind(kind->group, kind->version, kind->name));
    tree_set_text(resource, "scope", kind->namespaced ? "Namespaced" : "Cluster");
    tree_set_text(resource, "singularResource", kind->singular);
    tree_set(resource, "verbs", dev_discovery_words(DEV_ALL_VERBS));
    if (*kind->short_names) tree_set(resource, "shortNames", dev_discovery_words(kind->short_names));
    if (*kind->categories) tree_set(resource, "categories", dev_discovery_words(kind->categories));
    if (kind->has_status) add_subresource(kind, resource, "status");
    if (kind->has_scale) add_subresource(kind, resource, "scale");
    return resource;
}

/* The entry of a list whose member has the value, made where it is missing. */
static cJSON *find_or_add(cJSON *list, const char *path, const char *holder, const char *key, const char *value) {
    cJSON *entry;
    cJSON_ArrayForEach(entry, list) {
        if (strcmp(tree_text(entry, path), value) == 0) return entry;
    }
    entry = cJSON_CreateObject();
    tree_set_text(holder ? tree_make(entry, holder) : entry, key, value);
    cJSON_AddItemToArray(list, entry);
    return entry;
}

static cJSON *resources_in(cJSON *groups, const char *group, const char *version) {
    cJSON *in_group = find_or_add(groups, "metadata.name", "metadata", "name", group);
    cJSON *in_version = find_or_add(list_in(in_group, "versions"), "version", NULL, "version", version);
    tree_set_text(in_version, "freshness", "Current");
    return list_in(in_version, "resources");
}

cJSON *dev_discovery_aggregated(const struct dev_cluster *c, bool core) {
    cJSON *tree = cJSON_CreateObject();
    tree_set_text(tree, "kind", "APIGroupDiscoveryList");
    tree_set_text(tree, "apiVersion", "apidiscovery.k8s.io/v2");
    tree_make(tree, "metadata");
    cJSON *groups = list_in(tree, "items");
    for (size_t i = 0; i < c->kinds.count; i++) {
        const struct dev_kind *kind = c->kinds.items[i];
        if ((*kind->group == '\0') != core) continue;
        cJSON_AddItemToArray(resources_in(groups, kind->group, kind->version), resource_of(kind));
    }
    return tree;
}
