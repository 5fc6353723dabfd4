/*
 * pods: a world with one analyzer, T, that a test writes; what it reads are Pods, ConfigMaps and Nodes.
 */
#ifndef SPEC_OPERATOR_PODS_H
#define SPEC_OPERATOR_PODS_H

#include "world.h"

/* An analyzer of pods called T. `declare` comes before the function, `body` is its inside. */
static inline void write_policy(struct world *w, const char *layer, const char *declare, const char *body) {
    char path[128], text[4096];
    snprintf(path, sizeof path, "%s/analyzers/T/policy.lua", layer);
    snprintf(text, sizeof text,
             "return { api = 1, kind = 'analyzer', name = 'T', description = 'test', fields = { 'spec', 'status.phase' },\n"
             "  watches = { 'v1/Pod', { 'v1/ConfigMap', fields = { 'data' } }, { 'v1/Node', fields = { 'spec' } } },\n"
             "  %s\n  run = function(ctx, pod) %s end }\n",
             declare, body);
    fx_write(&w->fx, path, text);
}

static inline void put_pod(struct world *w, const char *name, const char *app, const char *phase) {
    world_put(
        w,
        document("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"a\",\"name\":\"%s\",\"labels\":{\"app\":\"%s\"}},"
                 "\"spec\":{},\"status\":{\"phase\":\"%s\"}}",
                 name, app, phase));
}

static inline void put_map(struct world *w, const char *name, const char *value) {
    world_put(
        w, document(
               "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"namespace\":\"a\",\"name\":\"%s\"},\"data\":{\"v\":\"%s\"}}",
               name, value));
}

static inline void put_node(struct world *w, const char *name, int n) {
    world_put(w, document("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\"},\"spec\":{\"n\":%d}}", name, n));
}

static const char RULES[] = "rules = { r = { severity = 'low' } },";

static inline void start(struct world *w) {
    world_open(w);
    world_start(w);
}

static inline int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    world_new(w);
    *state = w;
    return 0;
}

static inline int teardown(void **state) {
    world_free(*state);
    free(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
