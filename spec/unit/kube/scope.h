/*
 * scope: a scripted API server with pods in the namespaces a and b, of which b may be closed, and a cluster that watches just these.
 */
#ifndef SPEC_KUBE_SCOPE_H
#define SPEC_KUBE_SCOPE_H

#include "kube/api.h"

#include "kube/cluster.h"

static const char *const NAMESPACES[] = {"a", "b"};

static struct {
    bool b_is_open;
    struct http_exchange *watch_b;
    size_t changes, deletions, states;
    char ns[8]; /* of the last state told */
    enum reflector_state state;
} site;

static inline const struct gvk *gvk(const char *text) {
    struct err err;
    return gvk_parse(str_of(text), &err);
}

static inline void on_closed(void *arg) { (void)arg; }

#define PODS(ns, name)                                                                                                                     \
    "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" ns                        \
    "\",\"resourceVersion\":\"1\"}}]}"

static inline void answer(struct api *api, struct http_exchange *x, const struct seen *q, const char *list) {
    if (q->initial) { /* else 10 s would pass until a streamed list without a mark is given up */
        api_status(x, 422, "Invalid", "sendInitialEvents is forbidden", 0);
        return;
    }
    if (!q->watch) {
        api_json(x, 200, list);
        return;
    }
    if (strstr(q->path, "/b/")) site.watch_b = x;
    http_stream_begin(x, 200, "application/json", 1024, on_closed, api);
}

static inline void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth;
    if (strcmp(q->path, "/api/v1") == 0)
        api_json(x, 200,
                 "{\"resources\":[{\"name\":\"pods\",\"kind\":\"Pod\",\"namespaced\":true,\"verbs\":[\"list\",\"watch\"]},"
                 "{\"name\":\"events\",\"kind\":\"Event\",\"namespaced\":true,\"verbs\":[\"list\",\"watch\"]},"
                 "{\"name\":\"nodes\",\"kind\":\"Node\",\"verbs\":[\"list\",\"watch\"]}]}");
    else if (strcmp(q->path, "/api/v1/namespaces/a/events") == 0)
        answer(api, x, q, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}");
    else if (strcmp(q->path, "/api/v1/namespaces/a/pods") == 0)
        answer(api, x, q, PODS("a", "one"));
    else if (strcmp(q->path, "/api/v1/namespaces/b/pods") == 0 && site.b_is_open)
        answer(api, x, q, PODS("b", "two"));
    else
        api_status(x, 403, "Forbidden", "that is forbidden", 0);
}

static inline void on_ready(void *arg) { ((struct api *)arg)->flag = true; }

static inline void on_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    (void)store;
    (void)before;
    (void)arg;
    site.changes++;
    site.deletions += after == NULL;
}

static inline void on_state(const struct gvk *kind, struct str ns, enum reflector_state state, const struct err *err, void *arg) {
    (void)err;
    if (kind != gvk("v1/Pod")) return;
    site.states++;
    site.state = state;
    api_copy(site.ns, sizeof site.ns, ns);
    ((struct api *)arg)->flag = true;
}

static inline struct cluster *start(struct api *api, bool b_is_open) {
    struct err err;
    struct cluster *c = cluster_new(api->loop, api->client, api->metrics, &err);
    struct projection *p = projection_new();
    static const struct str index = {"involvedObject.name", 19};
    const struct cluster_want wants[] = {{.gvk = gvk("v1/Pod"), .projection = p},
                                         {.gvk = gvk("v1/Node"), .projection = p},
                                         {.gvk = gvk("v1/Event"), .projection = p, .indexes = &index, .index_count = 1}};
    api->script = script;
    memset(&site, 0, sizeof site);
    site.b_is_open = b_is_open;
    cluster_watch_only(c, NAMESPACES, 2);
    struct cluster_plan *plan = cluster_prepare(c, wants, 3, on_ready, api, &err);
    projection_unref(p);
    api_wait(api);
    cluster_on_change(c, on_change, NULL);
    cluster_on_state(c, on_state, api);
    cluster_commit(c, plan);
    return c;
}

/* Rights are looked at when a watch begins: it is ended. */
static inline void close_b(struct api *api, const struct cluster *c) {
    static const char bookmark[] = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"2\"}}}\n";
    while (!site.watch_b) api_idle(api, 1);
    site.b_is_open = false;
    http_stream_write(site.watch_b, str_of(bookmark));
    http_stream_end(site.watch_b);
    while (cluster_state_in(c, gvk("v1/Pod"), STR("b"), NULL) != REFLECTOR_DENIED) api_wait(api);
}

#endif
