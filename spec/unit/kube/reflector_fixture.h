/*
 * reflector_fixture: a reflector of Pods against the scripted API server, what such a server says, and what became of the store.
 */
#ifndef SPEC_KUBE_REFLECTOR_FIXTURE_H
#define SPEC_KUBE_REFLECTOR_FIXTURE_H

#include "kube/api.h"

#include "kube/client_internal.h"
#include "kube/reflector_internal.h"

struct fixture {
    struct store *store;
    struct reflector *reflector;
    enum reflector_state state;
    struct err err;
    size_t deletes;
    const char *until; /* name of the object whose arrival ends api_wait */
};

static const struct resource PODS = {.plural = (char *)(uintptr_t) "pods", .namespaced = true, .watchable = true};

#define OBJECT(name, version) "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"x\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}\n"
#define BOOKMARK(version) "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"
#define INITIAL_END(version)                                                                                                               \
    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" version                                     \
    "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define GONE                                                                                                                               \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Expired\",\"code\":410,\"message\":\"too "    \
    "old\"}}\n"
#define LIST(version, token, items)                                                                                                        \
    "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" token                  \
    "\"},\"items\":[" items "]}"

static inline void on_closed(void *arg) { (void)arg; }

static inline void watch_begin(struct http_exchange *x) { http_stream_begin(x, 200, "application/json", 1 << 20, on_closed, NULL); }

/* A watch that stays open after these events. */
static inline void watch_with(struct http_exchange *x, const char *events) {
    watch_begin(x);
    http_stream_write(x, str_of(events));
}

static inline void on_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    struct api *api = arg;
    struct fixture *f = api->arg;
    (void)store;
    (void)before;
    if (!after)
        f->deletes++;
    else if (f->until && str_is(doc_path_str(doc_root(after), "metadata.name"), f->until))
        api->flag = true;
}

static inline void on_state(struct reflector *r, enum reflector_state state, const struct err *err, void *arg) {
    struct api *api = arg;
    struct fixture *f = api->arg;
    (void)r;
    f->state = state;
    f->err = err ? *err : (struct err){0};
    if (!f->until) api->flag = true;
}

static inline struct store *pod_store(void) {
    struct err err;
    struct projection *p = projection_new();
    struct store *s = store_new(gvk_parse(STR("v1/Pod"), &err), p);
    projection_unref(p);
    return s;
}

static inline struct fixture *start(struct api *api, void (*script)(struct api *, struct http_exchange *, const struct seen *, size_t),
                                    const char *until) {
    struct fixture *f = calloc(1, sizeof *f);
    struct resource pods = PODS;
    struct err err;
    pods.gvk = gvk_parse(STR("v1/Pod"), &err);
    api->arg = f;
    api->script = script;
    f->until = until;
    f->store = pod_store();
    store_on_change(f->store, on_change, api);
    f->reflector = reflector_new(api->loop, api->client, &pods, STR(""), f->store, api->metrics, on_state, api, &err);
    assert_non_null(f->reflector);
    assert_int_equal(api->count, 0);
    return f;
}

static inline void stop(struct fixture *f) {
    reflector_free(f->reflector);
    store_free(f->store);
    free(f);
}

static inline bool has(const struct fixture *f, const char *name) { return store_get(f->store, STR("x"), str_of(name)) != NULL; }

/* Runs the loop until something holds. */
#define AWAIT(api, condition)                                                                                                              \
    do {                                                                                                                                   \
        for (int turns = 0; !(condition); turns++) {                                                                                       \
            if (turns > API_WAIT_MS) fail_msg("never: %s; %zu requests", #condition, (api)->count);                                        \
            api_idle(api, 1);                                                                                                              \
        }                                                                                                                                  \
    } while (0)

static inline size_t lists(const struct api *api) {
    size_t n = 0;
    for (size_t i = 0; i < api->count; i++) n += !api->seen[i].watch;
    return n;
}

static inline double lists_by(const struct api *api, const char *way) {
    static const struct metric_def DEF = {.name = "k8sgpt_lists_total", .help = "", .type = METRIC_COUNTER, .labels = {"resource", "by"}};
    return metric_value(metrics_define(api->metrics, &DEF), METRIC_LABELS(STR("pods"), str_of(way)));
}

static inline double restarts(const struct api *api, const char *reason) {
    static const struct metric_def DEF = {
        .name = "k8sgpt_watch_restarts_total", .help = "", .type = METRIC_COUNTER, .labels = {"resource", "reason"}};
    return metric_value(metrics_define(api->metrics, &DEF), METRIC_LABELS(STR("pods"), str_of(reason)));
}

/* A server that was found not to stream lists. */
static inline int paged_setup(void **state) {
    int rc = api_setup(state);
    struct api *api = *state;
    if (!rc) lists_refused(api->client);
    return rc;
}

/* One that was found to do so. */
static inline int streamed_setup(void **state) {
    int rc = api_setup(state);
    struct api *api = *state;
    if (!rc) lists_streamed(api->client);
    return rc;
}

#endif
