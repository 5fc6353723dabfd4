/* One-shot diagnosis: what a report says of analyzers that could not look, of a server that keeps silent, and of bad reports. */
#include "kube/api.h"

#include "document.h"
#include "script/fixture.h"

#include "operator/oneshot.h"

/* It reads a ConfigMap for the pod called reader. */
static const char ANALYZER[] =
    "return { api = 1, kind = 'analyzer', name = 'T', description = 'test', watches = { 'v1/Pod', 'v1/ConfigMap' },\n"
    "  fields = {}, rules = { r = { severity = 'low' } },\n"
    "  run = function(ctx, pod)\n"
    "    if pod.metadata.name == 'reader' then ctx.get('v1/ConfigMap', 'a', 'm') end\n"
    "    return { { rule = 'r', text = 'it ' .. pod.metadata.name } } end }\n";

static const char CR[] =
    "{\"apiVersion\":\"core.k8sgpt.ai/v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"name\":\"k\",\"namespace\":\"\"}}";

static const char KINDS[] = "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"v1\",\"resources\":[{\"name\":\"pods\","
                            "\"kind\":\"Pod\",\"namespaced\":true,\"verbs\":[\"get\",\"list\",\"watch\"]}]}";

enum { TIMEOUT_MS = 2000 }; /* memcheck takes its time, too */

/* What became of the diagnosis of one analyzer. */
struct world {
    struct fixture fx;
    struct cluster *cluster;
    struct oneshot *oneshot;
    struct doc *report;
    struct err err;
    int waits;
};

static void waiting(void *arg) { ((struct world *)arg)->waits++; }

/* `render`: the inside of a report policy R; NULL: there is none. */
static struct world *open_world(struct api *api, const char *render) {
    struct world *w = calloc(1, sizeof *w);
    char report[256];
    fx_new(&w->fx);
    fx_write(&w->fx, "builtin/analyzers/T/policy.lua", ANALYZER);
    snprintf(report, sizeof report, "return { api = 1, kind = 'report', name = 'R', render = function() %s end }", render ? render : "");
    if (render) fx_write(&w->fx, "builtin/reports/R/policy.lua", report);
    if (!fx_load(&w->fx, false)) fail_msg("%s", w->fx.err.msg);
    w->cluster = api ? cluster_new(api->loop, api->client, NULL, &w->err) : cluster_new_offline();
    struct oneshot_options options = {
        .loop = api ? api->loop : NULL,
        .cluster = w->cluster,
        .bundle = w->fx.bundle,
        .cr = fx_add(&w->fx, CR),
        .grace_s = -1,
        .timeout_ms = TIMEOUT_MS,
        .waiting = waiting,
        .arg = w,
    };
    w->oneshot = oneshot_new(&options, &w->err);
    assert_non_null(w->oneshot);
    return w;
}

static void diagnose(struct world *w) {
    if (oneshot_read(w->oneshot, &w->err) || oneshot_diagnose(w->oneshot, &w->err)) fail_msg("%s", w->err.msg);
    w->report = oneshot_report(w->oneshot, NULL, &w->err);
    assert_non_null(w->report);
}

static void close_world(struct world *w) {
    doc_unref(w->report);
    oneshot_free(w->oneshot);
    cluster_free(w->cluster);
    fx_free(&w->fx);
    free(w);
}

/* "STATE REASON" of the analyzer. */
static void assert_state(const struct world *w, const char *state, const char *reason) {
    struct doc_value analyzer = doc_at(doc_path(doc_root(w->report), "analyzers"), 0);
    assert_str(doc_path_str(analyzer, "state"), state);
    if (!strstr(doc_path_str(analyzer, "reason").p, reason)) fail_msg("%s", doc_path_str(analyzer, "reason").p);
}

static void on_closed(void *arg) { (void)arg; }

/* A list that begins and never goes on. */
static void silence(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth, (void)api;
    if (strcmp(q->path, "/api/v1/pods") == 0)
        http_stream_begin(x, 200, "application/json", 1000, on_closed, NULL);
    else
        api_json(x, 200, KINDS);
}

static void denial(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth, (void)api;
    if (strcmp(q->path, "/api/v1/pods") == 0)
        api_status(x, 403, "Forbidden", "pods are none of your business", 0);
    else
        api_json(x, 200, KINDS);
}

static void no_pods(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth, (void)q, (void)api;
    api_json(x, 200, "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"v1\",\"resources\":[]}");
}

