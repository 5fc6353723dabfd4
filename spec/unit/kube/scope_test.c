/* Rights in some namespaces only: one watch a namespace, and each with a state of its own. */
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

static const struct gvk *gvk(const char *text) {
    struct err err;
    return gvk_parse(str_of(text), &err);
}

static void on_closed(void *arg) { (void)arg; }

#define PODS(ns, name)                                                                                                                     \
    "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" ns                        \
    "\",\"resourceVersion\":\"1\"}}]}"

static void answer(struct api *api, struct http_exchange *x, const struct seen *q, const char *list) {
    if (!q->watch) {
        api_json(x, 200, list);
        return;
    }
    if (strstr(q->path, "/b/")) site.watch_b = x;
    http_stream_begin(x, 200, "application/json", 1024, on_closed, api);
}

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth;
    if (strcmp(q->path, "/api/v1") == 0)
        api_json(x, 200,
                 "{\"resources\":[{\"name\":\"pods\",\"kind\":\"Pod\",\"namespaced\":true,\"verbs\":[\"list\",\"watch\"]},"
                 "{\"name\":\"nodes\",\"kind\":\"Node\",\"verbs\":[\"list\",\"watch\"]}]}");
    else if (strcmp(q->path, "/api/v1/namespaces/a/pods") == 0)
        answer(api, x, q, PODS("a", "one"));
    else if (strcmp(q->path, "/api/v1/namespaces/b/pods") == 0 && site.b_is_open)
        answer(api, x, q, PODS("b", "two"));
    else
        api_status(x, 403, "Forbidden", "that is forbidden", 0);
}

static void on_ready(void *arg) { ((struct api *)arg)->flag = true; }

static void on_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    (void)store;
    (void)before;
    (void)arg;
    site.changes++;
    site.deletions += after == NULL;
}

static void on_state(const struct gvk *kind, struct str ns, enum reflector_state state, const struct err *err, void *arg) {
    (void)err;
    if (kind != gvk("v1/Pod")) return;
    site.states++;
    site.state = state;
    api_copy(site.ns, sizeof site.ns, ns);
    ((struct api *)arg)->flag = true;
}

static struct cluster *start(struct api *api, bool b_is_open) {
    struct err err;
    struct cluster *c = cluster_new(api->loop, api->client, api->metrics, &err);
    struct projection *p = projection_new();
    const struct cluster_want wants[] = {{.gvk = gvk("v1/Pod"), .projection = p}, {.gvk = gvk("v1/Node"), .projection = p}};
    api->script = script;
    memset(&site, 0, sizeof site);
    site.b_is_open = b_is_open;
    cluster_watch_only(c, NAMESPACES, 2);
    struct cluster_plan *plan = cluster_prepare(c, wants, 2, on_ready, api, &err);
    projection_unref(p);
    api_wait(api);
    cluster_on_change(c, on_change, NULL);
    cluster_on_state(c, on_state, api);
    cluster_commit(c, plan);
    return c;
}

static enum reflector_state state_in(const struct cluster *c, const char *ns, const struct err **why) {
    return cluster_state_in(c, gvk("v1/Pod"), str_of(ns), why);
}

static void note_denied(struct str ns, const struct err *why, void *arg) {
    char *denied = arg;
    assert_int_equal(why->code, ERR_FORBIDDEN);
    assert_true(ns.n == 1);
    strncat(denied, ns.p, 1);
}

static void assert_denied(const struct cluster *c, const char *namespaces) {
    char denied[8] = "";
    cluster_each_denied(c, gvk("v1/Pod"), note_denied, denied);
    assert_string_equal(denied, namespaces);
}

static bool has(const struct cluster *c, const char *ns, const char *name) {
    return store_get(cluster_store(c, gvk("v1/Pod")), str_of(ns), str_of(name)) != NULL;
}

static void each_namespace_has_a_state_of_its_own(void **state) {
    struct api *api = *state;
    const struct err *why;
    struct cluster *c = start(api, false);
    assert_int_equal(cluster_state(c, gvk("v1/Pod"), &why), REFLECTOR_SYNCED);
    assert_null(why);
    assert_int_equal(state_in(c, "", NULL), REFLECTOR_SYNCED);
    assert_int_equal(state_in(c, "a", &why), REFLECTOR_SYNCED);
    assert_null(why);
    assert_int_equal(state_in(c, "b", &why), REFLECTOR_DENIED);
    assert_string_equal(why->msg, "that is forbidden");
    assert_int_equal(state_in(c, "elsewhere", &why), REFLECTOR_DENIED);
    assert_non_null(strstr(why->msg, "--watch-namespace"));
    assert_denied(c, "b");
    assert_true(has(c, "a", "one"));
    assert_true(cluster_all_settled(c));
    cluster_free(c);
}

static void kinds_without_namespaces_are_tried_as_a_whole(void **state) {
    struct api *api = *state;
    struct cluster *c = start(api, true);
    bool tried = false;
    assert_int_equal(cluster_state(c, gvk("v1/Node"), NULL), REFLECTOR_DENIED);
    assert_int_equal(cluster_state_in(c, gvk("v1/Node"), STR("a"), NULL), REFLECTOR_DENIED);
    for (size_t i = 0; i < api->count; i++) {
        tried |= strcmp(api->seen[i].path, "/api/v1/nodes") == 0;
        assert_string_not_equal(api->seen[i].path, "/api/v1/pods");
    }
    assert_true(tried);
    assert_denied(c, "");
    cluster_free(c);
}

static void a_right_that_is_granted_is_noticed_and_told(void **state) {
    struct api *api = *state;
    struct cluster *c = start(api, false);
    site.b_is_open = true;
    while (state_in(c, "b", NULL) != REFLECTOR_SYNCED) api_wait(api);
    assert_int_equal(site.states, 1);
    assert_string_equal(site.ns, "b");
    assert_int_equal(site.state, REFLECTOR_SYNCED);
    assert_int_equal(site.changes, 1);
    assert_true(has(c, "a", "one") && has(c, "b", "two"));
    assert_denied(c, "");
    cluster_free(c);
}

static void a_right_that_is_lost_is_told_and_deletes_nothing(void **state) {
    struct api *api = *state;
    static const char bookmark[] = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"2\"}}}\n";
    struct cluster *c = start(api, true);
    while (!site.watch_b) api_idle(api, 1);
    site.b_is_open = false;
    http_stream_write(site.watch_b, str_of(bookmark));
    http_stream_end(site.watch_b);
    while (state_in(c, "b", NULL) != REFLECTOR_DENIED) api_wait(api);
    assert_int_equal(site.states, 1);
    assert_string_equal(site.ns, "b");
    assert_int_equal(site.state, REFLECTOR_DENIED);
    assert_int_equal(cluster_state(c, gvk("v1/Pod"), NULL), REFLECTOR_SYNCED);
    assert_int_equal(site.deletions, 0);
    assert_true(has(c, "b", "two"));
    assert_denied(c, "b");
    cluster_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_namespace_has_a_state_of_its_own),
        TEST(kinds_without_namespaces_are_tried_as_a_whole),
        TEST(a_right_that_is_granted_is_noticed_and_told),
        TEST(a_right_that_is_lost_is_told_and_deletes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
