/* Kinds that come and go with their definitions, against the embedded API server. */
#include "kube/dev.h"

#include "devcluster/cluster.h"
#include "kube/cluster_internal.h"
#include "kube/lists.h"

enum { FAR_MS = 60 * 1000 };

static const char WIDGET[] = "example.com/v1/Widget", CRD[] = "apiextensions.k8s.io/v1/CustomResourceDefinition";

#define VERSION(name, served, storage)                                                                                                     \
    "{\"name\":\"" name "\",\"served\":" served ",\"storage\":" storage ",\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}"
#define WIDGETS(versions)                                                                                                                  \
    "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":\"widgets.example.com\"},"   \
    "\"spec\":{\"group\":\"example.com\",\"scope\":\"Namespaced\",\"names\":{\"kind\":\"Widget\",\"plural\":\"widgets\"},\"versions\":"    \
    "[" versions "]}}"
#define A_WIDGET "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"w\",\"namespace\":\"default\"}}"

static void define(struct fixture *f) { create(f, CRD, "customresourcedefinitions", "", WIDGETS(VERSION("v1", "true", "true"))); }

static void change(struct fixture *f, enum kube_verb verb, const char *text) {
    char plural[] = "customresourcedefinitions";
    const struct resource resource = {.gvk = gvk(CRD), .plural = plural};
    struct doc *body = *text ? decode(text) : NULL;
    const struct kube_request request = {
        .verb = verb, .resource = &resource, .name = STR("widgets.example.com"), .body = doc_root(body), .done = on_created, .arg = f};
    struct err err;
    assert_int_equal(kube_send(f->client, &request, NULL, &err), 0);
    doc_unref(body);
}

static void await_state(struct fixture *f, enum reflector_state state) {
    while (cluster_state(f->cluster, gvk(WIDGET), NULL) != state) wait_for(f);
}

/* The back-off has grown: left to it, nobody would look again within this test. */
static void make_back_off_long(struct fixture *f) {
    struct entry *e = entry_set_find(&f->cluster->entries, gvk(WIDGET));
    e->backoff.delay_ms = BACKOFF_LAST_MS;
    timer_start(e->retry, FAR_MS);
}

static void await_watch(struct fixture *f) {
    const bool never = false;
    while (!f->server->watches) (void)loop_run_until(f->loop, &never, 1);
}

static void a_kind_comes_with_its_definition(void **state) {
    struct fixture *f = *state;
    use(f, WIDGET, "");
    assert_int_equal(cluster_state(f->cluster, gvk(WIDGET), NULL), REFLECTOR_MISSING);
    await_watch(f); /* of definitions: there is no other yet */
    make_back_off_long(f);
    define(f);
    await_state(f, REFLECTOR_SYNCED);
    f->changes = 0;
    create(f, WIDGET, "widgets", "default", A_WIDGET);
    while (!f->changes) wait_for(f);
}

static struct fixture *with_a_widget(void **state) {
    struct fixture *f = *state;
    define(f);
    create(f, WIDGET, "widgets", "default", A_WIDGET);
    use(f, WIDGET, "");
    assert_int_equal(store_count(cluster_store(f->cluster, gvk(WIDGET))), 1);
    f->deletions = 0;
    return f;
}

static void assert_gone(struct fixture *f) {
    const struct err *why;
    await_state(f, REFLECTOR_MISSING);
    (void)cluster_state(f->cluster, gvk(WIDGET), &why);
    assert_int_equal(why->code, ERR_NOT_FOUND);
    assert_int_equal(f->state, REFLECTOR_MISSING);
    assert_int_equal(store_count(cluster_store(f->cluster, gvk(WIDGET))), 0);
    assert_int_equal(f->deletions, 1);
}

static void objects_go_with_their_definition_and_come_back_with_it(void **state) {
    struct fixture *f = with_a_widget(state);
    change(f, KUBE_DELETE, "");
    assert_gone(f);
    make_back_off_long(f);
    define(f);
    await_state(f, REFLECTOR_SYNCED);
    assert_int_equal(store_count(cluster_store(f->cluster, gvk(WIDGET))), 0);
}

