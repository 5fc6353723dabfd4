#include "kube/crds.h"

#include <stdlib.h>

#include "base/log.h"
#include "kube/reflector.h"

struct crds {
    struct store *store;
    struct reflector *reflector;
    void (*changed)(struct str group, void *arg);
    void *arg;
    bool begun; /* listed once */
};

/* The name of a definition is PLURAL.GROUP (CustomResourceDefinition v1 apiextensions.k8s.io: metadata.name). */
static void on_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    const struct crds *c = arg;
    struct str plural, group;
    (void)store;
    if (c->begun && str_cut(doc_path_str(doc_root(after ? after : before), "metadata.name"), '.', &plural, &group))
        c->changed(group, c->arg);
}

static void on_state(struct reflector *r, enum reflector_state state, const struct err *err, void *arg) {
    struct crds *c = arg;
    (void)r;
    c->begun |= state == REFLECTOR_SYNCED;
    if (state == REFLECTOR_DENIED)
        log_info("kube.discovery", "CRDs may not be watched: a kind that comes or goes is noticed up to a minute later",
                 LOG_S("error", err->msg));
}

static bool start(struct crds *c, struct loop *loop, struct kube_client *client, struct metrics *metrics) {
    struct err err;
    char plural[] = "customresourcedefinitions";
    struct projection *names = projection_new();
    const struct resource resource = {.gvk = gvk_parse(STR("apiextensions.k8s.io/v1/CustomResourceDefinition"), &err), .plural = plural};
    if (names && resource.gvk) c->store = store_new(resource.gvk, names);
    if (c->store) c->reflector = reflector_new(loop, client, &resource, STR(""), c->store, metrics, on_state, c, &err);
    projection_unref(names);
    return c->reflector != NULL;
}

struct crds *crds_new(struct loop *loop, struct kube_client *client, struct metrics *metrics, void (*changed)(struct str group, void *arg),
                      void *arg) {
    struct crds *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    *c = (struct crds){.changed = changed, .arg = arg};
    if (!start(c, loop, client, metrics)) {
        crds_free(c);
        return NULL;
    }
    reflector_metadata_only(c->reflector);
    store_on_change(c->store, on_change, c);
    return c;
}

void crds_free(struct crds *c) {
    if (!c) return;
    reflector_free(c->reflector);
    store_free(c->store);
    free(c);
}
