#include "devcluster/discovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/discovery_aggregated.h"
#include "devcluster/memory.h"
#include "devcluster/openapi.h"
#include "devcluster/reply.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

cJSON *dev_discovery_words(const char *words) {
    cJSON *list = cJSON_CreateArray();
    char *copy = dev_copy_text(words), *rest = copy;
    for (char *word; (word = strsep(&rest, " "));)
        if (*word) cJSON_AddItemToArray(list, cJSON_CreateString(word));
    free(copy);
    return list;
}

static cJSON *headed(const char *kind, const char *api_version) {
    cJSON *tree = cJSON_CreateObject();
    tree_set_text(tree, "kind", kind);
    tree_set_text(tree, "apiVersion", api_version);
    return tree;
}

static cJSON *list_in(cJSON *tree, const char *name) {
    cJSON *list = cJSON_CreateArray();
    tree_set(tree, name, list);
    return list;
}

static cJSON *version_info(void) {
    cJSON *tree = cJSON_CreateObject();
    tree_set_text(tree, "major", "1");
    tree_set_text(tree, "minor", "32");
    tree_set_text(tree, "gitVersion", "v1.32.0-k8sgpt-dev-cluster");
    tree_set_text(tree, "gitCommit", "");
    tree_set_text(tree, "gitTreeState", "clean");
    tree_set_text(tree, "platform", "linux/amd64");
    return tree;
}

static cJSON *core_versions(void) {
    cJSON *tree = cJSON_CreateObject();
    tree_set_text(tree, "kind", "APIVersions");
    tree_set(tree, "versions", dev_discovery_words("v1"));
    list_in(tree, "serverAddressByClientCIDRs");
    return tree;
}

static cJSON *group_version(const struct dev_kind *kind) {
    cJSON *entry = cJSON_CreateObject();
    char *joined = dev_kind_api_version(kind);
    tree_set_text(entry, "groupVersion", joined);
    tree_set_text(entry, "version", kind->version);
    free(joined);
    return entry;
}

static cJSON *find_by(const cJSON *list, const char *key, const char *value) {
    cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (strcmp(tree_text(item, key), value) == 0) return item;
    }
    return NULL;
}

/* Every group with its versions; the first one served is preferred. */
static cJSON *all_groups(const struct dev_cluster *c) {
    cJSON *groups = cJSON_CreateArray();
    for (size_t i = 0; i < c->kinds.count; i++) {
        const struct dev_kind *kind = c->kinds.items[i];
        if (*kind->group == '\0') continue;
        cJSON *group = find_by(groups, "name", kind->group);
        if (!group) {
            group = cJSON_CreateObject();
            tree_set_text(group, "name", kind->group);
            list_in(group, "versions");
            tree_set(group, "preferredVersion", group_version(kind));
            cJSON_AddItemToArray(groups, group);
        }
        cJSON *versions = tree_get(group, "versions");
        if (!find_by(versions, "version", kind->version)) cJSON_AddItemToArray(versions, group_version(kind));
    }
    return groups;
}

static cJSON *group_list(const struct dev_cluster *c) {
    cJSON *tree = headed("APIGroupList", "v1");
    tree_set(tree, "groups", all_groups(c));
    return tree;
}

static cJSON *one_group(const struct dev_cluster *c, const char *name) {
    cJSON *groups = all_groups(c), *found = find_by(groups, "name", name), *tree = NULL;
    if (found) {
        tree = cJSON_DetachItemViaPointer(groups, found);
        dev_tree_head(tree, "v1", "APIGroup");
    }
    cJSON_Delete(groups);
    return tree;
}

static cJSON *resource(const struct dev_kind *kind, const char *subresource, const char *kind_name, const char *verbs) {
    cJSON *entry = cJSON_CreateObject();
    char *name = *subresource ? dev_format("%s/%s", kind->plural, subresource) : dev_copy_text(kind->plural);
    tree_set_text(entry, "name", name);
    tree_set_text(entry, "singularName", *subresource ? "" : kind->singular);
    tree_set(entry, "namespaced", cJSON_CreateBool(kind->namespaced));
    tree_set_text(entry, "kind", kind_name);
    tree_set(entry, "verbs", dev_discovery_words(verbs));
    if (!*subresource && *kind->short_names) tree_set(entry, "shortNames", dev_discovery_words(kind->short_names));
    if (!*subresource && *kind->categories) tree_set(entry, "categories", dev_discovery_words(kind->categories));
    free(name);
    return entry;
}

