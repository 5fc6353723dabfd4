/* The order of resourceVersions, as CompareResourceVersion of apimachinery has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/version.h"

static void integers_of_any_length_compare(void **state) {
    (void)state;
    assert_true(version_is_older(STR("9"), STR("10")));
    assert_true(version_is_older(STR("10"), STR("11")));
    assert_true(version_is_older(STR("18446744073709551615"), STR("18446744073709551616")));
    assert_false(version_is_older(STR("10"), STR("9")));
    assert_false(version_is_older(STR("10"), STR("10")));
}

static void what_is_no_version_has_no_order(void **state) {
    static const char *const bad[] = {"", "0", "01", "-1", "1a", "abc", "1.5"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(version_is_older(str_of(bad[i]), STR("5")));
        assert_false(version_is_older(STR("1"), str_of(bad[i])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_any_length_compare),
        cmocka_unit_test(what_is_no_version_has_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
