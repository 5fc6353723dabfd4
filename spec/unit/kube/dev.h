/*
 * dev: a cluster of the embedded API server, and both on one loop.
 */
#ifndef SPEC_KUBE_DEV_H
#define SPEC_KUBE_DEV_H

#include "kube/api.h"

#include "devcluster/server.h"
#include "doc/json.h"
#include "kube/cluster.h"

struct fixture {
    struct loop *loop;
    struct dev_cluster *server;
    struct http_client *http;
    struct kube_config config;
    struct kube_client *client;
    struct cluster *cluster;
    char url[64], origin[8];
    bool flag;
    size_t readies, changes, deletions;
    enum reflector_state state; /* last told */
    struct err err;
};

static inline const struct gvk *gvk(const char *text) {
    struct err err;
    return gvk_parse(str_of(text), &err);
}

static inline void wait_for(struct fixture *f) {
    if (!loop_run_until(f->loop, &f->flag, API_WAIT_MS)) fail_msg("nothing happened");
    f->flag = false;
}

static inline void on_ready(void *arg) {
    struct fixture *f = arg;
    f->readies++;
    f->flag = true;
}

static inline void on_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    struct fixture *f = arg;
    (void)store;
    (void)before;
    f->changes++;
    f->deletions += after == NULL;
    f->flag = true;
}

static inline void on_state(const struct gvk *kind, struct str ns, enum reflector_state state, const struct err *err, void *arg) {
    struct fixture *f = arg;
    (void)kind;
    (void)ns;
    f->state = state;
    f->err = err ? *err : (struct err){0};
    f->flag = true;
}

static inline int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct err err;
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    f->loop = loop_new(&err);
    f->server = dev_server_new(f->loop, "127.0.0.1:0", &err);
    f->http = http_client_new(f->loop, "test", &err);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u", (unsigned)dev_server_port(f->server));
    snprintf(f->origin, sizeof f->origin, "test");
    f->config.server = f->url;
    f->config.origin = f->origin;
    f->client = kube_client_new(f->loop, f->http, &f->config, NULL, &err);
    f->cluster = cluster_new(f->loop, f->client, NULL, &err);
    cluster_on_change(f->cluster, on_change, f);
    cluster_on_state(f->cluster, on_state, f);
    *state = f;
    return f->cluster ? 0 : -1;
}

static inline int teardown(void **state) {
    struct fixture *f = *state;
    cluster_free(f->cluster);
    kube_client_free(f->client);
    http_client_free(f->http);
    if (f->server) dev_server_free(f->server);
    loop_free(f->loop);
    free(f);
    return 0;
}

static inline struct doc *decode(const char *text) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    doc_builder_free(b);
    if (!doc) fail_msg("%s", err.msg);
    return doc;
}

#define CONFIG_MAP(name, value)                                                                                                            \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name                                                         \
    "\",\"namespace\":\"default\"},\"data\":{\"k\":\"" value "\"}}"

static inline void on_created(struct doc *object, const struct err *err, void *arg) {
    struct fixture *f = arg;
    (void)object;
    if (err) fail_msg("%s", err->msg);
    f->flag = true;
}

static inline void create(struct fixture *f, const char *kind, const char *plural, const char *ns, const char *text) {
    char plural_copy[64];
    struct err err;
    snprintf(plural_copy, sizeof plural_copy, "%s", plural);
    const struct resource resource = {.gvk = gvk(kind), .plural = plural_copy, .namespaced = *ns != '\0'};
    struct doc *body = decode(text);
    const struct kube_request request = {
        .verb = KUBE_CREATE, .resource = &resource, .ns = str_of(ns), .body = doc_root(body), .done = on_created, .arg = f};
    assert_int_equal(kube_send(f->client, &request, NULL, &err), 0);
    doc_unref(body);
    wait_for(f);
}

static inline void create_map(struct fixture *f, const char *text) { create(f, "v1/ConfigMap", "configmaps", "default", text); }

/* A want of one kind with one more field ("" for none). */
static inline struct cluster_plan *prepare(struct fixture *f, const char *kind, const char *field, const struct str *index) {
    struct err err;
    struct projection *p = projection_new();
    if (*field) assert_int_equal(projection_add(p, str_of(field), &err), 0);
    const struct cluster_want want = {.gvk = gvk(kind), .projection = p, .indexes = index, .index_count = index != NULL};
    struct cluster_plan *plan = cluster_prepare(f->cluster, &want, 1, on_ready, f, &err);
    projection_unref(p);
    if (!plan) fail_msg("%s", err.msg);
    return plan;
}

static inline void use(struct fixture *f, const char *kind, const char *field) {
    size_t readies = f->readies;
    struct cluster_plan *plan = prepare(f, kind, field, NULL);
    assert_int_equal(f->readies, readies);
    while (f->readies == readies) wait_for(f);
    cluster_commit(f->cluster, plan);
}

#endif
