/* Whether Secrets exist, where they may be looked up in some namespaces only. */
#include "kube/api.h"

#include "operator/secrets.h"

/* One reader that asks for a Secret of a namespace. */
struct reader {
    struct evaluation evaluation; /* first: touched() casts */
    int touched;
};

struct fixture {
    struct api *api;
    struct cluster *cluster;
    struct reads *reads;
    struct secrets *secrets;
    struct reader open, closed;
};

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (strcmp(q->path, "/api/v1") == 0)
        api_json(x, 200, "{\"resources\":[{\"name\":\"secrets\",\"kind\":\"Secret\",\"namespaced\":true,\"verbs\":[\"get\"]}]}");
    else if (strcmp(q->path, "/api/v1/namespaces/open/secrets/there") == 0)
        api_json(x, 200, "{\"metadata\":{\"name\":\"there\",\"namespace\":\"open\"}}");
    else if (strstr(q->path, "/namespaces/open/"))
        api_status(x, 404, "NotFound", "there is no such Secret", 0);
    else
        api_status(x, 403, "Forbidden", "Secrets are forbidden", 0);
}

static void touched(struct evaluation *e, void *arg) {
    ((struct reader *)e)->touched++;
    ((struct api *)arg)->flag = true;
}

static void start(struct fixture *f, struct api *api) {
    struct err err;
    *f = (struct fixture){.api = api};
    api->script = script;
    f->cluster = cluster_new(api->loop, api->client, NULL, &err);
    f->reads = reads_new(touched, api);
    f->secrets = secrets_new(api->loop, f->cluster, f->reads);
    assert_non_null(f->secrets);
}

static void end(struct fixture *f) {
    reads_drop(f->reads, &f->open.evaluation);
    reads_drop(f->reads, &f->closed.evaluation);
    secrets_free(f->secrets);
    reads_free(f->reads);
    cluster_free(f->cluster);
}

static int ask(struct fixture *f, struct reader *r, const char *ns, const char *name, bool *exists) {
    struct err err;
    reads_begin(f->reads, &r->evaluation);
    (void)secrets_readable(f->secrets, &r->evaluation, str_of(ns));
    int rc = secrets_exists(f->secrets, &r->evaluation, str_of(ns), str_of(name), exists, &err);
    reads_end(f->reads, &r->evaluation);
    return rc;
}

/* The answer, once there is one. */
static int answer(struct fixture *f, struct reader *r, const char *ns, const char *name, bool *exists) {
    int rc;
    while ((rc = ask(f, r, ns, name, exists)) == ERR_TIMEOUT) api_wait(f->api);
    return rc;
}

static bool readable(struct fixture *f, const char *ns) {
    struct reader r = {0};
    reads_begin(f->reads, &r.evaluation);
    bool is = secrets_readable(f->secrets, &r.evaluation, str_of(ns));
    reads_drop(f->reads, &r.evaluation);
    return is;
}

static void one_namespace_says_nothing_of_another(void **state) {
    struct fixture f;
    bool exists;
    start(&f, *state);
    assert_int_equal(answer(&f, &f.closed, "closed", "any", &exists), ERR_FORBIDDEN);
    assert_int_equal(answer(&f, &f.open, "open", "there", &exists), 0);
    assert_true(exists);
    assert_true(readable(&f, "open"));
    assert_false(readable(&f, "closed"));
    assert_false(readable(&f, ""));
    end(&f);
}

static void an_answer_that_changes_no_right_disturbs_nobody(void **state) {
    struct fixture f;
    bool exists;
    start(&f, *state);
    assert_int_equal(answer(&f, &f.closed, "closed", "any", &exists), ERR_FORBIDDEN);
    int before = f.closed.touched;
    assert_int_equal(answer(&f, &f.open, "open", "there", &exists), 0);
    assert_int_equal(answer(&f, &f.open, "open", "gone", &exists), 0);
    assert_false(exists);
    assert_int_equal(f.closed.touched, before);
    end(&f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(one_namespace_says_nothing_of_another),
        TEST(an_answer_that_changes_no_right_disturbs_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
