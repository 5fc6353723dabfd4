/* Requests: what goes out, and what answers and failures become. */
#include "kube/api.h"

#include <unistd.h>

#include "base/file.h"
#include "doc/json.h"

struct fixture {
    char method[8], target[256], body[512], authorization[128], accept[128], content_type[64];
    int status;
    const char *answer, *answer_type;
    struct err err;
    char uid[64];
    bool called, had_object;
};

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    struct fixture *f = api->arg;
    (void)nth;
    api_copy(f->method, sizeof f->method, http_method(x));
    snprintf(f->target, sizeof f->target, "%s|" STR_FMT "|" STR_FMT, q->path, STR_ARG(http_query(x, "fieldManager")),
             STR_ARG(http_query(x, "force")));
    api_copy(f->body, sizeof f->body, http_body(x));
    api_copy(f->authorization, sizeof f->authorization, http_header(x, "Authorization"));
    api_copy(f->accept, sizeof f->accept, http_header(x, "Accept"));
    api_copy(f->content_type, sizeof f->content_type, http_header(x, "Content-Type"));
    http_respond(x, f->status, f->answer_type, str_of(f->answer));
}

static void on_done(struct doc *object, const struct err *err, void *arg) {
    struct api *api = arg;
    struct fixture *f = api->arg;
    assert_false(f->called);
    f->called = true;
    f->had_object = object != NULL;
    f->err = err ? *err : (struct err){0};
    api_copy(f->uid, sizeof f->uid, doc_path_str(doc_root(object), "metadata.uid"));
    api->flag = true;
}

static void reset(struct api *api, struct fixture *f, int status, const char *answer) {
    *f = (struct fixture){.status = status, .answer = answer, .answer_type = "application/json"};
    api->arg = f;
    if (!api->script) api->script = script;
}

static void send(struct api *api, struct kube_request request) {
    struct err err;
    request.done = on_done;
    request.arg = api;
    if (kube_send(api->client, &request, NULL, &err)) fail_msg("%s", err.msg);
    assert_false(((struct fixture *)api->arg)->called);
    api_wait(api);
}

static struct doc *decode(const char *text) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    doc_builder_free(b);
    assert_non_null(doc);
    return doc;
}

static struct resource deployments(void) {
    struct err err;
    return (struct resource){
        .gvk = gvk_parse(STR("apps/v1/Deployment"), &err), .plural = (char *)(uintptr_t) "deployments", .namespaced = true};
}

