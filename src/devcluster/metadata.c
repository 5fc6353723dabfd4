#include "devcluster/metadata.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "devcluster/memory.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

/* So few bytes come whole once the kernel's source is ready; before, the call waits, and may be interrupted. */
static void random_bytes(unsigned char *bytes, size_t n) {
    while (getrandom(bytes, n, 0) != (ssize_t)n) continue;
}

/* RFC 9562, version 4. */
static cJSON *new_uid(void) {
    unsigned char b[16];
    char text[37];
    random_bytes(b, sizeof b);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5],
             b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return cJSON_CreateString(text);
}

/* Five letters after the prefix, from the alphabet that the real server uses (no vowels, no look-alikes). */
static void generate_name(cJSON *meta) {
    static const char LETTERS[] = "bcdfghjklmnpqrstvwxz2456789";
    const char *prefix = tree_text(meta, "generateName");
    unsigned char b[5];
    char tail[6] = "";
    if (*prefix == '\0' || *tree_text(meta, "name")) return;
    random_bytes(b, sizeof b);
    for (size_t i = 0; i < sizeof b; i++) tail[i] = LETTERS[b[i] % (sizeof LETTERS - 1)];
    char *name = dev_format("%.58s%s", prefix, tail);
    tree_set_text(meta, "name", name);
    free(name);
}

cJSON *dev_now(void) {
    char text[CLOCK_TEXT_LEN];
    return cJSON_CreateString(clock_format_s(clock_wall_ms(), text));
}

void dev_meta_create(const struct dev_kind *kind, cJSON *tree) {
    cJSON *meta = tree_make(tree, "metadata");
    generate_name(meta);
    tree_set(meta, "uid", new_uid());
    tree_set(meta, "creationTimestamp", dev_now());
    tree_drop(meta, "deletionTimestamp");
    tree_drop(meta, "deletionGracePeriodSeconds");
    tree_drop(meta, "generation");
    tree_drop(meta, "resourceVersion");
    if (kind->has_generation) tree_set_int(meta, "generation", 1);
}

static const char *const SYSTEM_FIELDS[] = {
    "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion"};

void dev_meta_keep(cJSON *tree, const cJSON *before) {
    cJSON *meta = tree_make(tree, "metadata");
    const cJSON *old = tree_get(before, "metadata");
    for (size_t i = 0; i < sizeof SYSTEM_FIELDS / sizeof *SYSTEM_FIELDS; i++) {
        const cJSON *value = tree_get(old, SYSTEM_FIELDS[i]);
        if (value)
            tree_set(meta, SYSTEM_FIELDS[i], tree_copy(value));
        else
            tree_drop(meta, SYSTEM_FIELDS[i]);
    }
}

/* Whether all members but the named ones are equal. */
static bool same_but(const cJSON *a, const cJSON *b, const char *const *skip, size_t count) {
    cJSON *x = tree_copy(a), *y = tree_copy(b);
    for (size_t i = 0; i < count; i++) {
        tree_drop(x, skip[i]);
        tree_drop(y, skip[i]);
    }
    bool same = (x == y) || tree_equal(x, y);
    cJSON_Delete(x);
    cJSON_Delete(y);
    return same;
}

void dev_meta_generation(const struct dev_kind *kind, cJSON *tree, const cJSON *before) {
    static const char *const SKIP[] = {"apiVersion", "kind", "metadata", "status"};
    if (!kind->has_generation || same_but(tree, before, SKIP, kind->has_status ? 4 : 3)) return;
    tree_set_int(tree_get(tree, "metadata"), "generation", tree_int(before, "metadata.generation", 0) + 1);
}

bool dev_meta_same(const cJSON *a, const cJSON *b) {
    static const char *const HEAD[] = {"metadata", "apiVersion", "kind"}, *const BOOKS[] = {"managedFields", "resourceVersion"};
    return same_but(a, b, HEAD, 3) && same_but(tree_get(a, "metadata"), tree_get(b, "metadata"), BOOKS, 2);
}

static bool is_subdomain(const char *name) {
    size_t n = strlen(name);
    if (n == 0 || n > 253) return false;
    for (size_t i = 0; i < n; i++) {
        bool edge = i == 0 || i == n - 1 || name[i - 1] == '.' || name[i + 1] == '.';
        bool letter = islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]);
        if (!letter && (edge || (name[i] != '-' && name[i] != '.'))) return false;
    }
    return true;
}

void dev_meta_check(const struct dev_kind *kind, const cJSON *tree, cJSON *causes) {
    const char *name = tree_text(tree, "metadata.name");
    if (*name == '\0')
        dev_cause_add(causes, "FieldValueRequired", "metadata.name", "Required value: name or generateName is required");
    else if (strcmp(kind->group, "rbac.authorization.k8s.io") != 0 && !is_subdomain(name))
        dev_cause_add(causes, "FieldValueInvalid", "metadata.name",
                      "Invalid value: \"%s\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
                      "'.', and must "
                      "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
                      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                      name);
}

void dev_meta_mark_deleted(cJSON *tree) {
    cJSON *meta = tree_get(tree, "metadata");
    tree_set(meta, "deletionTimestamp", dev_now());
    tree_set_int(meta, "deletionGracePeriodSeconds", 0);
}

static cJSON *find_finalizer(const cJSON *tree, const char *finalizer) {
    cJSON *item;
    cJSON_ArrayForEach(item, tree_path(tree, "metadata.finalizers")) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, finalizer) == 0) return item;
    }
    return NULL;
}

bool dev_meta_has_finalizer(const cJSON *tree, const char *finalizer) { return find_finalizer(tree, finalizer) != NULL; }

void dev_meta_add_finalizer(cJSON *tree, const char *finalizer) {
    cJSON *meta = tree_get(tree, "metadata");
    if (find_finalizer(tree, finalizer)) return;
    if (!cJSON_IsArray(tree_get(meta, "finalizers"))) tree_set(meta, "finalizers", cJSON_CreateArray());
    cJSON_AddItemToArray(tree_get(meta, "finalizers"), cJSON_CreateString(finalizer));
}

void dev_meta_drop_finalizer(cJSON *tree, const char *finalizer) {
    cJSON *meta = tree_get(tree, "metadata"), *item = find_finalizer(tree, finalizer);
    if (item) cJSON_Delete(cJSON_DetachItemViaPointer(tree_get(meta, "finalizers"), item));
    if (cJSON_GetArraySize(tree_get(meta, "finalizers")) == 0) tree_drop(meta, "finalizers");
}
