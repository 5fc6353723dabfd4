/* Validation against a schema, in the words of the real server (kube-openapi validation, apiextensions-apiserver). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/schema.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

static void check(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes);

static char *member_path(const char *path, const char *name) { return *path ? dev_format("%s.%s", path, name) : dev_copy_text(name); }

static const char *type_of(const cJSON *node) {
    if (cJSON_IsNull(node)) return "null";
    if (cJSON_IsBool(node)) return "boolean";
    if (cJSON_IsNumber(node)) return floor(node->valuedouble) == node->valuedouble ? "integer" : "number";
    if (cJSON_IsString(node)) return "string";
    return cJSON_IsArray(node) ? "array" : "object";
}

static bool type_fits(const cJSON *schema, const cJSON *node) {
    const char *wanted = tree_text(schema, "type"), *is = type_of(node);
    if (cJSON_IsNull(node)) return tree_true(schema, "nullable") || (*wanted == '\0' && !tree_get(schema, "properties"));
    if (tree_true(schema, "x-kubernetes-int-or-string")) return strcmp(is, "integer") == 0 || strcmp(is, "string") == 0;
    if (*wanted == '\0' || strcmp(wanted, is) == 0) return true;
    return strcmp(wanted, "number") == 0 && strcmp(is, "integer") == 0;
}

static bool check_type(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    if (type_fits(schema, node)) return true;
    const char *wanted = tree_text(schema, "type"), *is = type_of(node);
    if (tree_true(schema, "x-kubernetes-int-or-string")) wanted = "integer,string";
    dev_cause_add(causes, "FieldValueTypeInvalid", path, "Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", is, path, wanted,
                  is);
    return false;
}

static void check_enum(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    const cJSON *allowed = tree_get(schema, "enum"), *item;
    if (!allowed) return;
    struct buf choices = dev_text_new();
    cJSON_ArrayForEach(item, allowed) {
        if (tree_equal(item, node)) {
            buf_free(&choices);
            return;
        }
        if (choices.len) dev_text_add(&choices, ", ");
        tree_write(item, &choices);
    }
    char *value = cJSON_PrintUnformatted(node);
    dev_cause_add(causes, "FieldValueNotSupported", path, "Unsupported value: %s: supported values: %s", value,
                  choices.data ? choices.data : "");
    free(value);
    buf_free(&choices);
}

/* Characters, not bytes, as the schema counts them. */
static int64_t text_length(const char *text) {
    int64_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void check_string(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    char *value = cJSON_PrintUnformatted(node);
    const char *pattern = tree_text(schema, "pattern");
    int64_t length = text_length(node->valuestring), least = tree_int(schema, "minLength", 0),
            most = tree_int(schema, "maxLength", INT64_MAX);
    if (length < least)
        dev_cause_add(causes, "FieldValueInvalid", path, "Invalid value: %s: %s in body should be at least %" PRId64 " chars long", value,
                      path, least);
    if (length > most) dev_cause_add(causes, "FieldValueTooLong", path, "Too long: may not be more than %" PRId64 " bytes", most);
    if (*pattern && !dev_pattern_matches(pattern, node->valuestring))
        dev_cause_add(causes, "FieldValueInvalid", path, "Invalid value: %s: %s in body should match '%s'", value, path, pattern);
    free(value);
}

static void check_bound(const cJSON *bound, bool breaks, const char *words, const cJSON *node, const char *path, cJSON *causes) {
    if (!bound || !breaks) return;
    char *value = cJSON_PrintUnformatted(node), *limit = cJSON_PrintUnformatted(bound);
    dev_cause_add(causes, "FieldValueInvalid", path, "Invalid value: %s: %s in body should be %s %s", value, path, words, limit);
    free(value);
    free(limit);
}

static void check_number(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    const cJSON *least = tree_get(schema, "minimum"), *most = tree_get(schema, "maximum");
    double n = node->valuedouble;
    bool above = tree_true(schema, "exclusiveMinimum"), below = tree_true(schema, "exclusiveMaximum");
    check_bound(least, least && (above ? n <= least->valuedouble : n < least->valuedouble),
                above ? "greater than" : "greater than or equal to", node, path, causes);
    check_bound(most, most && (below ? n >= most->valuedouble : n > most->valuedouble), below ? "less than" : "less than or equal to", node,
                path, causes);
}

/* Whether two items of a map list have the same keys, or of a set the same value. */
static bool same_item(const cJSON *schema, const cJSON *a, const cJSON *b) {
    const cJSON *key;
    if (strcmp(tree_text(schema, "x-kubernetes-list-type"), "map") != 0) return tree_equal(a, b);
    cJSON_ArrayForEach(key, tree_get(schema, "x-kubernetes-list-map-keys")) {
        const cJSON *x = tree_get(a, key->valuestring), *y = tree_get(b, key->valuestring);
        if ((x || y) && !tree_equal(x, y)) return false;
    }
    return true;
}

static void check_duplicates(const cJSON *schema, const cJSON *list, const char *path, cJSON *causes) {
    const char *type = tree_text(schema, "x-kubernetes-list-type");
    const cJSON *item, *other;
    int at = 0;
    if (strcmp(type, "map") != 0 && strcmp(type, "set") != 0) return;
    cJSON_ArrayForEach(item, list) {
        for (other = list->child; other != item && !same_item(schema, item, other);) other = other->next;
        if (other != item) {
            char *value = cJSON_PrintUnformatted(item), *where = dev_format("%s[%d]", path, at);
            dev_cause_add(causes, "FieldValueDuplicate", where, "Duplicate value: %s", value);
            free(value);
            free(where);
        }
        at++;
    }
}

static void check_array(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    int64_t count = cJSON_GetArraySize(node), least = tree_int(schema, "minItems", 0), most = tree_int(schema, "maxItems", INT64_MAX);
    const cJSON *item;
    int at = 0;
    if (count < least)
        dev_cause_add(causes, "FieldValueInvalid", path, "Invalid value: %" PRId64 ": %s in body should have at least %" PRId64 " items",
                      count, path, least);
    if (count > most)
        dev_cause_add(causes, "FieldValueTooMany", path, "Too many: %" PRId64 ": must have at most %" PRId64 " items", count, most);
    check_duplicates(schema, node, path, causes);
    cJSON_ArrayForEach(item, node) {
        char *where = dev_format("%s[%d]", path, at++);
        check(tree_get(schema, "items"), item, where, causes);
        free(where);
    }
}

static void check_required(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    const cJSON *name;
    cJSON_ArrayForEach(name, tree_get(schema, "required")) {
        if (tree_get(node, name->valuestring)) continue;
        char *where = member_path(path, name->valuestring);
        dev_cause_add(causes, "FieldValueRequired", where, "Required value");
        free(where);
    }
}

static void check_object(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    const cJSON *member;
    check_required(schema, node, path, causes);
    cJSON_ArrayForEach(member, node) {
        const cJSON *of_member = dev_schema_member(schema, member->string);
        if (!of_member || (*path == '\0' && strcmp(member->string, "metadata") == 0)) continue;
        char *where = member_path(path, member->string);
        check(of_member, member, where, causes);
        free(where);
    }
}

/* How many of the alternatives accept the value. */
static int count_accepting(const cJSON *alternatives, const cJSON *node, const char *path) {
    const cJSON *schema;
    int accepting = 0;
    cJSON_ArrayForEach(schema, alternatives) {
        cJSON *causes = cJSON_CreateArray();
        check(schema, node, path, causes);
        if (cJSON_GetArraySize(causes) == 0) accepting++;
        cJSON_Delete(causes);
    }
    return accepting;
}

static void check_alternatives(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    const cJSON *any = tree_get(schema, "anyOf"), *one = tree_get(schema, "oneOf"), *every;
    const char *is = type_of(node);
    cJSON_ArrayForEach(every, tree_get(schema, "allOf")) check(every, node, path, causes);
    if (any && count_accepting(any, node, path) == 0)
        dev_cause_add(causes, "FieldValueInvalid", path, "Invalid value: \"%s\": \"%s\" must validate at least one schema (anyOf)", is,
                      path);
    if (one && count_accepting(one, node, path) != 1)
        dev_cause_add(causes, "FieldValueInvalid", path, "Invalid value: \"%s\": \"%s\" must validate one and only one schema (oneOf)", is,
                      path);
}

static void check(const cJSON *schema, const cJSON *node, const char *path, cJSON *causes) {
    if (!schema || !check_type(schema, node, path, causes) || cJSON_IsNull(node)) return;
    check_enum(schema, node, path, causes);
    if (cJSON_IsString(node)) check_string(schema, node, path, causes);
    if (cJSON_IsNumber(node)) check_number(schema, node, path, causes);
    if (cJSON_IsArray(node)) check_array(schema, node, path, causes);
    if (cJSON_IsObject(node)) check_object(schema, node, path, causes);
    check_alternatives(schema, node, path, causes);
}

void dev_schema_check(const cJSON *schema, const cJSON *object, cJSON *causes) { check(schema, object, "", causes); }
