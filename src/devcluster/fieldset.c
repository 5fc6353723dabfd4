#include "devcluster/fieldset.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/tree.h"

static bool is_mark(const cJSON *element) { return strcmp(element->string, ".") == 0; }

cJSON *dev_fields_read(const cJSON *fields_v1) {
    cJSON *set = cJSON_CreateObject();
    const cJSON *element;
    cJSON_ArrayForEach(element, fields_v1) {
        if (is_mark(element)) {
            tree_make(set, ".");
            continue;
        }
        cJSON *below = dev_fields_read(element);
        if (!below->child) tree_make(below, ".");
        cJSON_AddItemToObject(set, element->string, below);
    }
    return set;
}

cJSON *dev_fields_write(const cJSON *set) {
    cJSON *out = cJSON_CreateObject();
    const cJSON *element;
    bool alone = set->child && !set->child->next && is_mark(set->child);
    if (alone) return out;
    cJSON_ArrayForEach(element, set)
        cJSON_AddItemToObject(out, element->string, is_mark(element) ? cJSON_CreateObject() : dev_fields_write(element));
    return out;
}

bool dev_fields_empty(const cJSON *set) { return !set || !set->child; }

void dev_fields_add(cJSON *set, const cJSON *other) {
    const cJSON *element;
    cJSON_ArrayForEach(element, other) dev_fields_add(tree_make(set, element->string), element);
}

void dev_fields_subtract(cJSON *set, const cJSON *other) {
    const cJSON *element;
    cJSON_ArrayForEach(element, other) {
        cJSON *mine = tree_get(set, element->string);
        if (!mine) continue;
        if (!is_mark(element)) dev_fields_subtract(mine, element);
        if (is_mark(element) || !mine->child) tree_drop(set, element->string);
    }
}

cJSON *dev_fields_common(const cJSON *a, const cJSON *b) {
    cJSON *common = cJSON_CreateObject();
    const cJSON *element;
    cJSON_ArrayForEach(element, a) {
        const cJSON *other = tree_get(b, element->string);
        if (!other) continue;
        cJSON *below = is_mark(element) ? cJSON_CreateObject() : dev_fields_common(element, other);
        if (is_mark(element) || below->child)
            cJSON_AddItemToObject(common, element->string, below);
        else
            cJSON_Delete(below);
    }
    return common;
}

static cJSON *find_value(const cJSON *list, const char *json) {
    cJSON *wanted = tree_parse(str_of(json), NULL), *item;
    cJSON_ArrayForEach(item, list) {
        if (tree_equal(item, wanted)) break;
    }
    cJSON_Delete(wanted);
    return item;
}

cJSON *dev_fields_step(const struct dev_place *p, const cJSON *node, const char *element, struct dev_place *to) {
    const char *rest = element + 2;
    *to = *p;
    if (strncmp(element, "f:", 2) == 0) {
        cJSON *member = tree_get(node, rest);
        *to = dev_place_member(p, member ? member->string : rest);
        return member;
    }
    *to = dev_place_item(p);
    if (!cJSON_IsArray(node)) return NULL;
    return strncmp(element, "k:", 2) == 0 ? dev_place_find(p, node, rest) : find_value(node, rest);
}

static void keep_present(const struct dev_place *p, cJSON *set, const cJSON *node) {
    for (cJSON *element = set->child, *next; element; element = next) {
        struct dev_place to;
        next = element->next;
        if (is_mark(element)) continue;
        const cJSON *value = dev_fields_step(p, node, element->string, &to);
        if (value) keep_present(&to, element, value);
        if (!value || !element->child) cJSON_Delete(cJSON_DetachItemViaPointer(set, element));
    }
}

void dev_fields_keep_present(const struct dev_kind *kind, cJSON *set, const cJSON *tree) {
    struct dev_place root = dev_place_root(kind);
    keep_present(&root, set, tree);
}

static void discard(cJSON *node, cJSON *value) { cJSON_Delete(cJSON_DetachItemViaPointer(node, value)); }

static void remove_paths(const struct dev_place *p, cJSON *node, const cJSON *set, const cJSON *owned) {
    const cJSON *element;
    cJSON_ArrayForEach(element, set) {
        struct dev_place to;
        cJSON *value = is_mark(element) ? NULL : dev_fields_step(p, node, element->string, &to);
        const cJSON *kept = tree_get(owned, element->string);
        if (!value) continue;
        if (!kept && tree_get(element, ".")) {
            discard(node, value);
            continue;
        }
        remove_paths(&to, value, element, kept);
        bool emptied = (cJSON_IsObject(value) || cJSON_IsArray(value)) && !value->child;
        if (emptied && !kept) discard(node, value);
    }
}

void dev_fields_remove(const struct dev_kind *kind, cJSON *tree, const cJSON *set, const cJSON *owned) {
    struct dev_place root = dev_place_root(kind);
    remove_paths(&root, tree, set, owned);
}

/* One element as conflicts print it: .name, [key="value"], [="value"]. */
static char *element_text(const char *element) {
    if (strncmp(element, "f:", 2) == 0) return dev_format(".%s", element + 2);
    if (strncmp(element, "v:", 2) == 0) return dev_format("[=%s]", element + 2);
    struct buf b = dev_text_new();
    cJSON *key = tree_parse(str_of(element + 2), NULL), *member;
    dev_text_add(&b, "[");
    cJSON_ArrayForEach(member, key) {
        dev_text_addf(&b, "%s%s=", b.len > 1 ? "," : "", member->string);
        tree_write(member, &b);
    }
    dev_text_add(&b, "]");
    cJSON_Delete(key);
    return buf_take(&b, NULL);
}

static void list_paths(const cJSON *set, const char *prefix, cJSON *list) {
    const cJSON *element;
    cJSON_ArrayForEach(element, set) {
        if (is_mark(element)) {
            cJSON_AddItemToArray(list, cJSON_CreateString(prefix));
            continue;
        }
        char *text = element_text(element->string), *path = dev_format("%s%s", prefix, text);
        list_paths(element, path, list);
        free(path);
        free(text);
    }
}

void dev_fields_list(const cJSON *set, cJSON *list) { list_paths(set, "", list); }
