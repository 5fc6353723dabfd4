/* Discovery: one question a group-version, shared, remembered where it found something. */
#include "kube/api.h"

#include "kube/discovery.h"

struct answer {
    struct api *api;
    struct resource found;
    struct err err;
    bool called;
};

static int waiting;

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth;
    (void)api;
    if (strcmp(q->path, "/apis/apps/v1") == 0) {
        api_json(x, 200,
                 "{\"kind\":\"APIResourceList\",\"groupVersion\":\"apps/v1\",\"resources\":["
                 "{\"name\":\"deployments/scale\",\"namespaced\":true,\"kind\":\"Scale\",\"verbs\":[\"get\"]},"
                 "{\"name\":\"deployments/status\",\"namespaced\":true,\"kind\":\"Deployment\",\"verbs\":[\"get\"]},"
                 "{\"name\":\"deployments\",\"namespaced\":true,\"kind\":\"Deployment\",\"verbs\":[\"get\",\"list\",\"watch\"]},"
                 "{\"name\":\"things\",\"namespaced\":false,\"kind\":\"Thing\",\"verbs\":[\"create\"]}]}");
    } else if (strcmp(q->path, "/apis/broken/v1") == 0) {
        api_status(x, 503, "ServiceUnavailable", "the aggregated API is down", 0);
    } else {
        http_respond(x, 404, "text/plain", STR("404 page not found\n"));
    }
}

static void on_found(const struct resource *resource, const struct err *err, void *arg) {
    struct answer *a = arg;
    assert_false(a->called);
    a->called = true;
    if (resource) a->found = *resource;
    a->err = err ? *err : (struct err){0};
    assert_true((resource == NULL) == (err != NULL));
    if (--waiting == 0) a->api->flag = true;
}

static const struct gvk *gvk(const char *text) {
    struct err err;
    return gvk_parse(str_of(text), &err);
}

static void ask(struct api *api, struct discovery *d, const char *kind, struct answer *a) {
    *a = (struct answer){.api = api};
    waiting++;
    discovery_resolve(d, gvk(kind), on_found, a);
    assert_false(a->called);
}

static struct discovery *start(struct api *api) {
    api->script = script;
    waiting = 0;
    struct discovery *d = discovery_new(api->client);
    assert_non_null(d);
    return d;
}

static void those_who_ask_at_once_share_a_request(void **state) {
    struct api *api = *state;
    struct discovery *d = start(api);
    struct answer web, again, thing, later;
    ask(api, d, "apps/v1/Deployment", &web);
    ask(api, d, "apps/v1/Deployment", &again);
    ask(api, d, "apps/v1/Thing", &thing);
    api_wait(api);
    assert_int_equal(api->count, 1);
    assert_string_equal(web.found.plural, "deployments");
    assert_true(web.found.namespaced && web.found.watchable && web.found.has_status);
    assert_string_equal(again.found.plural, "deployments");
    assert_string_equal(thing.found.plural, "things");
    assert_false(thing.found.namespaced || thing.found.watchable || thing.found.has_status);
    ask(api, d, "apps/v1/Deployment", &later);
    api_wait(api);
    assert_int_equal(api->count, 1);
    assert_ptr_equal(later.found.plural, web.found.plural);
    assert_ptr_equal(discovery_known(d, gvk("apps/v1/Deployment"))->plural, web.found.plural);
    discovery_free(d);
}

static void what_is_missing_is_asked_for_again(void **state) {
    struct api *api = *state;
    struct discovery *d = start(api);
    struct answer kind, group;
    for (int i = 1; i <= 2; i++) {
        ask(api, d, "apps/v1/Absent", &kind);
        ask(api, d, "none.example/v1/Absent", &group);
        api_wait(api);
        assert_int_equal(api->count, 2 * i);
        assert_int_equal(kind.err.code, ERR_NOT_FOUND);
        assert_int_equal(group.err.code, ERR_NOT_FOUND);
        assert_non_null(strstr(group.err.msg, "none.example/v1/Absent"));
    }
    assert_null(discovery_known(d, gvk("apps/v1/Absent")));
    discovery_free(d);
}

static void a_broken_group_harms_only_itself(void **state) {
    struct api *api = *state;
    struct discovery *d = start(api);
    struct answer broken, web;
    ask(api, d, "broken/v1/Thing", &broken);
    ask(api, d, "apps/v1/Deployment", &web);
    api_wait(api);
    assert_int_equal(broken.err.code, ERR_SERVER);
    assert_int_equal(web.err.code, ERR_NONE);
    discovery_free(d);
}

static void who_forgets_is_not_told_and_who_waits_at_the_end_is(void **state) {
    struct api *api = *state;
    struct discovery *d = start(api);
    struct answer gone, left;
    ask(api, d, "apps/v1/Deployment", &gone);
    ask(api, d, "apps/v1/Deployment", &left);
    discovery_forget(d, &gone);
    discovery_free(d);
    assert_false(gone.called);
    assert_int_equal(left.err.code, ERR_CANCELLED);
    api_idle(api, 20);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(those_who_ask_at_once_share_a_request),
        TEST(what_is_missing_is_asked_for_again),
        TEST(a_broken_group_harms_only_itself),
        TEST(who_forgets_is_not_told_and_who_waits_at_the_end_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
