/* Kinds: one pointer for one text, and nothing else accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/gvk.h"

static void parses_both_forms(void **state) {
    (void)state;
    struct err err;
    const struct gvk *pod = gvk_parse(STR("v1/Pod"), &err), *web = gvk_parse(STR("apps/v1/Deployment"), &err);
    assert_string_equal(pod->text, "v1/Pod");
    assert_string_equal(pod->api_version, "v1");
    assert_string_equal(pod->group, "");
    assert_string_equal(pod->version, "v1");
    assert_string_equal(pod->kind, "Pod");
    assert_string_equal(web->api_version, "apps/v1");
    assert_string_equal(web->group, "apps");
    assert_string_equal(web->version, "v1");
    assert_string_equal(web->kind, "Deployment");
}

static void one_pointer_for_one_text(void **state) {
    (void)state;
    struct err err;
    const struct gvk *web = gvk_parse(STR("apps/v1/Deployment"), &err);
    char text[] = "apps/v1/Deployment";
    assert_ptr_equal(gvk_parse(str_of(text), &err), web);
    assert_ptr_equal(gvk_of(STR("apps/v1"), STR("Deployment")), web);
    assert_ptr_not_equal(gvk_of(STR("apps/v1"), STR("DaemonSet")), web);
}

static void refuses_everything_else(void **state) {
    (void)state;
    static const char *const BAD[] = {"",          "Pod",     "/Pod",     "v1/",       "a/b/c/d", "/v1/Pod",
                                      "apps//Pod", "v1/Po d", "v1/Pod?x", "v1/../Pod", "v1/Pod\n"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct err err = {0};
        if (gvk_parse(str_of(BAD[i]), &err)) fail_msg("accepted \"%s\"", BAD[i]);
        assert_int_equal(err.code, ERR_SYNTAX);
    }
    assert_null(gvk_of(STR(""), STR("Pod")));
    assert_null(gvk_of(STR("v1"), STR("")));
    assert_null(gvk_of(STR("v1"), STR("a/Pod")));
}

static void tells_what_every_server_has(void **state) {
    (void)state;
    static const char *const BUILTIN[] = {"v1/Pod", "apps/v1/Deployment", "networking.k8s.io/v1/Ingress", "policy/v1/PodDisruptionBudget"};
    static const char *const CUSTOM[] = {"gateway.networking.k8s.io/v1/Gateway", "metrics.k8s.io/v1beta1/PodMetrics",
                                         "keda.sh/v1/ScaledObject"};
    struct err err;
    for (size_t i = 0; i < sizeof BUILTIN / sizeof *BUILTIN; i++) assert_true(gvk_is_builtin(gvk_parse(str_of(BUILTIN[i]), &err)));
    for (size_t i = 0; i < sizeof CUSTOM / sizeof *CUSTOM; i++) assert_false(gvk_is_builtin(gvk_parse(str_of(CUSTOM[i]), &err)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_both_forms),
        cmocka_unit_test(one_pointer_for_one_text),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(tells_what_every_server_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
