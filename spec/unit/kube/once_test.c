/* A cluster that is read once: every page of a list, again where that fails, and no watch. */
#include "kube/api.h"

#include "kube/cluster.h"

static const char KINDS[] = "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"v1\",\"resources\":[{\"name\":\"pods\","
                            "\"kind\":\"Pod\",\"namespaced\":true,\"verbs\":[\"get\",\"list\",\"watch\"]}]}";

#define LIST(token, name)                                                                                                                  \
    "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"" token                            \
    "\"},\"items\":[{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"x\"}}]}"

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    bool *failed = api->arg;
    (void)nth;
    if (strcmp(q->path, "/api/v1/pods") != 0)
        api_json(x, 200, KINDS);
    else if (!*failed && (*failed = true))
        api_status(x, 503, "ServiceUnavailable", "not now", 0);
    else
        api_json(x, 200, q->token[0] ? LIST("", "b") : LIST("more", "a"));
}

static void on_ready(void *arg) { ((struct api *)arg)->flag = true; }

static void each_page_is_asked_for_and_nothing_is_watched(void **state) {
    struct api *api = *state;
    struct err err;
    bool failed = false;
    struct projection *p = projection_new();
    struct cluster_want want = {gvk_parse(STR("v1/Pod"), &err), p, NULL, 0};
    api->arg = &failed;
    api->script = script;
    struct cluster *c = cluster_new(api->loop, api->client, NULL, &err);
    cluster_read_once(c);
    struct cluster_plan *plan = cluster_prepare(c, &want, 1, on_ready, api, &err);
    assert_non_null(plan);
    api_wait(api);
    cluster_commit(c, plan);
    assert_int_equal(cluster_state(c, want.gvk, NULL), REFLECTOR_SYNCED);
    assert_int_equal(store_count(cluster_store(c, want.gvk)), 2);
    size_t asked = api->count;
    api_idle(api, 50);
    assert_int_equal(api->count, asked);
    for (size_t i = 0; i < api->count; i++) assert_false(api->seen[i].watch);
    cluster_free(c);
    projection_unref(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_page_is_asked_for_and_nothing_is_watched, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
