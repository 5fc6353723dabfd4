/* The changing passes over a schema: pruning and defaulting. */
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/schema.h"
#include "devcluster/tree.h"

bool dev_schema_keeps_unknown(const cJSON *schema) { return tree_true(schema, "x-kubernetes-preserve-unknown-fields"); }

const cJSON *dev_schema_member(const cJSON *schema, const char *name) {
    const cJSON *member = tree_get(tree_get(schema, "properties"), name);
    if (member) return member;
    const cJSON *additional = tree_get(schema, "additionalProperties");
    return cJSON_IsObject(additional) ? additional : NULL;
}

/* Members that the server owns, or that every object has. */
static bool is_envelope(const char *name) {
    return strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0 || strcmp(name, "metadata") == 0;
}

/* `path` is where the node is, as long as `taken` is wanted. */
static void prune(const cJSON *schema, cJSON *node, const char *path, bool envelope, struct buf *taken);

static void prune_object(const cJSON *schema, cJSON *node, const char *path, bool envelope, struct buf *taken) {
    bool open = dev_schema_keeps_unknown(schema) || cJSON_IsTrue(tree_get(schema, "additionalProperties"));
    for (cJSON *member = node->child, *next; member; member = next) {
        next = member->next;
        if (envelope && is_envelope(member->string)) continue;
        const cJSON *of_member = dev_schema_member(schema, member->string);
        if (!of_member && open) continue;
        char *here = taken ? dev_format("%s.%s", path, member->string) : NULL;
        if (of_member) {
            prune(of_member, member, here, tree_true(of_member, "x-kubernetes-embedded-resource"), taken);
        } else {
            if (taken) dev_text_addf(taken, "%s%s", taken->len ? "\n" : "", here);
            cJSON_Delete(cJSON_DetachItemViaPointer(node, member));
        }
        free(here);
    }
}

static void prune(const cJSON *schema, cJSON *node, const char *path, bool envelope, struct buf *taken) {
    const cJSON *items = tree_get(schema, "items");
    cJSON *item;
    int i = 0;
    if (cJSON_IsObject(node)) prune_object(schema, node, path, envelope, taken);
    if (!cJSON_IsArray(node) || !items) return;
    cJSON_ArrayForEach(item, node) {
        char *here = taken ? dev_format("%s[%d]", path, i++) : NULL;
        prune(items, item, here, tree_true(items, "x-kubernetes-embedded-resource"), taken);
        free(here);
    }
}

void dev_schema_prune(const cJSON *schema, cJSON *object, struct buf *taken) { prune(schema, object, "", true, taken); }

/* A null where null is not allowed counts as absent when there is a default. */
static bool wants_default(const cJSON *of_member, const cJSON *value) {
    if (!tree_get(of_member, "default")) return false;
    return !value || (cJSON_IsNull(value) && !tree_true(of_member, "nullable"));
}

static void set_defaults(const cJSON *schema, cJSON *node) {
    cJSON *child;
    const cJSON *of_member;
    if (cJSON_IsArray(node)) {
        cJSON_ArrayForEach(child, node) set_defaults(tree_get(schema, "items"), child);
        return;
    }
    if (!cJSON_IsObject(node)) return;
    cJSON_ArrayForEach(of_member, tree_get(schema, "properties")) {
        if (wants_default(of_member, tree_get(node, of_member->string)))
            tree_set(node, of_member->string, tree_copy(tree_get(of_member, "default")));
    }
    cJSON_ArrayForEach(child, node) set_defaults(dev_schema_member(schema, child->string), child);
}

void dev_schema_default(const cJSON *schema, cJSON *object) {
    const cJSON *properties = tree_get(schema, "properties"), *of_member;
    cJSON_ArrayForEach(of_member, properties) {
        if (is_envelope(of_member->string)) continue;
        if (wants_default(of_member, tree_get(object, of_member->string)))
            tree_set(object, of_member->string, tree_copy(tree_get(of_member, "default")));
        set_defaults(of_member, tree_get(object, of_member->string));
    }
}
