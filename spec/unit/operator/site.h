/*
 * site: an operator, its embedded API server and a relay between them, on one loop, with a random cluster in it.
 */
#ifndef SPEC_OPERATOR_SITE_H
#define SPEC_OPERATOR_SITE_H

#include "random_cluster.h"
#include "relay.h"

#include "devcluster/cluster.h"
#include "devcluster/server.h"
#include "devcluster/tree.h"
#include "kube/cluster_internal.h"
#include "kube/reflector_internal.h"
#include "operator/operator_internal.h"

enum { WAIT_MS = 60000 };

static const char K8SGPT[] =
    "{\"apiVersion\":\"core.k8sgpt.ai/v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"name\":\"k\",\"namespace\":\"default\",\"uid\":\"k\","
    "\"creationTimestamp\":\"2026-03-01T10:00:00Z\"},\"spec\":{\"analysis\":{\"interval\":\"1h\"},\"filters\":[\"Pod\",\"Deployment\","
    "\"ReplicaSet\",\"StatefulSet\",\"Service\",\"PersistentVolumeClaim\",\"Ingress\",\"Node\"]}}";

/* Owners that nobody watches: asked for one by one. */
static const char ROBOT[] =
    "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Robot\",\"metadata\":{\"name\":\"r2\",\"namespace\":\"%s\",\"uid\":"
    "\"Robot.%s.r2.1\",\"creationTimestamp\":\"2026-03-01T10:00:00Z\",\"ownerReferences\":[{\"apiVersion\":"
    "\"example.com/v1\",\"kind\":\"Factory\",\"name\":\"f\",\"uid\":\"Factory.%s\",\"controller\":true}]}}";

/* An operator, its API server and what is between them. */
struct site {
    struct loop *loop;
    struct dev_cluster *server;
    struct relay relay;
    char url[64], origin[8];
    struct kube_config config;
    struct metrics *metrics;
    struct http_client *http;
    struct kube_client *client;
    struct k8s_operator *op;
};

static const bool NEVER = false;

/* ---- the server -------------------------------------------------------------------------------------------------------------- */

static inline void load_text(struct site *s, const char *text) {
    char path[] = "/tmp/interruption-XXXXXX";
    struct err err;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    if (dev_server_load(s->server, path, NULL, &err)) fail_msg("%s", err.msg);
    unlink(path);
}

static inline void store(struct site *s, const struct thing *t) {
    char *text = thing_text(t);
    load_text(s, text);
    free(text);
}

static inline struct dev_collection *collection(const struct site *s, const char *api, const char *kind) {
    return dev_kinds_by_name(&s->server->kinds, api, kind)->objects;
}

static inline void start_server(struct site *s, const struct random_cluster *r) {
    static const char *const crds[] = {"crd/core.k8sgpt.ai_k8sgpts.yaml", "crd/core.k8sgpt.ai_results.yaml",
                                       "crd/core.k8sgpt.ai_mutations.yaml"};
    struct err err;
    s->loop = loop_new(&err);
    s->server = dev_server_new(s->loop, "127.0.0.1:0", &err);
    assert_non_null(s->server);
    for (size_t i = 0; i < sizeof crds / sizeof *crds; i++) assert_int_equal(dev_server_load(s->server, crds[i], NULL, &err), 0);
    for (int ns = 'a'; ns <= 'b'; ns++) {
        char text[512], name[2] = {(char)ns, '\0'};
        snprintf(text, sizeof text, ROBOT, name, name, name);
        load_text(s, text);
    }
    for (size_t i = 0; i < r->count; i++)
        if (r->things[i].present) store(s, &r->things[i]);
    load_text(s, K8SGPT);
}

/* ---- the operator ------------------------------------------------------------------------------------------------------------ */

static inline void start_operator(struct site *s, uint16_t port) {
    struct operator_options options = {.loop = s->loop,
                                       .engine = "embedded",
                                       .cluster_name = "",
                                       .builtin_dir = "policies",
                                       .lua_dir = "lua",
                                       .version = "1",
                                       .revision = "r",
                                       .no_grace = true};
    struct err err;
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", port);
    snprintf(s->origin, sizeof s->origin, "test");
    s->config = (struct kube_config){.server = s->url, .origin = s->origin};
    options.metrics = s->metrics = metrics_new();
    options.writes = s->http = http_client_new(s->loop, "test", &err);
    options.client = s->client = kube_client_new(s->loop, s->http, &s->config, s->metrics, &err);
    s->op = operator_new(&options, &err);
    if (!s->op) fail_msg("%s", err.msg);
}

static inline void end_site(struct site *s) {
    operator_free(s->op);
    kube_client_free(s->client);
    http_client_free(s->http);
    metrics_free(s->metrics);
    if (s->relay.uv) relay_stop(&s->relay);
    dev_server_free(s->server);
    (void)loop_run_until(s->loop, &NEVER, 10);
    loop_free(s->loop);
}

/* Until every watch is open again, and two good minutes: the next attempt after a cut comes after 0.8 s again. */
static inline void await_watches(struct site *s) {
    struct entry *e;
    for (size_t i = 0, waits = 0; (e = ptrset_next(&s->op->cluster->entries, &i));) {
        struct reflector *r = e->source_count ? e->sources[0].reflector : NULL;
        if (r && r->call && r->watch) {
            r->backoff = (struct backoff){0};
            continue;
        }
        if (waits++ > WAIT_MS) fail_msg("%s is not watched", e->gvk->text);
        (void)loop_run_until(s->loop, &NEVER, 1);
        i = 0;
    }
}

static inline void ticked(struct deadline *d) { (void)d; }

/* A clock that stands still wakes nobody: something that is due already does. */
static inline void set_time(struct site *s, int64_t now_ms) {
    static struct deadline tick = {.fire = ticked};
    struct err err;
    clock_fix_wall(now_ms);
    assert_int_equal(deadline_set(s->op->deadlines, &tick, 0, &err), 0);
    while (tick.slot) (void)loop_run_until(s->loop, &NEVER, 1);
}

static inline bool is_quiet(const struct site *s) {
    const char *why;
    bool quiet = operator_ready(s->op, &why) && diagnosis_pending(s->op->diagnosis) == 0;
    for (const struct tenant *t = s->op->tenants; t; t = t->hh.next)
        quiet &= !t->run && !t->work.queued && !t->work.again && !findings_any_dirty(t->findings);
    return quiet && s->op->tenants;
}

static inline void await_quiet(struct site *s) {
    for (int64_t until_us = clock_mono_us() + WAIT_MS * 1000LL; !is_quiet(s);) {
        assert_true(clock_mono_us() < until_us);
        (void)loop_run_until(s->loop, &NEVER, 5);
    }
}

#endif