static void test_a_silent_server_is_given_up(void **state) {
    struct api *api = *state;
    api->script = silence;
    struct world *w = open_world(api, NULL);
    diagnose(w);
    assert_int_equal(oneshot_unread(w->oneshot), 1);
    assert_int_equal(oneshot_failing(w->oneshot), 0);
    assert_state(w, "unread", "v1/Pod is not synced yet");
    assert_true(w->waits > 0);
    close_world(w);
}

static void test_a_denied_kind_is_unread(void **state) {
    struct api *api = *state;
    api->script = denial;
    struct world *w = open_world(api, NULL);
    diagnose(w);
    assert_int_equal(oneshot_unread(w->oneshot), 1);
    assert_state(w, "unread", "pods are none of your business");
    close_world(w);
}

static void test_a_kind_that_is_not_served_is_no_lack(void **state) {
    struct api *api = *state;
    api->script = no_pods;
    struct world *w = open_world(api, NULL);
    diagnose(w);
    assert_int_equal(oneshot_unread(w->oneshot), 0);
    assert_state(w, "inactive", "v1/Pod is not served by this cluster");
    close_world(w);
}

static void put_pod(struct world *w, const char *ns, const char *name) {
    struct doc *pod = document(
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\",\"uid\":\"u-%s\"}}", ns, name, name);
    assert_int_equal(cluster_load(w->cluster, pod, &w->err), 0);
    doc_unref(pod);
}

static void test_a_report_is_in_order_whatever_came_first(void **state) {
    static const char *const order[] = {"a/y", "b/x", "b/z"};
    struct world *w = open_world(NULL, NULL);
    (void)state;
    put_pod(w, "b", "z");
    put_pod(w, "a", "y");
    put_pod(w, "b", "x");
    diagnose(w);
    struct doc_value groups = doc_path(doc_root(w->report), "groups");
    assert_int_equal(oneshot_problems(w->oneshot), 3);
    assert_int_equal(doc_len(groups), 3);
    for (size_t i = 0; i < 3; i++) {
        char key[16];
        snprintf(key, sizeof key, "%s/%s", doc_path_str(doc_at(groups, i), "namespace").p, doc_path_str(doc_at(groups, i), "name").p);
        assert_string_equal(key, order[i]);
    }
    assert_str(doc_path_str(doc_root(w->report), "cluster"), "u-x"); /* for want of kube-system */
    close_world(w);
}

static void test_what_a_denied_read_ended_is_unread(void **state) {
    struct world *w = open_world(NULL, NULL);
    (void)state;
    put_pod(w, "a", "reader");
    put_pod(w, "a", "other");
    cluster_forbid(w->cluster, gvk_parse(STR("v1/ConfigMap"), &w->err));
    diagnose(w);
    assert_int_equal(oneshot_unread(w->oneshot), 1);
    assert_int_equal(oneshot_failing(w->oneshot), 0);
    assert_int_equal(oneshot_problems(w->oneshot), 1);
    assert_state(w, "unread", "v1/ConfigMap is forbidden");
    close_world(w);
}

static void assert_rendered(const char *render, int code, const char *expected) {
    struct world *w = open_world(NULL, render);
    struct buf text = buf_new(1000);
    diagnose(w);
    assert_int_equal(oneshot_render(w->oneshot, STR("R"), w->report, &text, &w->err), code);
    assert_non_null(strstr(code ? w->err.msg : text.data, expected));
    buf_free(&text);
    close_world(w);
}

static void test_a_report_is_a_list_of_strings(void **state) {
    (void)state;
    assert_rendered("return { 'a', 'b' }", 0, "ab");
    assert_rendered("return 'text'", ERR_POLICY, "report R: render must return a list of strings");
    assert_rendered("return { 'text', 7 }", ERR_POLICY, "report R: render must return a list of strings");
    assert_rendered("error('oops')", ERR_POLICY, "oops");
    assert_rendered("return { ('x'):rep(2000) }", ERR_LIMIT, "report R: ");
    assert_rendered(NULL, ERR_NOT_FOUND, "there is no report policy R");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_silent_server_is_given_up, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_a_denied_kind_is_unread, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_a_kind_that_is_not_served_is_no_lack, api_setup, api_teardown),
        cmocka_unit_test(test_a_report_is_in_order_whatever_came_first),
        cmocka_unit_test(test_what_a_denied_read_ended_is_unread),
        cmocka_unit_test(test_a_report_is_a_list_of_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
