#include "devcluster/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"

cJSON *tree_get(const cJSON *object, const char *key) { return cJSON_GetObjectItemCaseSensitive(object, key); }

static cJSON *get_span(const cJSON *object, const char *key, size_t n) {
    if (!cJSON_IsObject(object)) return NULL;
    for (cJSON *member = object->child; member; member = member->next)
        if (strncmp(member->string, key, n) == 0 && member->string[n] == '\0') return member;
    return NULL;
}

cJSON *tree_path(const cJSON *root, const char *path) {
    const cJSON *at = root;
    while (at && *path) {
        size_t n = strcspn(path, ".");
        at = get_span(at, path, n);
        path += n;
        if (*path == '.') path++;
    }
    union {
        const cJSON *in;
        cJSON *out;
    } cast = {at}; /* as strchr: the caller knows whether the tree may change */
    return cast.out;
}

const char *tree_text(const cJSON *root, const char *path) {
    const cJSON *node = tree_path(root, path);
    return cJSON_IsString(node) ? node->valuestring : "";
}

int64_t tree_int(const cJSON *root, const char *path, int64_t otherwise) {
    const cJSON *node = tree_path(root, path);
    return cJSON_IsNumber(node) ? (int64_t)node->valuedouble : otherwise;
}

bool tree_true(const cJSON *root, const char *path) { return cJSON_IsTrue(tree_path(root, path)); }

void tree_set(cJSON *object, const char *key, cJSON *value) {
    if (tree_get(object, key))
        cJSON_ReplaceItemInObjectCaseSensitive(object, key, value);
    else
        cJSON_AddItemToObject(object, key, value);
}

void tree_set_text(cJSON *object, const char *key, const char *text) { tree_set(object, key, cJSON_CreateString(text)); }

void tree_set_int(cJSON *object, const char *key, int64_t number) { tree_set(object, key, cJSON_CreateNumber((double)number)); }

void tree_drop(cJSON *object, const char *key) { cJSON_DeleteItemFromObjectCaseSensitive(object, key); }

cJSON *tree_make(cJSON *object, const char *key) {
    cJSON *there = tree_get(object, key);
    if (cJSON_IsObject(there)) return there;
    cJSON *made = cJSON_CreateObject();
    tree_set(object, key, made);
    return made;
}

/* By hand: cJSON_InsertItemInArray of Debian's 1.7.15 refuses every place but the first and the last. */
void tree_insert(cJSON *list, int at, cJSON *value) {
    cJSON *after = cJSON_GetArrayItem(list, at);
    if (!after) {
        cJSON_AddItemToArray(list, value);
        return;
    }
    value->next = after;
    value->prev = after->prev; /* of the first item: the last one */
    after->prev = value;
    if (after == list->child)
        list->child = value;
    else
        value->prev->next = value;
}

void tree_become(cJSON *node, cJSON *value) {
    cJSON old = *node;
    node->type = value->type;
    node->child = value->child;
    node->valuestring = value->valuestring;
    node->valueint = value->valueint;
    node->valuedouble = value->valuedouble;
    value->type = old.type & ~cJSON_StringIsConst;
    value->child = old.child;
    value->valuestring = old.valuestring;
    cJSON_Delete(value);
}

cJSON *tree_copy(const cJSON *node) { return node ? cJSON_Duplicate(node, true) : NULL; }

bool tree_equal(const cJSON *a, const cJSON *b) { return a == b || (a && b && cJSON_Compare(a, b, true)); }

cJSON *tree_parse(struct str text, const char **end) {
    const char *stop = NULL;
    cJSON *node = cJSON_ParseWithLengthOpts(text.p, text.n, &stop, false);
    if (!node) return NULL;
    if (end) {
        *end = stop;
        return node;
    }
    while (stop < text.p + text.n && strchr(" \t\r\n", *stop)) stop++;
    if (stop == text.p + text.n) return node;
    cJSON_Delete(node);
    return NULL;
}

void tree_write(const cJSON *node, struct buf *b) {
    char *text = cJSON_PrintUnformatted(node);
    dev_text_add(b, text ? text : "null");
    free(text);
}
