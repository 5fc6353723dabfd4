#include "devcluster/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/tree.h"

static void take_owners(struct dev_object *o, const cJSON *references) {
    const cJSON *reference;
    o->owners = dev_alloc((size_t)cJSON_GetArraySize(references) * sizeof(char *));
    cJSON_ArrayForEach(reference, references) {
        const char *uid = tree_text(reference, "uid");
        if (*uid) o->owners[o->owner_count++] = dev_copy_text(uid);
    }
}

struct dev_object *dev_object_new(cJSON *tree, uint64_t version) {
    struct dev_object *o = dev_alloc(sizeof *o);
    cJSON *meta = tree_make(tree, "metadata");
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, version);
    tree_set_text(meta, "resourceVersion", digits);
    tree_drop(tree, "apiVersion");
    tree_drop(tree, "kind");
    o->refs = 1;
    o->version = version;
    o->ns = dev_copy_text(tree_text(meta, "namespace"));
    o->name = dev_copy_text(tree_text(meta, "name"));
    o->uid = dev_copy_text(tree_text(meta, "uid"));
    o->labels = tree_copy(tree_get(meta, "labels"));
    o->deleting = *tree_text(meta, "deletionTimestamp") != '\0';
    take_owners(o, tree_get(meta, "ownerReferences"));
    o->text = cJSON_PrintUnformatted(tree);
    o->len = strlen(o->text);
    cJSON_Delete(tree);
    return o;
}

struct dev_object *dev_object_ref(struct dev_object *o) {
    o->refs++;
    return o;
}

void dev_object_unref(struct dev_object *o) {
    if (!o || --o->refs) return;
    for (size_t i = 0; i < o->owner_count; i++) free(o->owners[i]);
    free(o->owners);
    free(o->ns);
    free(o->name);
    free(o->uid);
    cJSON_Delete(o->labels);
    free(o->text);
    free(o);
}

void dev_tree_head(cJSON *tree, const char *api_version, const char *kind) {
    tree_drop(tree, "apiVersion");
    tree_drop(tree, "kind");
    cJSON *members = tree->child;
    tree->child = NULL;
    tree_set_text(tree, "apiVersion", api_version);
    tree_set_text(tree, "kind", kind);
    if (!members) return;
    cJSON *last = members->prev; /* cJSON: the first member's prev is the last one */
    tree->child->next->next = members;
    members->prev = tree->child->next;
    tree->child->prev = last;
}

cJSON *dev_object_tree(const struct dev_object *o, const struct dev_kind *kind) {
    cJSON *tree = tree_parse((struct str){o->text, o->len}, NULL);
    char *api_version = dev_kind_api_version(kind);
    dev_tree_head(tree, api_version, kind->name);
    free(api_version);
    return tree;
}

void dev_object_write(const struct dev_object *o, const struct dev_kind *kind, struct buf *b) {
    if (!kind) {
        dev_text_add_bytes(b, o->text, o->len);
        return;
    }
    dev_text_addf(b, "{\"apiVersion\":\"%s%s%s\",\"kind\":\"%s\",", kind->group, *kind->group ? "/" : "", kind->version, kind->name);
    dev_text_add_bytes(b, o->text + 1, o->len - 1);
}
