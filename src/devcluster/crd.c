#include "devcluster/crd.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/collect.h"
#include "devcluster/memory.h"
#include "devcluster/metadata.h"
#include "devcluster/tree.h"
#include "devcluster/watch.h"

static void complete_names(cJSON *names) {
    const char *kind = tree_text(names, "kind");
    if (!*tree_text(names, "singular")) {
        char *singular = dev_copy_text(kind);
        for (char *p = singular; *p; p++) *p = (char)tolower((unsigned char)*p);
        tree_set_text(names, "singular", singular);
        free(singular);
    }
    if (!*tree_text(names, "listKind")) {
        char *list = dev_format("%sList", kind);
        tree_set_text(names, "listKind", list);
        free(list);
    }
}

static void add_condition(cJSON *list, const char *type, const char *reason, const char *message) {
    cJSON *condition = cJSON_CreateObject();
    tree_set(condition, "lastTransitionTime", dev_now());
    tree_set_text(condition, "message", message);
    tree_set_text(condition, "reason", reason);
    tree_set_text(condition, "status", "True");
    tree_set_text(condition, "type", type);
    cJSON_AddItemToArray(list, condition);
}

static const char *stored_version(const cJSON *tree) {
    const cJSON *version;
    cJSON_ArrayForEach(version, tree_path(tree, "spec.versions")) {
        if (tree_true(version, "storage")) return tree_text(version, "name");
    }
    return "v1";
}

void dev_crd_complete(cJSON *tree) {
    cJSON *names = tree_path(tree, "spec.names"), *status = tree_make(tree, "status");
    if (!cJSON_IsObject(names)) return;
    complete_names(names);
    tree_set(status, "acceptedNames", tree_copy(names));
    if (!tree_get(status, "conditions")) {
        cJSON *conditions = cJSON_CreateArray();
        add_condition(conditions, "NamesAccepted", "NoConflicts", "no conflicts found");
        add_condition(conditions, "Established", "InitialNamesAccepted", "the initial names have been accepted");
        tree_set(status, "conditions", conditions);
    }
    cJSON *stored = cJSON_CreateArray();
    cJSON_AddItemToArray(stored, cJSON_CreateString(stored_version(tree)));
    tree_set(status, "storedVersions", stored);
}

static void replace_text(char **text, char *with) {
    free(*text);
    *text = with;
}

static char *joined(const cJSON *list) {
    struct buf b = dev_text_new();
    const cJSON *item;
    dev_text_add(&b, "");
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item)) continue;
        if (b.len) dev_text_add(&b, " ");
        dev_text_add(&b, item->valuestring);
    }
    return buf_take(&b, NULL);
}

static void replace_tree(cJSON **tree, const cJSON *with) {
    cJSON_Delete(*tree);
    *tree = tree_copy(with);
}

static void describe(struct dev_kind *kind, const cJSON *spec, const cJSON *version) {
    replace_text(&kind->name, dev_copy_text(tree_text(spec, "names.kind")));
    replace_text(&kind->singular, dev_copy_text(tree_text(spec, "names.singular")));
    replace_text(&kind->short_names, joined(tree_path(spec, "names.shortNames")));
    replace_text(&kind->categories, joined(tree_path(spec, "names.categories")));
    kind->custom = true;
    kind->has_generation = true;
    kind->namespaced = strcmp(tree_text(spec, "scope"), "Cluster") != 0;
    kind->has_status = tree_path(version, "subresources.status") != NULL;
    kind->has_scale = tree_path(version, "subresources.scale") != NULL;
    replace_tree(&kind->schema, tree_path(version, "schema.openAPIV3Schema"));
    replace_tree(&kind->columns, tree_get(version, "additionalPrinterColumns"));
    replace_tree(&kind->scale, tree_path(version, "subresources.scale"));
}

static void withdraw_version(struct dev_cluster *c, struct dev_kind *kind) {
    dev_watch_end(c, kind);
    dev_kinds_remove(&c->kinds, kind);
}

static void serve_version(struct dev_cluster *c, const cJSON *spec, const cJSON *version) {
    const char *group = tree_text(spec, "group"), *name = tree_text(version, "name"), *plural = tree_text(spec, "names.plural");
    struct dev_kind *kind = dev_kinds_by_plural(&c->kinds, group, name, plural);
    if (kind && !kind->custom) return; /* built in */
    if (cJSON_IsFalse(tree_get(version, "served"))) {
        if (kind) withdraw_version(c, kind);
        return;
    }
    if (!kind) {
        kind = dev_kind_new(group, name, tree_text(spec, "names.kind"), plural);
        kind->objects = dev_storage_collection(&c->storage, group, plural);
        dev_kinds_add(&c->kinds, kind);
    }
    describe(kind, spec, version);
}

void dev_crd_serve(struct dev_cluster *c, const struct dev_object *definition) {
    cJSON *tree = tree_parse((struct str){definition->text, definition->len}, NULL);
    const cJSON *version;
    cJSON_ArrayForEach(version, tree_path(tree, "spec.versions")) serve_version(c, tree_get(tree, "spec"), version);
    cJSON_Delete(tree);
}

void dev_crd_withdraw(struct dev_cluster *c, const struct dev_object *definition) {
    cJSON *tree = tree_parse((struct str){definition->text, definition->len}, NULL);
    const char *group = tree_text(tree, "spec.group"), *plural = tree_text(tree, "spec.names.plural");
    for (size_t i = c->kinds.count; i-- > 0;) {
        struct dev_kind *kind = c->kinds.items[i];
        if (!kind->custom || strcmp(kind->group, group) != 0 || strcmp(kind->plural, plural) != 0) continue;
        dev_collect_kind(c, kind);
        withdraw_version(c, kind);
    }
    cJSON_Delete(tree);
}
