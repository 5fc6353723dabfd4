/* What a policy is answered where a kind may be read in some namespaces only. */
#include "kube/scope.h"

#include "document.h"
#include "operator/reader.h"

static int get(struct cluster *c, const char *ns, const char *name, const struct doc **out) {
    struct reader r = {.cluster = c};
    struct err err;
    return READER_HOST.get(&r, gvk("v1/Pod"), str_of(ns), str_of(name), out, &err);
}

/* Names of the pods that a list over these namespaces ("": all) finds, or the error. */
static int list(struct cluster *c, const char *ns, char names[32]) {
    struct reader r = {.cluster = c};
    struct store_query query = {.ns = str_of(ns)};
    struct doc **found;
    struct err err;
    size_t count;
    int rc = READER_HOST.list(&r, gvk("v1/Pod"), &query, &found, &count, &err);
    *names = '\0';
    for (size_t i = 0; i < count; i++) {
        struct str name = doc_path_str(doc_root(found[i]), "metadata.name");
        strncat(names, name.p, name.n);
    }
    free(found);
    return rc;
}

static bool readable(struct cluster *c, const char *ns) {
    struct reader r = {.cluster = c};
    return READER_HOST.readable(&r, gvk("v1/Pod"), str_of(ns));
}

static void reads_in_a_closed_namespace_are_forbidden_and_others_work(void **state) {
    struct cluster *c = start(*state, false);
    const struct doc *pod;
    char names[32];
    assert_int_equal(get(c, "a", "one", &pod), 0);
    assert_non_null(pod);
    assert_int_equal(get(c, "b", "two", &pod), ERR_FORBIDDEN);
    assert_int_equal(get(c, "elsewhere", "three", &pod), ERR_FORBIDDEN);
    assert_int_equal(list(c, "b", names), ERR_FORBIDDEN);
    assert_int_equal(list(c, "a", names), 0);
    assert_string_equal(names, "one");
    assert_true(readable(c, "a") && readable(c, ""));
    assert_false(readable(c, "b") || readable(c, "elsewhere"));
    cluster_free(c);
}

static void a_list_over_all_namespaces_is_of_what_may_be_read_now(void **state) {
    struct api *api = *state;
    struct cluster *c = start(api, true);
    char names[32];
    assert_int_equal(list(c, "", names), 0);
    assert_string_equal(names, "onetwo");
    close_b(api, c);
    assert_int_equal(list(c, "", names), 0);
    assert_string_equal(names, "one");
    cluster_free(c);
}

static void events_are_forbidden_where_what_they_are_about_is(void **state) {
    struct cluster *c = start(*state, false);
    struct reader r = {.cluster = c};
    struct doc *pods[] = {document("{\"kind\":\"Pod\",\"metadata\":{\"name\":\"one\",\"namespace\":\"a\"}}"),
                          document("{\"kind\":\"Pod\",\"metadata\":{\"name\":\"two\",\"namespace\":\"b\"}}")};
    struct doc **found;
    struct err err;
    size_t count;
    assert_int_equal(READER_HOST.events(&r, pods[0], &found, &count, &err), 0);
    free(found);
    assert_int_equal(READER_HOST.events(&r, pods[1], &found, &count, &err), ERR_FORBIDDEN);
    doc_unref(pods[0]);
    doc_unref(pods[1]);
    cluster_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(reads_in_a_closed_namespace_are_forbidden_and_others_work),
        TEST(a_list_over_all_namespaces_is_of_what_may_be_read_now),
        TEST(events_are_forbidden_where_what_they_are_about_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
