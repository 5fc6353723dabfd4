#include "operator/apply.h"

#include <stdlib.h>

#include "doc/copy.h"

struct apply {
    struct cluster *cluster;
    struct doc *wanted;
    const char *subresource; /* static text */
    bool force;
    apply_done done; /* NULL: abandoned */
    void *arg;
};

bool apply_is_covered(struct doc_value wanted, struct doc_value have) {
    if (doc_type(wanted) != DOC_OBJECT || doc_type(have) != DOC_OBJECT) return doc_equal(wanted, have);
    for (size_t i = 0; i < doc_len(wanted); i++) {
        struct str key;
        struct doc_value value = doc_pair(wanted, i, &key, NULL);
        if (!apply_is_covered(value, doc_get(have, key))) return false;
    }
    return true;
}

static void finish(struct apply *a, const struct doc *object, const struct err *err) {
    if (a->done) a->done(object, err, a->arg);
    doc_unref(a->wanted);
    free(a);
}

/* The words are those of structured-merge-diff, by which the API server applies. Helm leaves CRDs as they were once installed. */
static void explain(const struct apply *a, struct err *err) {
    struct doc_value wanted = doc_root(a->wanted);
    bool ours = str_starts(doc_path_str(wanted, "apiVersion"), STR("core.k8sgpt.ai/"));
    if (!ours || !strstr(err->msg, "field not declared in schema")) return;
    err_prefix(err, "the CRD of " STR_FMT " is of another version than this operator; apply crd/ (docs/upgrade.md)",
               STR_ARG(doc_path_str(wanted, "kind")));
}

static void answered(struct doc *object, const struct err *err, void *arg) {
    struct err local = err ? *err : (struct err){0};
    if (local.code) explain(arg, &local);
    finish(arg, object, local.code ? &local : NULL);
}

static void resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct apply *a = arg;
    struct doc_value wanted = doc_root(a->wanted);
    struct err local;
    if (!resource || !a->done) {
        finish(a, NULL, err);
        return;
    }
    struct kube_request request = {
        .verb = KUBE_APPLY,
        .resource = resource,
        .ns = doc_path_str(wanted, "metadata.namespace"),
        .name = doc_path_str(wanted, "metadata.name"),
        .subresource = a->subresource,
        .body = wanted,
        .force = a->force,
        .done = answered,
        .arg = a,
    };
    if (kube_send(cluster_client(a->cluster), &request, NULL, &local)) finish(a, NULL, &local);
}

struct apply *apply_start(struct cluster *cluster, struct doc_value wanted, const char *subresource, bool force, const struct doc *current,
                          apply_done done, void *arg, struct err *err) {
    const struct gvk *gvk = gvk_of(doc_path_str(wanted, "apiVersion"), doc_path_str(wanted, "kind"));
    struct str ns = doc_path_str(wanted, "metadata.namespace"), name = doc_path_str(wanted, "metadata.name");
    *err = (struct err){0};
    const struct store *store = current || !gvk ? NULL : cluster_store(cluster, gvk);
    if (store) current = store_get(store, ns, name);
    if (current && apply_is_covered(wanted, doc_root(current))) return NULL;
    return apply_send(cluster, wanted, subresource, force, done, arg, err);
}

struct apply *apply_send(struct cluster *cluster, struct doc_value wanted, const char *subresource, bool force, apply_done done, void *arg,
                         struct err *err) {
    const struct gvk *gvk = gvk_of(doc_path_str(wanted, "apiVersion"), doc_path_str(wanted, "kind"));
    *err = (struct err){0};
    if (!gvk || doc_path_str(wanted, "metadata.name").n == 0) {
        err_set(err, ERR_INVALID, "an object to apply needs apiVersion, kind and metadata.name");
        return NULL;
    }
    struct apply *a = calloc(1, sizeof *a);
    if (a)
        *a = (struct apply){
            .cluster = cluster, .wanted = doc_copy(wanted, err), .subresource = subresource, .force = force, .done = done, .arg = arg};
    if (!a || !a->wanted) {
        free(a);
        err_set(err, ERR_NOMEM, "no memory to apply an object");
        return NULL;
    }
    discovery_resolve(cluster_discovery(cluster), gvk, resolved, a);
    return a;
}

void apply_abandon(struct apply *a) { a->done = NULL; }
