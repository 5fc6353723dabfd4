/*
 * tree: the few questions that the embedded API server asks of a cJSON tree, with quiet answers for what is absent.
 *
 * Trees are mutable working copies of objects. Paths are dotted plain names ("metadata.labels"), no arrays.
 */
#ifndef DEVCLUSTER_TREE_H
#define DEVCLUSTER_TREE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* A member, or a value at a path; NULL where there is none. Borrowed. */
cJSON *tree_get(const cJSON *object, const char *key);
cJSON *tree_path(const cJSON *root, const char *path);

/* The string at a path, "" where there is none; the integer, or `otherwise`; whether it is true. */
const char *tree_text(const cJSON *root, const char *path);
int64_t tree_int(const cJSON *root, const char *path, int64_t otherwise);
bool tree_true(const cJSON *root, const char *path);

/* Sets a member, replacing one that is there in its place; the value is taken. */
void tree_set(cJSON *object, const char *key, cJSON *value);
void tree_set_text(cJSON *object, const char *key, const char *text);
void tree_set_int(cJSON *object, const char *key, int64_t number);
void tree_drop(cJSON *object, const char *key);

/* The object member of that name, made where it is missing or not an object. */
cJSON *tree_make(cJSON *object, const char *key);

/* Puts `value` (taken) into `list` before position `at`; past the end appends. */
void tree_insert(cJSON *list, int at, cJSON *value);

/* Swaps a node in place for `value` (taken); both trees stay whole. */
void tree_become(cJSON *node, cJSON *value);

/* NULL copies to NULL; NULL equals NULL only. Order of members does not matter. */
cJSON *tree_copy(const cJSON *node);
bool tree_equal(const cJSON *a, const cJSON *b);

/* Text of one value; NULL when it is not JSON. `end` (may be NULL) takes the position after it; else nothing may follow. */
cJSON *tree_parse(struct str text, const char **end);

/* Compact text appended to b. */
void tree_write(const cJSON *node, struct buf *b);

#endif
