/* What others expose is read as they mean it, and nothing beyond it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "metrics/metrics.h"
#include "metrics/sample.h"

/* A copy without anything behind it, so that a read too far is found. */
struct text {
    char *bytes;
    struct sample_reader reader;
};

static struct text text_of(const char *text) {
    size_t n = strlen(text);
    struct text t = {.bytes = malloc(n + !n)};
    assert_non_null(t.bytes);
    memcpy(t.bytes, text, n);
    t.reader = sample_reader_new(t.bytes, n);
    return t;
}

static void samples_have_names_labels_and_values(void **state) {
    (void)state;
    struct err err;
    struct sample s;
    struct text t =
        text_of("# HELP up Whether.\n# TYPE up gauge\nup 1\n\n"
                "analyzer_errors{analyzer_name=\"Pod\",object_name=\"a\\\"b\\\\c\\nd\\te\", namespace = \"\",} 3 1700000000000\r\n"
                "a:b_total{} +Inf\n  spaced{x=\"}\"}\t-1.5e3");
    assert_int_equal(sample_next(&t.reader, &s, &err), 1);
    assert_true(str_is(s.name, "up") && s.label_count == 0 && s.value == 1);
    assert_int_equal(sample_next(&t.reader, &s, &err), 1);
    assert_true(str_is(s.name, "analyzer_errors") && s.label_count == 3 && s.value == 3);
    assert_true(str_is(sample_label(&s, "object_name"), "a\"b\\c\nd\\te"));
    assert_true(sample_label(&s, "namespace").p && !sample_label(&s, "namespace").n);
    assert_null(sample_label(&s, "none").p);
    assert_int_equal(sample_next(&t.reader, &s, &err), 1);
    assert_true(str_is(s.name, "a:b_total") && isinf(s.value));
    assert_int_equal(sample_next(&t.reader, &s, &err), 1);
    assert_true(str_is(sample_label(&s, "x"), "}") && s.value == -1500);
    assert_int_equal(sample_next(&t.reader, &s, &err), 0);
    assert_int_equal(sample_next(&t.reader, &s, &err), 0);
    free(t.bytes);
}

static void what_is_no_sample_is_refused_with_its_line(void **state) {
    (void)state;
    static const char *const texts[] = {"up 1\n<html>\n",
                                        "up 1\nup\n",
                                        "up 1\nup{a=\"b\" 1\n",
                                        "up 1\nup{a=\"b\n",
                                        "up 1\nup{a=b} 1\n",
                                        "up 1\nup{=\"b\"} 1",
                                        "up 1\nup{a=\"1\"b=\"2\"} 1",
                                        "up 1\nup 0x10\n",
                                        "up 1\nup one\n",
                                        "up 1\nup{",
                                        "up 1\nup{a",
                                        "up 1\nup{a=",
                                        "up 1\nup{a=\"\\",
                                        "up 1\n{a=\"b\"} 1\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        struct sample s;
        struct text t = text_of(texts[i]);
        assert_int_equal(sample_next(&t.reader, &s, &err), 1);
        assert_int_equal(sample_next(&t.reader, &s, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        assert_non_null(strstr(err.msg, "line 2"));
        assert_int_equal(sample_next(&t.reader, &s, &err), 0);
        free(t.bytes);
    }
}

static void a_sample_with_too_many_labels_is_refused(void **state) {
    (void)state;
    struct err err = {0};
    struct sample s;
    char line[512] = "up{";
    for (int i = 0; i <= SAMPLE_MAX_LABELS; i++) strncat(line, "a=\"b\",", sizeof line - strlen(line) - 1);
    strncat(line, "} 1", sizeof line - strlen(line) - 1);
    struct text t = text_of(line);
    assert_int_equal(sample_next(&t.reader, &s, &err), -1);
    assert_non_null(strstr(err.msg, "too many labels"));
    free(t.bytes);
}

static void what_we_write_is_read_as_it_was(void **state) {
    (void)state;
    static const char *const values[] = {"plain", "", "\\", "\"", "\n", "a\\nb", "ends\\", "\xe2\x98\x83 {x=\"y\"} 1"};
    struct err err;
    struct sample s;
    struct metrics *m = metrics_new();
    struct metric *f = metrics_define(m, &(struct metric_def){.name = "f", .help = "a\nb", .type = METRIC_GAUGE, .labels = {"l"}});
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) metric_set(f, METRIC_LABELS(str_of(values[i])), (double)i / 3);
    struct buf out = buf_new(1 << 20);
    assert_int_equal(metrics_write(m, &out, &err), 0);
    struct sample_reader r = sample_reader_new(out.data, out.len);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_int_equal(sample_next(&r, &s, &err), 1);
        assert_true(str_is(sample_label(&s, "l"), values[i]) && s.value == (double)i / 3);
    }
    assert_int_equal(sample_next(&r, &s, &err), 0);
    buf_free(&out);
    metrics_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_have_names_labels_and_values),
        cmocka_unit_test(what_is_no_sample_is_refused_with_its_line),
        cmocka_unit_test(a_sample_with_too_many_labels_is_refused),
        cmocka_unit_test(what_we_write_is_read_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
