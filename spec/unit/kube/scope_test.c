/* Rights in some namespaces only: one watch a namespace, and each with a state of its own. */
#include "kube/scope.h"

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
    struct cluster *c = start(api, true);
    close_b(api, c);
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