static void a_version_that_is_served_no_longer_is_gone(void **state) {
    struct fixture *f = with_a_widget(state);
    change(f, KUBE_MERGE_PATCH, "{\"spec\":{\"versions\":[" VERSION("v1", "false", "false") "," VERSION("v2", "true", "true") "]}}");
    assert_gone(f);
}

/* ---- a server that says one thing and does another ------------------------------------------------------------------------------ */

static struct {
    bool serves, lists;
    struct http_exchange *watch;
    size_t asked; /* discovery */
} site;

static void on_closed(void *arg) { (void)arg; }

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth;
    if (strcmp(q->path, "/apis/example.com/v1") == 0) {
        site.asked++;
        site.serves ? api_json(x, 200, "{\"resources\":[{\"name\":\"widgets\",\"kind\":\"Widget\",\"verbs\":[\"list\",\"watch\"]}]}")
                    : api_status(x, 503, "ServiceUnavailable", "the API server behind is down", 0);
    } else if (strcmp(q->path, "/apis/example.com/v1/widgets") != 0) {
        api_status(x, 403, "Forbidden", "definitions are not for you", 0);
    } else if (!site.lists) {
        api_status(x, 404, "NotFound", "the server could not find the requested resource", 0);
        api->flag = true;
    } else if (q->watch) {
        site.watch = x;
        http_stream_begin(x, 200, "application/json", 1024, on_closed, NULL);
        api->flag = true;
    } else {
        api_json(x, 200,
                 "{\"metadata\":{\"resourceVersion\":\"2\"},\"items\":[{\"metadata\":{\"name\":\"w\",\"resourceVersion\":\"1\"}}]}");
    }
}

static void on_api_ready(void *arg) { (void)arg; }

static struct cluster *synced(struct api *api) {
    struct err err;
    struct projection *p = projection_new();
    const struct cluster_want want = {.gvk = gvk(WIDGET), .projection = p};
    struct cluster *c = cluster_new(api->loop, api->client, api->metrics, &err);
    api->script = script;
    lists_refused(api->client); /* the script answers lists */
    memset(&site, 0, sizeof site);
    site.serves = site.lists = true;
    cluster_commit(c, cluster_prepare(c, &want, 1, on_api_ready, api, &err));
    projection_unref(p);
    while (!site.watch) api_wait(api);
    assert_int_equal(cluster_state(c, gvk(WIDGET), NULL), REFLECTOR_SYNCED);
    return c;
}

/* Ends the watch; the collection is not found for a while. */
static void lose_collection(struct api *api, struct cluster *c) {
    static const char bookmark[] = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"2\"}}}\n";
    site.lists = false;
    http_stream_write(site.watch, str_of(bookmark));
    http_stream_end(site.watch);
    site.watch = NULL;
    while (site.asked < 2) api_idle(api, 1);
    api_idle(api, 50); /* for the answer */
    assert_int_equal(cluster_state(c, gvk(WIDGET), NULL), REFLECTOR_SYNCING);
    assert_int_equal(store_count(cluster_store(c, gvk(WIDGET))), 1);
    site.lists = true;
    while (!site.watch) api_wait(api);
    while (cluster_state(c, gvk(WIDGET), NULL) != REFLECTOR_SYNCED) api_idle(api, 1);
    assert_int_equal(store_count(cluster_store(c, gvk(WIDGET))), 1);
}

static void a_collection_that_is_not_found_though_it_is_served_keeps_its_objects(void **state) {
    struct api *api = *state;
    struct cluster *c = synced(api);
    lose_collection(api, c);
    cluster_free(c);
}

static void a_collection_that_is_not_found_keeps_its_objects_while_discovery_fails(void **state) {
    struct api *api = *state;
    struct cluster *c = synced(api);
    site.serves = false;
    lose_collection(api, c);
    cluster_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TEST_API(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_kind_comes_with_its_definition),
        TEST(objects_go_with_their_definition_and_come_back_with_it),
        TEST(a_version_that_is_served_no_longer_is_gone),
        TEST_API(a_collection_that_is_not_found_though_it_is_served_keeps_its_objects),
        TEST_API(a_collection_that_is_not_found_keeps_its_objects_while_discovery_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
