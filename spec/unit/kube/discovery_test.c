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

/* ---- aggregated discovery ------------------------------------------------------------------------------------------------------- */

static enum { AGGREGATED, PLAIN, CUT_OFF, SILENT } overview;

static void on_closed(void *arg) { (void)arg; }

#define VERBS "\"verbs\":[\"get\",\"list\",\"watch\"]"
#define RESOURCE(plural, kind, scope)                                                                                                      \
    "{\"resource\":\"" plural "\",\"responseKind\":{\"group\":\"\",\"version\":\"\",\"kind\":\"" kind "\"},\"scope\":\"" scope             \
    "\",\"singularResource\":\"x\"," VERBS ",\"subresources\":[{\"subresource\":\"status\",\"verbs\":[\"get\"]}]}"
#define VERSION(version, freshness, resources) "{\"version\":\"" version "\",\"freshness\":\"" freshness "\",\"resources\":[" resources "]}"
#define GROUP(name, versions) "{\"metadata\":{\"name\":\"" name "\"},\"versions\":[" versions "]}"
#define GROUPS(groups)                                                                                                                     \
    "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/v2\",\"metadata\":{},\"items\":[" groups "]}"

static void script_overview(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    bool core = strcmp(q->path, "/api") == 0, groups = strcmp(q->path, "/apis") == 0;
    struct str accept = http_header(x, "Accept");
    if (core || groups) assert_non_null(memmem(accept.p, accept.n, "v=v2;as=APIGroupDiscoveryList", 29));
    if (core && overview == AGGREGATED)
        api_json(
            x, 200,
            GROUPS(GROUP("", VERSION("v1", "Current", RESOURCE("pods", "Pod", "Namespaced") "," RESOURCE("nodes", "Node", "Cluster")))));
    else if (groups && overview == AGGREGATED)
        api_json(
            x, 200,
            GROUPS(
                GROUP("apps", VERSION("v2", "Current", RESOURCE("wrong", "Deployment", "Namespaced")) "," VERSION(
                                  "v1", "Current", RESOURCE("deployments", "Deployment", "Namespaced"))) "," //
                GROUP("batch", VERSION("v1", "Current", RESOURCE("jobs", "Job", "Namespaced"))) ","          //
                GROUP("policy", VERSION("v1", "Current", RESOURCE("poddisruptionbudgets", "PodDisruptionBudget", "Namespaced"))) "," GROUP(
                    "broken", VERSION("v1", "Stale", RESOURCE("things", "Thing", "Namespaced")))));
    else if (groups && overview == CUT_OFF)
        api_json(x, 200, "{\"items\":[" GROUP("batch", VERSION("v1", "Current", RESOURCE("jobs", "Job", "Namespaced"))) ",{\"metad");
    else if (overview == SILENT)
        http_stream_begin(x, 200, "application/json", 1024, on_closed, NULL);
    else if (core || groups)
        api_json(x, 200, "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[{\"name\":\"apps\"}]}");
    else if (strcmp(q->path, "/api/v1") == 0)
        api_json(x, 200, "{\"resources\":[{\"name\":\"pods\",\"namespaced\":true,\"kind\":\"Pod\"," VERBS "}]}");
    else if (strcmp(q->path, "/apis/policy/v1") == 0)
        api_json(x, 200,
                 "{\"resources\":[{\"name\":\"poddisruptionbudgets\",\"namespaced\":true,\"kind\":\"PodDisruptionBudget\"," VERBS "}]}");
    else if (strcmp(q->path, "/apis/batch/v1") == 0)
        api_json(x, 200, "{\"resources\":[{\"name\":\"jobs\",\"namespaced\":true,\"kind\":\"Job\"," VERBS "}]}");
    else
        script(api, x, q, nth);
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

static bool was_asked(const struct api *api, const char *path) {
    for (size_t i = 0; i < api->count; i++) {
        if (strcmp(api->seen[i].path, path) == 0) return true;
    }
    return false;
}

static struct discovery *start_overview(struct api *api, int form) {
    struct discovery *d = start(api);
    api->script = script_overview;
    overview = form;
    return d;
}

static void kinds_of_many_group_versions_take_two_requests(void **state) {
    struct api *api = *state;
    struct discovery *d = start_overview(api, AGGREGATED);
    struct answer pod, node, web, job, budget;
    ask(api, d, "v1/Pod", &pod);
    ask(api, d, "v1/Node", &node);
    ask(api, d, "apps/v1/Deployment", &web);
    ask(api, d, "batch/v1/Job", &job);
    ask(api, d, "policy/v1/PodDisruptionBudget", &budget);
    api_wait(api);
    assert_int_equal(api->count, 2);
    assert_true(was_asked(api, "/api") && was_asked(api, "/apis"));
    assert_string_equal(pod.found.plural, "pods");
    assert_true(pod.found.namespaced && pod.found.watchable && pod.found.has_status);
    assert_string_equal(node.found.plural, "nodes");
    assert_false(node.found.namespaced);
    assert_string_equal(web.found.plural, "deployments");
    assert_string_equal(job.found.plural, "jobs");
    assert_string_equal(budget.found.plural, "poddisruptionbudgets");
    discovery_free(d);
}

static void what_an_overview_does_not_vouch_for_is_asked_for_by_itself(void **state) {
    struct api *api = *state;
    struct discovery *d = start_overview(api, AGGREGATED);
    struct answer pod, web, job, stale, absent, group;
    ask(api, d, "v1/Pod", &pod);
    ask(api, d, "apps/v1/Deployment", &web);
    ask(api, d, "batch/v1/Job", &job);
    ask(api, d, "broken/v1/Thing", &stale);
    ask(api, d, "apps/v1/Absent", &absent);
    ask(api, d, "none.example/v1/Absent", &group);
    api_wait(api);
    assert_int_equal(api->count, 5);
    assert_true(was_asked(api, "/apis/broken/v1") && was_asked(api, "/apis/apps/v1") && was_asked(api, "/apis/none.example/v1"));
    assert_int_equal(stale.err.code, ERR_SERVER);
    assert_int_equal(absent.err.code, ERR_NOT_FOUND);
    assert_int_equal(group.err.code, ERR_NOT_FOUND);
    assert_string_equal(web.found.plural, "deployments");
    discovery_free(d);
}

static void without_an_overview_each_is_asked_for(void **state) {
    for (int form = PLAIN; form <= CUT_OFF; form++) {
        struct api *api = *state;
        struct discovery *d = start_overview(api, form);
        struct answer pod, web, job, budget;
        ask(api, d, "v1/Pod", &pod);
        ask(api, d, "apps/v1/Deployment", &web);
        ask(api, d, "batch/v1/Job", &job);
        ask(api, d, "policy/v1/PodDisruptionBudget", &budget);
        api_wait(api);
        assert_string_equal(pod.found.plural, "pods");
        assert_string_equal(web.found.plural, "deployments");
        assert_string_equal(job.found.plural, "jobs");
        assert_string_equal(budget.found.plural, "poddisruptionbudgets");
        discovery_free(d);
    }
}

static void what_is_doubted_is_asked_for_again(void **state) {
    struct api *api = *state;
    struct discovery *d = start(api);
    struct answer web;
    for (size_t i = 1; i <= 2; i++) {
        ask(api, d, "apps/v1/Deployment", &web);
        api_wait(api);
        assert_int_equal(api->count, i);
        assert_string_equal(web.found.plural, "deployments");
        discovery_doubt(d, gvk("apps/v1/Deployment"));
        assert_string_equal(discovery_known(d, gvk("apps/v1/Deployment"))->plural, "deployments");
    }
    discovery_free(d);
}

static void who_waits_for_an_overview_can_go(void **state) {
    struct api *api = *state;
    struct discovery *d = start_overview(api, SILENT);
    struct answer gone, left[3];
    ask(api, d, "v1/Pod", &gone);
    ask(api, d, "apps/v1/Deployment", &left[0]);
    ask(api, d, "batch/v1/Job", &left[1]);
    ask(api, d, "policy/v1/PodDisruptionBudget", &left[2]);
    while (api->count < 2) api_idle(api, 1);
    discovery_forget(d, &gone);
    discovery_free(d);
    assert_false(gone.called);
    assert_int_equal(left[0].err.code, ERR_CANCELLED);
    assert_int_equal(left[2].err.code, ERR_CANCELLED);
    api_idle(api, 20);
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
        TEST(what_is_doubted_is_asked_for_again),
        TEST(kinds_of_many_group_versions_take_two_requests),
        TEST(what_an_overview_does_not_vouch_for_is_asked_for_by_itself),
        TEST(without_an_overview_each_is_asked_for),
        TEST(who_waits_for_an_overview_can_go),
        TEST(who_forgets_is_not_told_and_who_waits_at_the_end_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
