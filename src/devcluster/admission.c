#include "devcluster/admission.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/crd.h"
#include "devcluster/memory.h"
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

static void encode(cJSON *data, const cJSON *plain) {
    const char *text = cJSON_IsString(plain) ? plain->valuestring : "";
    size_t n = strlen(text);
    unsigned char *out = dev_alloc(4 * (n / 3 + 1) + 1);
    EVP_EncodeBlock(out, (const unsigned char *)text, (int)n);
    cJSON_AddItemToObject(data, plain->string, cJSON_CreateString((const char *)out));
    free(out);
}

/* stringData is write-only: it goes into data, in base64. */
static void fold_string_data(cJSON *tree) {
    const cJSON *plain;
    cJSON_ArrayForEach(plain, tree_get(tree, "stringData")) {
        tree_drop(tree_make(tree, "data"), plain->string);
        encode(tree_get(tree, "data"), plain);
    }
    tree_drop(tree, "stringData");
    if (!tree_get(tree, "type")) tree_set_text(tree, "type", "Opaque");
}

static cJSON *admit_custom(const struct dev_kind *kind, cJSON *tree, cJSON *causes) {
    if (!kind->schema) return causes;
    dev_schema_prune(kind->schema, tree);
    dev_schema_default(kind->schema, tree);
    dev_schema_check(kind->schema, tree, causes);
    return causes;
}

cJSON *dev_admit(const struct dev_kind *kind, cJSON *tree, const cJSON *before, const char *subresource) {
    cJSON *causes = cJSON_CreateArray();
    if (!before) start(kind, tree);
    if (dev_kind_is(kind, "", "Secret")) fold_string_data(tree);
    if (dev_kind_is(kind, "apiextensions.k8s.io", "CustomResourceDefinition") && strcmp(subresource, "status") != 0) dev_crd_complete(tree);
    dev_meta_check(kind, tree, causes);
    admit_custom(kind, tree, causes);
    if (cJSON_GetArraySize(causes)) return dev_status_invalid(kind, tree_text(tree, "metadata.name"), causes);
    cJSON_Delete(causes);
    return NULL;
}
