#include "devcluster/place.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/schema.h"
#include "devcluster/tree.h"

/* Keyed lists and sets of built-in kinds by field name; where a name means several things, also by the member around it. */
static const struct keyed {
    const char *field, *owner;
    const char *keys; /* space-separated, sorted; "": a set */
} KEYED[] = {
    {"containers", NULL, "name"},
    {"initContainers", NULL, "name"},
    {"ephemeralContainers", NULL, "name"},
    {"ports", "containers", "containerPort protocol"},
    {"ports", "initContainers", "containerPort protocol"},
    {"ports", "spec", "port protocol"},
    {"env", NULL, "name"},
    {"volumes", NULL, "name"},
    {"volumeMounts", NULL, "mountPath"},
    {"volumeDevices", NULL, "devicePath"},
    {"imagePullSecrets", NULL, "name"},
    {"conditions", NULL, "type"},
    {"ownerReferences", NULL, "uid"},
    {"finalizers", NULL, ""},
    {"hostAliases", NULL, "ip"},
    {"topologySpreadConstraints", NULL, "topologyKey whenUnsatisfiable"},
    {"secrets", NULL, "name"},
    {"webhooks", NULL, "name"},
    {"podIPs", NULL, "ip"},
    {"addresses", "status", "type"},
};

/* Objects that are one value; items of these lists too. */
static const char *const ATOMIC[] = {
    "selector",         "labelSelector",  "namespaceSelector", "objectSelector",    "podSelector",
    "nodeSelector",     "secretKeyRef",   "configMapKeyRef",   "fieldRef",          "secretRef",
    "resourceFieldRef", "involvedObject", "roleRef",           "ownerReferences[]", "imagePullSecrets[]",
};

struct dev_place dev_place_root(const struct dev_kind *kind) {
    return (struct dev_place){.kind = kind, .schema = kind->schema, .by_schema = kind->custom, .field = "", .owner = ""};
}

struct dev_place dev_place_member(const struct dev_place *p, const char *name) {
    bool metadata = *p->field == '\0' && strcmp(name, "metadata") == 0;
    struct dev_place to = {.kind = p->kind, .by_schema = p->by_schema && !metadata, .field = name, .owner = p->field};
    if (to.by_schema && p->schema) to.schema = dev_schema_member(p->schema, name);
    return to;
}

struct dev_place dev_place_item(const struct dev_place *p) {
    struct dev_place to = *p;
    if (p->by_schema) to.schema = tree_get(p->schema, "items");
    return to;
}

static const struct keyed *builtin_keys(const struct dev_place *p) {
    for (size_t i = 0; i < sizeof KEYED / sizeof *KEYED; i++) {
        const struct keyed *k = &KEYED[i];
        if (strcmp(k->field, p->field) == 0 && (!k->owner || strcmp(k->owner, p->owner) == 0)) return k;
    }
    return NULL;
}

enum dev_merge dev_place_list(const struct dev_place *p) {
    if (p->by_schema) {
        const char *type = tree_text(p->schema, "x-kubernetes-list-type");
        return strcmp(type, "map") == 0 ? DEV_MERGE_KEYED : strcmp(type, "set") == 0 ? DEV_MERGE_SET : DEV_MERGE_ATOMIC;
    }
    const struct keyed *keyed = builtin_keys(p);
    if (!keyed) return DEV_MERGE_ATOMIC;
    return *keyed->keys ? DEV_MERGE_KEYED : DEV_MERGE_SET;
}

bool dev_place_is_atomic(const struct dev_place *p) {
    if (p->by_schema) return strcmp(tree_text(p->schema, "x-kubernetes-map-type"), "atomic") == 0;
    for (size_t i = 0; i < sizeof ATOMIC / sizeof *ATOMIC; i++) {
        size_t n = strcspn(ATOMIC[i], "[");
        if (strlen(p->field) == n && strncmp(ATOMIC[i], p->field, n) == 0) return true;
    }
    return false;
}

/* Of built-in kinds: the protocol of ports, and the name of a LocalObjectReference; NULL: none. */
static const char *builtin_default(const struct dev_place *item_place, const char *name) {
    if (strcmp(item_place->field, "imagePullSecrets") == 0) return "";
    return strcmp(name, "protocol") == 0 ? "TCP" : NULL;
}

/* A key member that is not given counts with its default. */
static cJSON *key_value(const struct dev_place *item_place, const cJSON *item, const char *name) {
    const cJSON *value = tree_get(item, name);
    if (value) return tree_copy(value);
    if (item_place->by_schema) return tree_copy(tree_get(dev_schema_member(item_place->schema, name), "default"));
    const char *otherwise = builtin_default(item_place, name);
    return otherwise ? cJSON_CreateString(otherwise) : NULL;
}

static bool add_key(const struct dev_place *item_place, const cJSON *item, const char *name, cJSON *key) {
    cJSON *value = key_value(item_place, item, name);
    if (!value) return false;
    if (value->string) {
        free(value->string);
        value->string = NULL;
    }
    cJSON_AddItemToObject(key, name, value);
    return true;
}

static bool add_builtin_keys(const struct dev_place *p, const cJSON *item, cJSON *key) {
    const struct keyed *keyed = builtin_keys(p);
    char *names = dev_copy_text(keyed ? keyed->keys : ""), *rest = names;
    bool complete = keyed;
    for (char *name; complete && (name = strsep(&rest, " "));) complete = add_key(p, item, name, key);
    free(names);
    return complete;
}

char *dev_place_key(const struct dev_place *p, const cJSON *item) {
    struct dev_place at = dev_place_item(p);
    cJSON *key = cJSON_CreateObject();
    const cJSON *name;
    bool complete = cJSON_IsObject(item);
    if (!p->by_schema) complete = complete && add_builtin_keys(&at, item, key);
    if (p->by_schema) cJSON_ArrayForEach(name, tree_get(p->schema, "x-kubernetes-list-map-keys")) {
            complete = complete && add_key(&at, item, name->valuestring, key);
        }
    char *text = complete ? cJSON_PrintUnformatted(key) : NULL;
    cJSON_Delete(key);
    return text;
}

cJSON *dev_place_find(const struct dev_place *p, const cJSON *list, const char *key) {
    cJSON *item;
    cJSON_ArrayForEach(item, list) {
        char *is = dev_place_key(p, item);
        bool same = is && strcmp(is, key) == 0;
        free(is);
        if (same) return item;
    }
    return NULL;
}
