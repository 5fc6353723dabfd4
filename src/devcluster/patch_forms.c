/* Merge patch (RFC 7386) and strategic merge patch. */
#include <stdlib.h>
#include <string.h>

#include "devcluster/patch.h"
#include "devcluster/place.h"
#include "devcluster/tree.h"

static cJSON *unnamed_copy(const cJSON *value) {
    cJSON *copy = tree_copy(value);
    free(copy->string);
    copy->string = NULL;
    return copy;
}

void dev_patch_merge(cJSON *target, const cJSON *patch) {
    const cJSON *member;
    if (!cJSON_IsObject(patch)) {
        tree_become(target, unnamed_copy(patch));
        return;
    }
    if (!cJSON_IsObject(target)) tree_become(target, cJSON_CreateObject());
    cJSON_ArrayForEach(member, patch) {
        if (cJSON_IsNull(member)) {
            tree_drop(target, member->string);
            continue;
        }
        if (!tree_get(target, member->string)) cJSON_AddItemToObject(target, member->string, cJSON_CreateNull());
        dev_patch_merge(tree_get(target, member->string), member);
    }
}

static void strategic(const struct dev_place *p, cJSON *target, const cJSON *patch);

static bool has_directive(const cJSON *patch, const char *directive) { return strcmp(tree_text(patch, "$patch"), directive) == 0; }

/* A value of a patch as it comes into an object that has none yet: its directives and nulls have done their work. */
static cJSON *fresh(const struct dev_place *p, const cJSON *patch) {
    cJSON *value = cJSON_IsObject(patch) ? cJSON_CreateObject() : cJSON_IsArray(patch) ? cJSON_CreateArray() : unnamed_copy(patch);
    if (cJSON_IsObject(patch) || cJSON_IsArray(patch)) strategic(p, value, patch);
    return value;
}

static void delete_values(cJSON *list, const cJSON *values) {
    const cJSON *value;
    cJSON_ArrayForEach(value, values) {
        for (cJSON *item = list ? list->child : NULL, *next; item; item = next) {
            next = item->next;
            if (tree_equal(item, value)) cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
        }
    }
}

static void strategic_member(const struct dev_place *p, cJSON *target, const cJSON *member) {
    static const char DELETE[] = "$deleteFromPrimitiveList/";
    const char *name = member->string;
    struct dev_place to = dev_place_member(p, name);
    cJSON *there = tree_get(target, name);
    if (strncmp(name, DELETE, sizeof DELETE - 1) == 0)
        delete_values(tree_get(target, name + sizeof DELETE - 1), member);
    else if (*name == '$')
        return;
    else if (cJSON_IsNull(member) || has_directive(member, "delete"))
        tree_drop(target, name);
    else if (there)
        strategic(&to, there, member);
    else
        cJSON_AddItemToObject(target, name, fresh(&to, member));
}

static void strategic_item(const struct dev_place *p, cJSON *list, const cJSON *item) {
    struct dev_place to = dev_place_item(p);
    char *key = dev_place_key(p, item);
    cJSON *there = key ? dev_place_find(p, list, key) : NULL;
    free(key);
    if (has_directive(item, "delete")) {
        if (there) cJSON_Delete(cJSON_DetachItemViaPointer(list, there));
    } else if (there) {
        strategic(&to, there, item);
    } else if (!has_directive(item, "replace")) {
        cJSON_AddItemToArray(list, fresh(&to, item));
    }
}

static bool replaces(const cJSON *patch) {
    const cJSON *item;
    cJSON_ArrayForEach(item, patch) {
        if (cJSON_IsObject(item) && has_directive(item, "replace") && !item->child->next) return true;
    }
    return false;
}

static void strategic_list(const struct dev_place *p, cJSON *list, const cJSON *patch) {
    const cJSON *item;
    if (replaces(patch)) tree_become(list, cJSON_CreateArray());
    cJSON_ArrayForEach(item, patch) {
        if (dev_place_list(p) == DEV_MERGE_KEYED) {
            strategic_item(p, list, item);
            continue;
        }
        const cJSON *there;
        cJSON_ArrayForEach(there, list) {
            if (tree_equal(there, item)) break;
        }
        if (!there) cJSON_AddItemToArray(list, tree_copy(item));
    }
}

static void strategic(const struct dev_place *p, cJSON *target, const cJSON *patch) {
    const cJSON *member;
    if (cJSON_IsArray(target) && cJSON_IsArray(patch) && dev_place_list(p) != DEV_MERGE_ATOMIC) {
        strategic_list(p, target, patch);
    } else if (cJSON_IsObject(target) && cJSON_IsObject(patch)) {
        if (has_directive(patch, "replace")) tree_become(target, cJSON_CreateObject());
        cJSON_ArrayForEach(member, patch) strategic_member(p, target, member);
    } else {
        tree_become(target, unnamed_copy(patch));
    }
}

void dev_patch_strategic(const struct dev_kind *kind, cJSON *target, const cJSON *patch) {
    struct dev_place root = dev_place_root(kind);
    strategic(&root, target, patch);
}
