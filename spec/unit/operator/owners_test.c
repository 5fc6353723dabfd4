/* Owners of unwatched kinds: asked for by the reference, and again until the server has answered. */
#include "document.h"
#include "kube/api.h"

#include "operator/owners.h"

#define ROBOTS "/apis/example.com/v1/namespaces/shop/robots/r2"
#define FACTORIES "/apis/example.com/v1/factories/f"

static const char KINDS[] = "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"example.com/v1\",\"resources\":["
                            "{\"name\":\"robots\",\"kind\":\"Robot\",\"namespaced\":true,\"verbs\":[\"get\"]},"
                            "{\"name\":\"factories\",\"kind\":\"Factory\",\"namespaced\":false,\"verbs\":[\"get\"]}]}";

static const char ROBOT[] =
    "{\"apiVersion\":\"meta.k8s.io/v1\",\"kind\":\"PartialObjectMetadata\",\"metadata\":{\"name\":\"r2\",\"namespace\":"
    "\"shop\",\"uid\":\"u2\",\"labels\":{\"made\":\"here\"}}}";

struct fixture {
    struct api *api;
    struct cluster *cluster;
    struct reads *reads;
    struct owners *owners;
    struct evaluation evaluation;
    struct doc *object;
    int refusals; /* so many requests for objects get `status` */
    int status, asked;
};

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    struct fixture *f = api->arg;
    (void)nth;
    if (strcmp(q->path, "/apis/example.com/v1") == 0) {
        api_json(x, 200, KINDS);
        return;
    }
    assert_true(strcmp(q->path, ROBOTS) == 0 || strcmp(q->path, FACTORIES) == 0);
    if (f->asked++ < f->refusals)
        api_status(x, f->status, "Refused", "not now", 0);
    else
        api_json(x, 200, ROBOT);
}

static void touched(struct evaluation *e, void *arg) {
    struct api *api = arg;
    (void)e;
    api->flag = true;
}

static struct fixture open_fixture(struct api *api, const char *kind, const char *name) {
    struct fixture f = {.api = api};
    struct err err;
    f.cluster = cluster_new(api->loop, api->client, NULL, &err);
    f.reads = reads_new(touched, api);
    f.owners = owners_new(api->loop, f.cluster, f.reads);
    f.object = document("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\",\"ownerReferences\":[{"
                        "\"apiVersion\":\"example.com/v1\",\"kind\":\"%s\",\"name\":\"%s\",\"uid\":\"u2\",\"controller\":true}]}}",
                        kind, name);
    assert_non_null(f.owners);
    api->script = script;
    return f;
}

static void close_fixture(struct fixture *f) {
    reads_drop(f->reads, &f->evaluation);
    owners_free(f->owners);
    reads_free(f->reads);
    cluster_free(f->cluster);
    doc_unref(f->object);
}

static int parent(struct fixture *f, const struct doc **out) {
    struct err err = {0};
    reads_begin(f->reads, &f->evaluation);
    int rc = owners_parent(f->owners, &f->evaluation, f->object, out, &err);
    reads_end(f->reads, &f->evaluation);
    return rc;
}

/* Asks, waits for news, and asks again. */
static const struct doc *parent_after_news(struct fixture *f) {
    const struct doc *owner = NULL;
    if (f->asked == 0) assert_int_equal(parent(f, &owner), ERR_TIMEOUT);
    api_wait(f->api);
    assert_int_equal(parent(f, &owner), 0);
    assert_non_null(owner);
    return owner;
}

static void a_reference_does_until_the_server_can_be_asked(void **state) {
    struct api *api = *state;
    struct fixture f = open_fixture(api, "Robot", "r2");
    api->arg = &f;
    f.refusals = 2;
    f.status = 503;
    const struct doc *owner = parent_after_news(&f);
    assert_document(doc_root(owner),
                    "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Robot\",\"metadata\":{\"name\":\"r2\",\"namespace\":\"shop\","
                    "\"uid\":\"u2\"}}");
    assert_str(doc_path_str(doc_root(parent_after_news(&f)), "metadata.labels.made"), "here");
    assert_int_equal(f.asked, 3);
    close_fixture(&f);
}

static void no_is_an_answer(void **state) {
    struct api *api = *state;
    static const int codes[] = {403, 404};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct fixture f = open_fixture(api, "Robot", "r2");
        api->arg = &f;
        f.refusals = 9;
        f.status = codes[i];
        assert_str(doc_path_str(doc_root(parent_after_news(&f)), "metadata.namespace"), "shop");
        api_idle(api, 1300); /* longer than the first back-off */
        assert_int_equal(f.asked, 1);
        close_fixture(&f);
    }
}

static void a_global_owner_is_in_no_namespace(void **state) {
    struct api *api = *state;
    struct fixture f = open_fixture(api, "Factory", "f");
    api->arg = &f;
    f.refusals = 1;
    f.status = 403;
    assert_document(doc_root(parent_after_news(&f)),
                    "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Factory\",\"metadata\":{\"name\":\"f\",\"uid\":\"u2\"}}");
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reference_does_until_the_server_can_be_asked, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(no_is_an_answer, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(a_global_owner_is_in_no_namespace, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
