/* Sets of fields from states of objects. */
#include <stdlib.h>
#include <string.h>

#include "devcluster/fieldset.h"
#include "devcluster/memory.h"
#include "devcluster/tree.h"

/* Fields that no manager owns. */
static bool is_server_owned(const struct dev_place *p, const char *name) {
    static const char *const META[] = {"name",     "namespace",       "uid",           "creationTimestamp", "generation",
                                       "selfLink", "resourceVersion", "managedFields", "deletionTimestamp", "deletionGracePeriodSeconds"};
    if (*p->field == '\0') return strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0;
    if (strcmp(p->field, "metadata") != 0 || *p->owner) return false;
    for (size_t i = 0; i < sizeof META / sizeof *META; i++)
        if (strcmp(META[i], name) == 0) return true;
    return false;
}

struct walk {
    bool changes; /* collect what differs from `before`; else everything */
};

static void collect(const struct walk *w, const struct dev_place *p, const cJSON *before, const cJSON *after, cJSON *set);

/* Collects below one path element, which stays in the set only if something was found. */
static void collect_below(const struct walk *w, const struct dev_place *p, const char *element, const cJSON *before, const cJSON *after,
                          cJSON *set, bool mark) {
    cJSON *below = cJSON_CreateObject();
    collect(w, p, before, after, below);
    if (mark && !tree_get(below, ".")) tree_make(below, ".");
    if (below->child)
        cJSON_AddItemToObject(set, element, below);
    else
        cJSON_Delete(below);
}

static void collect_members(const struct walk *w, const struct dev_place *p, const cJSON *before, const cJSON *after, cJSON *set) {
    const cJSON *member;
    cJSON_ArrayForEach(member, after) {
        if (is_server_owned(p, member->string)) continue;
        struct dev_place to = dev_place_member(p, member->string);
        char *element = dev_format("f:%s", member->string);
        collect_below(w, &to, element, tree_get(before, member->string), member, set, false);
        free(element);
    }
}

static void collect_item(const struct walk *w, const struct dev_place *p, const cJSON *before, const cJSON *item, const char *key,
                         cJSON *set) {
    struct dev_place to = dev_place_item(p);
    const cJSON *old = dev_place_find(p, before, key);
    char *element = dev_format("k:%s", key);
    collect_below(w, &to, element, old, item, set, !w->changes || !old);
    free(element);
}

static void collect_value(const struct walk *w, const cJSON *before, const cJSON *item, cJSON *set) {
    const cJSON *old;
    char *json = cJSON_PrintUnformatted(item), *element = dev_format("v:%s", json);
    cJSON_ArrayForEach(old, before) {
        if (tree_equal(old, item)) break;
    }
    if (!w->changes || !old) tree_make(tree_make(set, element), ".");
    free(element);
    free(json);
}

/* False when some item has no key: such a list can only be owned as a whole. */
static bool all_keyed(const struct dev_place *p, const cJSON *list) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        char *key = dev_place_key(p, item);
        free(key);
        if (!key) return false;
    }
    return true;
}

static bool is_granular(const struct dev_place *p, const cJSON *node) {
    if (!node->child) return false;
    if (cJSON_IsObject(node)) return !dev_place_is_atomic(p);
    if (!cJSON_IsArray(node)) return false;
    enum dev_merge merge = dev_place_list(p);
    return merge == DEV_MERGE_SET || (merge == DEV_MERGE_KEYED && all_keyed(p, node));
}

static void collect_items(const struct walk *w, const struct dev_place *p, const cJSON *before, const cJSON *after, cJSON *set) {
    bool keyed = dev_place_list(p) == DEV_MERGE_KEYED;
    const cJSON *item;
    cJSON_ArrayForEach(item, after) {
        char *key = keyed ? dev_place_key(p, item) : NULL;
        if (key)
            collect_item(w, p, before, item, key, set);
        else
            collect_value(w, before, item, set);
        free(key);
    }
}

static void collect(const struct walk *w, const struct dev_place *p, const cJSON *before, const cJSON *after, cJSON *set) {
    bool envelope = strcmp(p->field, "metadata") == 0 && !*p->owner; /* there always, so nobody owns it as such */
    if (w->changes && before && tree_equal(before, after)) return;
    if (!is_granular(p, after)) {
        if (!envelope) tree_make(set, ".");
        return;
    }
    bool same_type = before && cJSON_IsObject(before) == cJSON_IsObject(after) && cJSON_IsArray(before) == cJSON_IsArray(after);
    if (w->changes && !same_type && !envelope) tree_make(set, ".");
    if (cJSON_IsObject(after))
        collect_members(w, p, same_type ? before : NULL, after, set);
    else
        collect_items(w, p, same_type ? before : NULL, after, set);
}

static cJSON *collect_root(const struct dev_kind *kind, bool changes, const cJSON *before, const cJSON *after) {
    struct dev_place root = dev_place_root(kind);
    struct walk w = {changes};
    cJSON *set = cJSON_CreateObject();
    collect_members(&w, &root, before, after, set);
    return set;
}

cJSON *dev_fields_of(const struct dev_kind *kind, const cJSON *tree) { return collect_root(kind, false, NULL, tree); }

cJSON *dev_fields_changed(const struct dev_kind *kind, const cJSON *before, const cJSON *after) {
    return collect_root(kind, true, before, after);
}
