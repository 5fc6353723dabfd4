/* JSON patch (RFC 6902) over JSON pointers (RFC 6901). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/patch.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

/* One unescaped token of a pointer; moves *pointer to the next "/". */
static char *next_token(const char **pointer) {
    const char *p = *pointer + 1;
    size_t n = strcspn(p, "/");
    char *token = dev_copy_span(p, n), *to = token;
    for (const char *from = token; *from; from++) {
        bool escaped = *from == '~' && (from[1] == '0' || from[1] == '1');
        *to++ = escaped ? (from[1] == '0' ? '~' : '/') : *from;
        if (escaped) from++;
    }
    *to = '\0';
    *pointer = p + n;
    return token;
}

/* An index of a list; `size` for "-"; -1: none. */
static int index_of(const cJSON *list, const char *token) {
    int size = cJSON_GetArraySize(list);
    char *end;
    if (strcmp(token, "-") == 0) return size;
    if (!isdigit((unsigned char)*token) || (*token == '0' && token[1])) return -1;
    long at = strtol(token, &end, 10);
    return *end || at > size ? -1 : (int)at;
}

static cJSON *child(const cJSON *node, const char *token) {
    if (cJSON_IsArray(node)) return cJSON_GetArrayItem(node, index_of(node, token));
    return tree_get(node, token);
}

/* The parent of what a pointer names, with the last token (the caller frees it); NULL: no such place. */
static cJSON *resolve_parent(cJSON *root, const char *pointer, char **last) {
    cJSON *node = root;
    *last = NULL;
    while (node && *pointer == '/') {
        free(*last);
        *last = next_token(&pointer);
        if (*pointer == '/') node = child(node, *last);
    }
    return *last ? node : NULL;
}

static cJSON *resolve(cJSON *root, const char *pointer) {
    char *last;
    if (*pointer == '\0') return root;
    cJSON *parent = resolve_parent(root, pointer, &last), *node = parent ? child(parent, last) : NULL;
    free(last);
    return node;
}

/* Puts a value (taken) at a place; false where there is none. */
static bool put(cJSON *root, const char *pointer, cJSON *value) {
    char *last;
    if (*pointer == '\0') {
        tree_become(root, value);
        return true;
    }
    cJSON *parent = resolve_parent(root, pointer, &last);
    int at = cJSON_IsArray(parent) ? index_of(parent, last) : -1;
    bool placed = cJSON_IsObject(parent) || at >= 0;
    if (cJSON_IsObject(parent))
        tree_set(parent, last, value);
    else if (placed)
        tree_insert(parent, at, value);
    else
        cJSON_Delete(value);
    free(last);
    return placed;
}

/* Takes out what a pointer names; NULL: nothing there. */
static cJSON *detach(cJSON *root, const char *pointer) {
    char *last;
    cJSON *parent = resolve_parent(root, pointer, &last), *node = parent ? child(parent, last) : NULL;
    free(last);
    if (!node) return NULL;
    cJSON_DetachItemViaPointer(parent, node);
    free(node->string);
    node->string = NULL;
    return node;
}

static cJSON *unnamed_copy(const cJSON *value) {
    cJSON *copy = tree_copy(value);
    if (!copy) return NULL;
    free(copy->string);
    copy->string = NULL;
    return copy;
}

static bool run(cJSON *target, const cJSON *operation) {
    const char *op = tree_text(operation, "op"), *path = tree_text(operation, "path"), *from = tree_text(operation, "from");
    const cJSON *given = tree_get(operation, "value");
    cJSON *value = NULL;
    if (strcmp(op, "test") == 0) return given && tree_equal(resolve(target, path), given);
    if (strcmp(op, "remove") == 0) {
        value = detach(target, path);
        cJSON_Delete(value);
        return value;
    }
    if (strcmp(op, "add") == 0) return given && put(target, path, unnamed_copy(given));
    if (strcmp(op, "replace") == 0) {
        cJSON *there = resolve(target, path);
        if (there && given) tree_become(there, unnamed_copy(given));
        return there && given;
    }
    if (strcmp(op, "copy") == 0) value = unnamed_copy(resolve(target, from));
    if (strcmp(op, "move") == 0) value = detach(target, from);
    return value && put(target, path, value);
}

cJSON *dev_patch_json(cJSON *target, const cJSON *operations) {
    const cJSON *operation;
    if (!cJSON_IsArray(operations)) return dev_status_bad_request("error decoding patch: a JSON patch is a list of operations");
    cJSON_ArrayForEach(operation, operations) {
        if (run(target, operation)) continue;
        return dev_status(422, "Invalid",
                          "the server rejected our request due to an error in our request: %s operation does not apply: doc is missing "
                          "path or value differs: \"%s\"",
                          tree_text(operation, "op"), tree_text(operation, "path"));
    }
    return NULL;
}
