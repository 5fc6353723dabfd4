/* Label selectors as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "doc/json.h"
#include "kube/selector.h"

static void assert_reads(const char *text, const char *expected) {
    struct err err = {0};
    struct buf out = buf_new(10000);
    struct doc_builder *b = doc_builder_new();
    if (selector_put(b, str_of(text), &err)) fail_msg("%s: %s", text, err.msg);
    struct doc *doc = doc_builder_finish(b, &err);
    assert_non_null(doc);
    assert_int_equal(json_write(doc_path(doc_root(doc), "matchExpressions"), JSON_COMPACT, &out, &err), 0);
    assert_string_equal(out.data, expected);
    buf_free(&out);
    doc_unref(doc);
    doc_builder_free(b);
}

static void test_every_form(void **state) {
    (void)state;
    assert_reads("app=web", "[{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"web\"]}]");
    assert_reads(" app == web , x!=y", "[{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"web\"]},"
                                       "{\"key\":\"x\",\"operator\":\"NotIn\",\"values\":[\"y\"]}]");
    assert_reads("tier in (a, b),z notin(c)", "[{\"key\":\"tier\",\"operator\":\"In\",\"values\":[\"a\",\"b\"]},"
                                              "{\"key\":\"z\",\"operator\":\"NotIn\",\"values\":[\"c\"]}]");
    assert_reads("example.com/x,!old,index=1", "[{\"key\":\"example.com/x\",\"operator\":\"Exists\"},"
                                               "{\"key\":\"old\",\"operator\":\"DoesNotExist\"},"
                                               "{\"key\":\"index\",\"operator\":\"In\",\"values\":[\"1\"]}]");
    assert_reads("app=", "[{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"\"]}]");
}

static void test_what_makes_no_sense_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "=web", "app in (a", "app in", "a,,b", "a b", "a=b;c", "!", "a in ()b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        struct doc_builder *b = doc_builder_new();
        if (selector_put(b, str_of(bad[i]), &err) != ERR_SYNTAX) fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(err.msg, bad[i]));
        doc_builder_free(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
