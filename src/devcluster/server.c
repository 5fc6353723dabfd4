#include "devcluster/server.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/cluster.h"
#include "devcluster/discovery.h"
#include "devcluster/memory.h"
#include "devcluster/patch.h"
#include "devcluster/read.h"
#include "devcluster/remove.h"
#include "devcluster/reply.h"
#include "devcluster/review.h"
#include "devcluster/scale.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"
#include "devcluster/watch.h"
#include "devcluster/write.h"

static const struct http_server_limits LIMITS = {
    .connections = 1024, .header_bytes = 64 * 1024, .body_bytes = 64 * 1024 * 1024, .idle_timeout_s = 600, .get_only = false};

struct dev_object *dev_cluster_namespace(const struct dev_cluster *c, const char *name) {
    return dev_storage_get(dev_kinds_by_name(&c->kinds, "v1", "Namespace")->objects, "", name);
}

bool dev_cluster_denies(const struct dev_cluster *c, const struct dev_kind *kind) {
    for (size_t i = 0; i < c->denied_count; i++) {
        const char *slash = strrchr(c->denied[i], '/');
        char *api_version = dev_copy_span(c->denied[i], (size_t)(slash - c->denied[i]));
        bool denied = strcmp(slash + 1, kind->name) == 0 && dev_kind_in(kind, api_version);
        free(api_version);
        if (denied) return true;
    }
    return false;
}

/* What each verb does; each answers itself or returns a Status. */
static const struct {
    const char *verb;
    cJSON *(*serve)(const struct dev_request *r);
} VERBS[] = {
    {"get", dev_read_get},     {"list", dev_read_list},    {"watch", dev_watch_start}, {"create", dev_write_post},
    {"update", dev_write_put}, {"patch", dev_patch_serve}, {"delete", dev_remove_one}, {"deletecollection", dev_remove_collection},
};

/* The subresources that a kind has. */
static cJSON *check_subresource(const struct dev_request *r) {
    const char *s = r->subresource;
    if (!*s || (strcmp(s, "status") == 0 && r->kind->has_status) || (strcmp(s, "scale") == 0 && r->kind->has_scale)) return NULL;
    return dev_status_no_resource();
}

static cJSON *serve(const struct dev_request *r) {
    cJSON *refusal = check_subresource(r);
    if (refusal) return refusal;
    if (strcmp(r->subresource, "scale") == 0) return dev_scale_serve(r);
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++)
        if (strcmp(VERBS[i].verb, r->verb) == 0) return VERBS[i].serve(r);
    return dev_status_method();
}

static void on_request(struct http_exchange *x, void *arg) {
    struct dev_cluster *c = arg;
    struct dev_request r;
    if (str_is(http_method(x), "GET") && dev_discovery(c, x)) return;
    if (dev_review(c, x)) return;
    cJSON *refusal = dev_request_route(&r, c, x);
    if (!refusal) refusal = serve(&r);
    dev_request_free(&r);
    if (refusal) dev_reply_status(x, refusal);
}

static void on_event(const struct dev_event *event, void *arg) { dev_watch_notify(arg, event); }

static int add_namespace(struct dev_cluster *c, const char *name) {
    struct dev_write w = {.cluster = c,
                          .kind = dev_kinds_by_name(&c->kinds, "v1", "Namespace"),
                          .ns = "",
                          .name = name,
                          .subresource = "",
                          .manager = "dev-cluster"};
    struct dev_object *object = NULL;
    cJSON *tree = cJSON_CreateObject();
    tree_set_text(tree_make(tree, "metadata"), "name", name);
    cJSON *refusal = dev_write_create(&w, tree, &object);
    int rc = refusal ? ERR_INVALID : 0;
    cJSON_Delete(refusal);
    dev_object_unref(object);
    return rc;
}

static void init(struct dev_cluster *c) {
    static const char *const NAMESPACES[] = {"default", "kube-system", "kube-public"};
    dev_kinds_init(&c->kinds);
    dev_storage_init(&c->storage, on_event, c);
    for (size_t i = 0; i < c->kinds.count; i++) {
        struct dev_kind *kind = c->kinds.items[i];
        kind->objects = dev_storage_collection(&c->storage, kind->group, kind->plural);
    }
    for (size_t i = 0; i < sizeof NAMESPACES / sizeof *NAMESPACES; i++) (void)add_namespace(c, NAMESPACES[i]);
}

struct dev_cluster *dev_server_new(struct loop *loop, const char *listen, struct err *err) {
    dev_memory_init();
    struct dev_cluster *c = dev_alloc(sizeof *c);
    c->loop = loop;
    init(c);
    c->http = http_server_new(loop, listen, &LIMITS, on_request, c, err);
    if (c->http) return c;
    dev_server_free(c);
    return NULL;
}

void dev_server_free(struct dev_cluster *c) {
    if (!c) return;
    dev_watch_end(c, NULL);
    if (c->http) http_server_free(c->http);
    dev_kinds_free(&c->kinds);
    dev_storage_free(&c->storage);
    for (size_t i = 0; i < c->denied_count; i++) free(c->denied[i]);
    free(c->denied);
    free(c);
}

uint16_t dev_server_port(const struct dev_cluster *c) { return http_server_port(c->http); }

int dev_server_deny(struct dev_cluster *c, const char *gvk, struct err *err) {
    const char *slash = strrchr(gvk, '/');
    if (!slash || slash == gvk || !slash[1]) return err_set(err, ERR_INVALID, "%s: not a kind; write v1/Secret or apps/v1/Deployment", gvk);
    c->denied = dev_resize(c->denied, (c->denied_count + 1) * sizeof(char *));
    c->denied[c->denied_count++] = dev_copy_text(gvk);
    return 0;
}