static void add_resources(const struct dev_kind *kind, cJSON *list) {
    cJSON_AddItemToArray(list, resource(kind, "", kind->name, DEV_ALL_VERBS));
    if (kind->has_status) cJSON_AddItemToArray(list, resource(kind, "status", kind->name, "get patch update"));
    if (!kind->has_scale) return;
    cJSON *scale = resource(kind, "scale", "Scale", "get patch update");
    tree_set_text(scale, "group", "autoscaling");
    tree_set_text(scale, "version", "v1");
    cJSON_AddItemToArray(list, scale);
}

/* Access reviews are created, never stored, so they are no kinds. */
static void add_reviews(cJSON *list) {
    struct dev_kind review = {.plural = (char[]){"selfsubjectaccessreviews"},
                              .singular = (char[]){"selfsubjectaccessreview"},
                              .short_names = (char[]){""},
                              .categories = (char[]){""}};
    cJSON_AddItemToArray(list, resource(&review, "", "SelfSubjectAccessReview", "create"));
}

static cJSON *resource_list(const struct dev_cluster *c, const char *api_version) {
    cJSON *tree = headed("APIResourceList", "v1");
    tree_set_text(tree, "groupVersion", api_version);
    cJSON *list = list_in(tree, "resources");
    for (size_t i = 0; i < c->kinds.count; i++)
        if (dev_kind_in(c->kinds.items[i], api_version)) add_resources(c->kinds.items[i], list);
    if (strcmp(api_version, "authorization.k8s.io/v1") == 0) add_reviews(list);
    if (list->child) return tree;
    cJSON_Delete(tree);
    return NULL;
}

/* NULL: not a discovery path, or nothing of that name. */
static cJSON *answer(struct dev_cluster *c, const char *path) {
    if (strcmp(path, "/version") == 0) return version_info();
    if (strcmp(path, "/api") == 0) return core_versions();
    if (strcmp(path, "/apis") == 0) return group_list(c);
    if (strcmp(path, "/api/v1") == 0) return resource_list(c, "v1");
    if (strncmp(path, "/openapi/", 9) == 0) return dev_openapi(c, path + 9);
    if (strncmp(path, "/apis/", 6) != 0) return NULL;
    const char *slash = strchr(path + 6, '/');
    if (!slash) return one_group(c, path + 6);
    return strchr(slash + 1, '/') ? NULL : resource_list(c, path + 6);
}

static bool is_health(const char *path) {
    return strcmp(path, "/healthz") == 0 || strcmp(path, "/livez") == 0 || strcmp(path, "/readyz") == 0;
}

static bool wants_aggregated(const struct http_exchange *x) {
    struct str accept = http_header(x, "Accept"), one;
    while (accept.n) {
        str_cut(accept, ',', &one, &accept);
        if (memmem(one.p, one.n, "as=APIGroupDiscoveryList", 24) && memmem(one.p, one.n, "v=v2", 4) && !memmem(one.p, one.n, "v=v2beta", 8))
            return true;
    }
    return false;
}

static void reply_aggregated(const struct dev_cluster *c, struct http_exchange *x, bool core) {
    struct buf text = dev_text_new();
    cJSON *tree = dev_discovery_aggregated(c, core);
    tree_write(tree, &text);
    cJSON_Delete(tree);
    dev_reply_text(x, 200, DEV_AGGREGATED_TYPE, &text);
}

bool dev_discovery(struct dev_cluster *c, struct http_exchange *x) {
    struct str span = http_path(x);
    while (span.n > 1 && span.p[span.n - 1] == '/') span.n--;
    if (wants_aggregated(x) && (str_is(span, "/api") || str_is(span, "/apis"))) {
        reply_aggregated(c, x, str_is(span, "/api"));
        return true;
    }
    char *path = dev_copy_span(span.p, span.n);
    bool health = is_health(path);
    cJSON *tree = health ? NULL : answer(c, path);
    free(path);
    if (health) http_respond(x, 200, "text/plain", STR("ok"));
    if (tree) dev_reply_tree(x, 200, tree);
    return health || tree;
}