static void each_verb_is_the_request_the_api_wants(void **state) {
    struct api *api = *state;
    struct resource r = deployments();
    struct doc *body = decode("{\"a\":1}");
    const struct {
        struct kube_request request;
        const char *method, *target, *body, *content_type;
    } cases[] = {
        {{.verb = KUBE_GET, .name = STR("web")}, "GET", "/apis/apps/v1/namespaces/shop/deployments/web||", "", ""},
        {{.verb = KUBE_CREATE, .body = doc_root(body)},
         "POST",
         "/apis/apps/v1/namespaces/shop/deployments|k8sgpt-operator|",
         "{\"a\":1}",
         "application/json"},
        {{.verb = KUBE_UPDATE, .name = STR("web"), .subresource = "status", .body = doc_root(body)},
         "PUT",
         "/apis/apps/v1/namespaces/shop/deployments/web/status|k8sgpt-operator|",
         "{\"a\":1}",
         "application/json"},
        {{.verb = KUBE_APPLY, .name = STR("web"), .force = true, .field_manager = "me & you", .body = doc_root(body)},
         "PATCH",
         "/apis/apps/v1/namespaces/shop/deployments/web|me & you|true",
         "{\"a\":1}",
         "application/apply-patch+yaml"},
        {{.verb = KUBE_MERGE_PATCH, .name = STR("a b/c"), .body = doc_root(body)},
         "PATCH",
         "/apis/apps/v1/namespaces/shop/deployments/a b/c|k8sgpt-operator|",
         "{\"a\":1}",
         "application/merge-patch+json"},
        {{.verb = KUBE_DELETE, .name = STR("web"), .body = doc_root(body)},
         "DELETE",
         "/apis/apps/v1/namespaces/shop/deployments/web||",
         "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Background\",\"preconditions\":{\"a\":1}}",
         "application/json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        reset(api, &f, 200, "{\"metadata\":{\"uid\":\"u1\"}}");
        struct kube_request request = cases[i].request;
        request.resource = &r;
        request.ns = STR("shop");
        send(api, request);
        assert_string_equal(f.method, cases[i].method);
        assert_string_equal(f.target, cases[i].target);
        assert_string_equal(f.body, cases[i].body);
        assert_string_equal(f.content_type, cases[i].content_type);
        assert_string_equal(f.accept, "application/json");
        assert_int_equal(f.err.code, ERR_NONE);
        assert_string_equal(f.uid, "u1");
    }
    doc_unref(body);
}

static void metadata_and_tables_are_asked_for_by_accept(void **state) {
    struct api *api = *state;
    struct resource r = deployments();
    struct fixture f;
    reset(api, &f, 200, "{}");
    send(api, (struct kube_request){.verb = KUBE_GET, .resource = &r, .name = STR("x"), .metadata_only = true});
    assert_string_equal(f.accept, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    reset(api, &f, 200, "{}");
    send(api, (struct kube_request){.verb = KUBE_GET, .resource = &r, .table = true});
    assert_string_equal(f.accept, "application/json;as=Table;g=meta.k8s.io;v=v1,application/json");
    assert_string_equal(f.target, "/apis/apps/v1/deployments||");
}

static void failures_keep_their_meaning(void **state) {
    struct api *api = *state;
    const struct {
        int status, code, retry_after_s;
        const char *answer, *says;
    } cases[] = {
        {403, ERR_FORBIDDEN, 0, "{\"kind\":\"Status\",\"message\":\"no pods for you\",\"reason\":\"Forbidden\"}", "no pods for you"},
        {409, ERR_CONFLICT, 0, "{\"kind\":\"Status\",\"message\":\"there is one\",\"reason\":\"AlreadyExists\"}", "there is one"},
        {500, ERR_GONE, 0, "{\"kind\":\"Status\",\"message\":\"old\",\"reason\":\"Expired\"}", "old"},
        {429, ERR_THROTTLED, 7, "{\"kind\":\"Status\",\"message\":\"slow\",\"details\":{\"retryAfterSeconds\":7}}", "slow"},
        {404, ERR_NOT_FOUND, 0, "404 page not found\nmore", "the server answered 404: 404 page not found"},
        {502, ERR_SERVER, 0, "", "the server answered 502"},
        {422, ERR_INVALID, 0, "{\"kind\":\"Pod\"}", "the server answered 422"},
        {200, ERR_SERVER, 0, "{\"kind\":", "makes no sense"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        reset(api, &f, cases[i].status, cases[i].answer);
        send(api, (struct kube_request){.verb = KUBE_GET, .path = "/version"});
        assert_int_equal(f.err.code, cases[i].code);
        assert_int_equal(f.err.retry_after_s, cases[i].retry_after_s);
        assert_false(f.had_object);
        if (!strstr(f.err.msg, cases[i].says)) fail_msg("\"%s\" does not say \"%s\"", f.err.msg, cases[i].says);
    }
}

static void an_answer_that_is_no_json_has_no_object(void **state) {
    struct api *api = *state;
    struct fixture f;
    reset(api, &f, 200, "ok");
    f.answer_type = "text/plain";
    send(api, (struct kube_request){.verb = KUBE_GET, .path = "/livez"});
    assert_int_equal(f.err.code, ERR_NONE);
    assert_false(f.had_object);
}

static void requests_are_counted(void **state) {
    struct api *api = *state;
    struct resource r = deployments();
    struct fixture f;
    static const struct metric_def DEF = {
        .name = "k8sgpt_api_requests_total", .help = "", .type = METRIC_COUNTER, .labels = {"verb", "resource", "code"}};
    reset(api, &f, 403, "{}");
    send(api, (struct kube_request){.verb = KUBE_APPLY, .resource = &r, .name = STR("x"), .body = DOC_NO_VALUE});
    http_server_free(api->server);
    api->server = NULL;
    reset(api, &f, 200, "{}");
    send(api, (struct kube_request){.verb = KUBE_GET, .resource = &r});
    struct metric *m = metrics_define(api->metrics, &DEF);
    assert_int_equal((int)metric_value(m, METRIC_LABELS(STR("apply"), STR("deployments"), STR("403"))), 1);
    assert_int_equal((int)metric_value(m, METRIC_LABELS(STR("list"), STR("deployments"), STR("<error>"))), 1);
}

static char token_path[64];

static void put_token(const char *token) {
    struct err err;
    assert_int_equal(file_write(token_path, str_of(token), 0600, &err), 0);
}

static void script_rotating(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    struct fixture *f = api->arg;
    struct str authorization = http_header(x, "Authorization");
    f->status = str_is(authorization, "Bearer new") ? 200 : 401;
    script(api, x, q, nth);
}

static void a_rotated_token_costs_no_failed_request(void **state) {
    struct api *api = *state;
    struct fixture f;
    snprintf(token_path, sizeof token_path, "/tmp/kube_client_test.%d", (int)getpid());
    api->config.token_file = token_path;
    put_token("old\n");
    reset(api, &f, 200, "{}");
    send(api, (struct kube_request){.verb = KUBE_GET, .path = "/version"});
    assert_string_equal(f.authorization, "Bearer old");
    put_token("new\n");
    api->script = script_rotating;
    reset(api, &f, 0, "{}");
    send(api, (struct kube_request){.verb = KUBE_GET, .path = "/version"});
    assert_int_equal(f.err.code, ERR_NONE);
    assert_int_equal(api->count, 3); /* one 401 */
    unlink(token_path);              /* for a moment, as in a swap: the last token goes on being used */
    reset(api, &f, 0, "{}");
    send(api, (struct kube_request){.verb = KUBE_GET, .path = "/version"});
    assert_int_equal(f.err.code, ERR_NONE);
}

static void refused_credentials_are_refused_once(void **state) {
    struct api *api = *state;
    struct fixture f;
    snprintf(token_path, sizeof token_path, "/tmp/kube_client_test.%d", (int)getpid());
    api->config.token_file = token_path;
    put_token("old");
    api->script = script_rotating;
    reset(api, &f, 0, "{}");
    send(api, (struct kube_request){.verb = KUBE_GET, .path = "/version"});
    unlink(token_path);
    assert_int_equal(f.err.code, ERR_UNAUTHORIZED);
    assert_non_null(strstr(f.err.msg, "(from test)"));
    assert_null(strstr(f.err.msg, "old"));
    assert_int_equal(api->count, 1);
}

static void a_name_and_password_are_basic(void **state) {
    struct api *api = *state;
    struct fixture f;
    api->config.username = (char *)(uintptr_t) "Aladdin";
    api->config.password = (char *)(uintptr_t) "open sesame";
    reset(api, &f, 200, "{}");
    send(api, (struct kube_request){.verb = KUBE_GET, .path = "/version"});
    assert_string_equal(f.authorization, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="); /* RFC 7617's own example */
}

static void who_is_taken_for_nobody_is_told_so(void **state) {
    struct api *api = *state;
    struct fixture f;
    static const char ANSWER[] =
        "{\"kind\":\"Status\",\"message\":\"User \\\"system:anonymous\\\" cannot get path\",\"reason\":\"Forbidden\"}";
    reset(api, &f, 403, ANSWER);
    send(api, (struct kube_request){.verb = KUBE_GET, .path = "/version"});
    assert_null(strstr(f.err.msg, "takes us for nobody")); /* which we were */
    struct err err;
    struct kube_config somebody = {.server = api->server_url, .origin = api->origin, .username = (char *)(uintptr_t) "jane"};
    assert_int_equal(kube_client_use(api->client, &somebody, &err), 0);
    reset(api, &f, 403, ANSWER);
    send(api, (struct kube_request){.verb = KUBE_GET, .path = "/version"});
    assert_int_equal(f.err.code, ERR_FORBIDDEN);
    assert_non_null(strstr(f.err.msg, "takes us for nobody"));
    assert_int_equal(kube_client_use(api->client, &api->config, &err), 0);
}

static void script_silent(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)q;
    (void)nth;
    struct http_exchange **kept = ((void **)api->arg)[0];
    *kept = x;
    api->flag = true;
}

static bool never_called = true;
static struct err cancelled_with;

static void on_never(struct doc *object, const struct err *err, void *arg) {
    (void)object;
    (void)err;
    (void)arg;
    never_called = false;
}

static void on_cancelled(struct doc *object, const struct err *err, void *arg) {
    struct api *api = arg;
    (void)object;
    cancelled_with = *err;
    api->flag = true;
}

static struct kube_call *send_unanswered(struct api *api, void (*done)(struct doc *, const struct err *, void *),
                                         struct http_exchange **kept) {
    struct kube_call *call;
    struct err err;
    void *args[] = {kept}; /* read before this returns */
    const struct kube_request request = {.verb = KUBE_GET, .path = "/version", .done = done, .arg = api};
    api->script = script_silent;
    api->arg = args;
    assert_int_equal(kube_send(api->client, &request, &call, &err), 0);
    api_wait(api);
    return call;
}

static void a_cancelled_call_ends_and_a_dropped_one_is_silent(void **state) {
    struct api *api = *state;
    struct http_exchange *first, *second, *third;
    struct kube_call *call = send_unanswered(api, on_cancelled, &first);
    kube_cancel(call);
    api_wait(api);
    assert_int_equal(cancelled_with.code, ERR_CANCELLED);
    kube_drop(send_unanswered(api, on_never, &second));
    api_idle(api, 30);
    assert_true(never_called);
    cancelled_with.code = ERR_NONE;
    send_unanswered(api, on_cancelled, &third);
    kube_client_free(api->client); /* ends what is under way */
    api->client = NULL;
    assert_int_equal(cancelled_with.code, ERR_CANCELLED);
    http_respond(first, 200, "text/plain", STR(""));
    http_respond(second, 200, "text/plain", STR(""));
    http_respond(third, 200, "text/plain", STR(""));
}

static void paths_are_encoded(void **state) {
    (void)state;
    struct resource r = deployments();
    char *path = kube_path(&r, STR("a/b"), STR("system:x%"), "status");
    assert_string_equal(path, "/apis/apps/v1/namespaces/a%2Fb/deployments/system:x%25/status");
    free(path);
    struct err err;
    const struct resource pods = {.gvk = gvk_parse(STR("v1/Pod"), &err), .plural = (char *)(uintptr_t) "pods"};
    path = kube_path(&pods, STR(""), STR(""), NULL);
    assert_string_equal(path, "/api/v1/pods");
    free(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

/* What only a leader may do goes by an HTTP client of its own. */
static void writes_need_leave(void **state) {
    static const struct {
        enum kube_verb verb;
        bool without_leave, goes;
    } cases[] = {
        {KUBE_GET, false, true},     {KUBE_CREATE, false, false},      {KUBE_UPDATE, false, false}, {KUBE_APPLY, false, false},
        {KUBE_DELETE, false, false}, {KUBE_MERGE_PATCH, false, false}, {KUBE_UPDATE, true, true},
    };
    struct api *api = *state;
    struct fixture f;
    struct err err = {0};
    struct http_client *writes = http_client_new(api->loop, "writes", &err);
    struct resource r = deployments();
    struct doc *web = decode("{\"metadata\":{\"name\":\"web\"}}");
    assert_non_null(writes);
    reset(api, &f, 200, "{}");
    kube_client_write_by(api->client, writes);
    for (int leave = 0; leave < 2; leave++) {
        http_client_allow_until(writes, leave ? HTTP_ALWAYS : clock_boot_us() - 1);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct kube_request request = {.verb = cases[i].verb,
                                           .resource = &r,
                                           .ns = STR("shop"),
                                           .name = STR("web"),
                                           .body = doc_root(web),
                                           .without_leave = cases[i].without_leave,
                                           .done = on_done,
                                           .arg = api};
            f.called = false;
            int rc = kube_send(api->client, &request, NULL, &err);
            assert_int_equal(rc, leave || cases[i].goes ? 0 : ERR_CANCELLED);
            if (!rc) api_wait(api);
        }
    }
    doc_unref(web);
    http_client_free(writes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_verb_is_the_request_the_api_wants),
        TEST(metadata_and_tables_are_asked_for_by_accept),
        TEST(failures_keep_their_meaning),
        TEST(an_answer_that_is_no_json_has_no_object),
        TEST(requests_are_counted),
        TEST(a_rotated_token_costs_no_failed_request),
        TEST(refused_credentials_are_refused_once),
        TEST(a_name_and_password_are_basic),
        TEST(who_is_taken_for_nobody_is_told_so),
        TEST(a_cancelled_call_ends_and_a_dropped_one_is_silent),
        TEST(writes_need_leave),
        cmocka_unit_test(paths_are_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
