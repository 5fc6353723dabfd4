#include "devcluster/admission.h"

#include <string.h>

#include "devcluster/base64.h"
#include "devcluster/crd.h"
#include "devcluster/defaults.h"
#include "devcluster/metadata.h"
#include "devcluster/schema.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

static void start_namespace(cJSON *tree) {
    tree_set_text(tree_make(tree, "status"), "phase", "Active");
    cJSON *finalizers = cJSON_CreateArray();
    cJSON_AddItemToArray(finalizers, cJSON_CreateString("kubernetes"));
    tree_set(tree_make(tree, "spec"), "finalizers", finalizers);
    tree_set_text(tree_make(tree_get(tree, "metadata"), "labels"), "kubernetes.io/metadata.name", tree_text(tree, "metadata.name"));
}

/* The first status that the real server gives objects, where something shows it. */
static void start(const struct dev_kind *kind, cJSON *tree) {
    if (dev_kind_is(kind, "", "Namespace"))
        start_namespace(tree);
    else if (dev_kind_is(kind, "", "Pod") || dev_kind_is(kind, "", "PersistentVolumeClaim"))
        tree_set_text(tree_make(tree, "status"), "phase", "Pending");
    else if (dev_kind_is(kind, "", "Service"))
        tree_make(tree_make(tree, "status"), "loadBalancer");
}

/* stringData is write-only: it goes into data, in base64. */
static void fold_string_data(cJSON *tree) {
    const cJSON *plain;
    cJSON_ArrayForEach(plain, tree_get(tree, "stringData")) {
        if (cJSON_IsString(plain)) tree_set(tree_make(tree, "data"), plain->string, dev_base64(str_of(plain->valuestring)));
    }
    tree_drop(tree, "stringData");
}

static cJSON *admit_custom(const struct dev_kind *kind, cJSON *tree, cJSON *causes) {
    if (!kind->schema) return causes;
    dev_schema_prune(kind->schema, tree, NULL);
    dev_schema_default(kind->schema, tree);
    dev_schema_check(kind->schema, tree, causes);
    return causes;
}

cJSON *dev_admit(const struct dev_kind *kind, cJSON *tree, const cJSON *before, const char *subresource) {
    cJSON *causes = cJSON_CreateArray();
    if (!before) start(kind, tree);
    if (dev_kind_is(kind, "", "Secret")) fold_string_data(tree);
    if (strcmp(subresource, "status") != 0) dev_defaults_fill(kind, tree, before);
    if (dev_kind_is(kind, "apiextensions.k8s.io", "CustomResourceDefinition") && strcmp(subresource, "status") != 0) dev_crd_complete(tree);
    dev_meta_check(kind, tree, causes);
    admit_custom(kind, tree, causes);
    if (cJSON_GetArraySize(causes)) return dev_status_invalid(kind, tree_text(tree, "metadata.name"), causes);
    cJSON_Delete(causes);
    return NULL;
}
