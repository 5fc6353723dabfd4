/* Of what an engine shows, what is meant is shown again, with whose engine it is; a page that would do harm is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "operator/enginepage.h"

#define ERRORS(object) "analyzer_errors{analyzer_name=\"Pod\",namespace=\"shop\",object_name=\"" object "\"} 2\n"

enum { MAX_SERIES = 3 };

static const struct engineid MAIN = {{"ops", 3}, {"main", 4}, {"", 0}}, SECOND = {{"ops", 3}, {"main", 4}, {"main-1", 6}};

struct fixture {
    struct metrics *metrics;
    struct enginefamilies *families;
    struct buf shown;
};

static struct fixture fixture_new(void) {
    struct fixture f = {.metrics = metrics_new(), .shown = buf_new(1 << 20)};
    f.families = enginefamilies_new(f.metrics);
    assert_non_null(f.families);
    return f;
}

static void fixture_free(struct fixture *f) {
    enginefamilies_free(f->families);
    metrics_free(f->metrics);
    buf_free(&f->shown);
}

static void put(const struct fixture *f, const struct engineid *id, const char *text) {
    struct err err;
    struct enginepage *page = enginepage_read(str_of(text), MAX_SERIES, &err);
    assert_non_null(page);
    enginefamilies_put(f->families, id, page);
    enginepage_free(page);
}

static bool shows(struct fixture *f, const char *line) {
    struct err err;
    f->shown.len = 0;
    assert_int_equal(metrics_write(f->metrics, &f->shown, &err), 0);
    return strstr(f->shown.data, line) != NULL;
}

static void what_is_meant_is_shown_with_whose_engine_it_is(void **state) {
    (void)state;
    struct fixture f = fixture_new();
    put(&f, &MAIN, ERRORS("web") "process_cpu_seconds_total 12.5\nprocess_open_fds 1\nprocess_open_fds 9\ngo_threads 8\n");
    put(&f, &SECOND, "analyzer_errors 1\n");
    assert_true(
        shows(&f, "analyzer_errors{analyzer_name=\"Pod\",object_name=\"web\",namespace=\"shop\",k8sgpt_namespace=\"ops\",k8sgpt=\"main\","
                  "engine_pod=\"\"} 2\n"));
    assert_true(shows(&f, "analyzer_errors{analyzer_name=\"\",object_name=\"\",namespace=\"\",k8sgpt_namespace=\"ops\",k8sgpt=\"main\","
                          "engine_pod=\"main-1\"} 1\n"));
    assert_true(shows(&f, "k8sgpt_engine_process_cpu_seconds_total{k8sgpt_namespace=\"ops\",k8sgpt=\"main\",engine_pod=\"\"} 12.5\n"));
    assert_true(shows(&f, "k8sgpt_engine_process_open_fds{k8sgpt_namespace=\"ops\",k8sgpt=\"main\",engine_pod=\"\"} 9\n"));
    assert_true(shows(&f, "k8sgpt_engine_up{k8sgpt_namespace=\"ops\",k8sgpt=\"main\",engine_pod=\"main-1\"} 1\n"));
    assert_false(shows(&f, "go_threads"));
    fixture_free(&f);
}

static void nothing_is_left_of_what_was_shown_before(void **state) {
    (void)state;
    struct fixture f = fixture_new();
    put(&f, &MAIN, ERRORS("web") "process_cpu_seconds_total 12.5\n");
    enginefamilies_clear(f.families);
    enginefamilies_put(f.families, &MAIN, NULL);
    assert_false(shows(&f, "ops\",k8sgpt=\"main\",engine_pod=\"\"} 12.5"));
    assert_false(shows(&f, "web"));
    assert_true(shows(&f, "k8sgpt_engine_up{k8sgpt_namespace=\"ops\",k8sgpt=\"main\",engine_pod=\"\"} 0\n"));
    put(&f, &MAIN, "process_cpu_seconds_total -1\n");
    assert_false(shows(&f, "-1"));
    fixture_free(&f);
}

static void a_page_is_taken_whole_or_not_at_all(void **state) {
    (void)state;
    char wide[1000];
    snprintf(wide, sizeof wide, "analyzer_errors{object_name=\"%0700d\"} 1\n", 0);
    const struct {
        const char *text, *says;
        enum err_code code;
    } cases[] = {
        {"process_open_fds 1\n<html>\n", "line 2", ERR_INVALID},
        {"process_open_fds 1\nanalyzer_errors{object_name=\"\xff\"} 1\n", "object_name is not UTF-8", ERR_SYNTAX},
        {"process_open_fds 1\nanalyzer_errors{namespace=\"\xed\xa0\x80\"} 1\n", "namespace is not UTF-8", ERR_SYNTAX},
        {ERRORS("1") ERRORS("2") ERRORS("3") ERRORS("4"), "more than 3 series", ERR_LIMIT},
        {wide, "has more than 600 bytes", ERR_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        assert_null(enginepage_read(str_of(cases[i].text), MAX_SERIES, &err));
        assert_int_equal(err.code, cases[i].code);
        if (!strstr(err.msg, cases[i].says)) fail_msg("%s", err.msg);
    }
    struct err err;
    struct enginepage *page = enginepage_read(STR(ERRORS("1") ERRORS("2") ERRORS("3") "other{l=\"\xff\"} 1"), MAX_SERIES, &err);
    assert_non_null(page);
    enginepage_free(page);
    page = enginepage_read((struct str){0}, MAX_SERIES, &err);
    assert_non_null(page);
    enginepage_free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_meant_is_shown_with_whose_engine_it_is),
        cmocka_unit_test(nothing_is_left_of_what_was_shown_before),
        cmocka_unit_test(a_page_is_taken_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
