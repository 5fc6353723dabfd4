#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/alloc_fault.h"

#include <string.h>
#include <unistd.h>

#include "metrics/metrics.h"

static char *expose(struct metrics *m) {
    struct err err;
    struct buf out = buf_new(1 << 20);
    assert_int_equal(metrics_write(m, &out, &err), 0);
    return buf_take(&out, NULL);
}

static struct metric *define(struct metrics *m, const char *name, enum metric_type type, const char *label) {
    return metrics_define(m, &(struct metric_def){.name = name, .help = "Some help.", .type = type, .labels = {label}});
}

static void test_exposition_is_exact(void **state) {
    (void)state;
    static const double buckets[] = {0.1, 1, 0};
    struct metrics *m = metrics_new();
    struct metric *runs = metrics_define(
        m,
        &(struct metric_def){.name = "runs_total", .help = "Runs,\nby \\ policy.", .type = METRIC_COUNTER, .labels = {"policy", "result"}});
    struct metric *time = metrics_define(
        m, &(struct metric_def){.name = "run_seconds", .help = "Time.", .type = METRIC_HISTOGRAM, .labels = {"p"}, .buckets = buckets});
    metric_add(runs, METRIC_LABELS(STR("Pod"), STR("ok")), 2);
    metric_add(runs, METRIC_LABELS(STR("a\"\\\n"), STR("")), 0.5);
    metric_add(runs, METRIC_LABELS(STR("Pod"), STR("ok")), 1);
    metric_add(runs, METRIC_LABELS(STR("Pod"), STR("ok")), -1);
    metric_observe(time, METRIC_LABELS(STR("x")), 0.1);
    metric_observe(time, METRIC_LABELS(STR("x")), 0.5);
    metric_observe(time, METRIC_LABELS(STR("x")), 7);
    char *text = expose(m);
    assert_string_equal(text, "# HELP runs_total Runs,\\nby \\\\ policy.\n# TYPE runs_total counter\n"
                              "runs_total{policy=\"Pod\",result=\"ok\"} 3\nruns_total{policy=\"a\\\"\\\\\\n\",result=\"\"} 0.5\n"
                              "# HELP run_seconds Time.\n# TYPE run_seconds histogram\n"
                              "run_seconds_bucket{p=\"x\",le=\"0.1\"} 1\nrun_seconds_bucket{p=\"x\",le=\"1\"} 2\n"
                              "run_seconds_bucket{p=\"x\",le=\"+Inf\"} 3\nrun_seconds_sum{p=\"x\"} 7.6\nrun_seconds_count{p=\"x\"} 3\n");
    free(text);
    metrics_free(m);
}

static void test_series_go_with_what_they_describe(void **state) {
    (void)state;
    struct metrics *m = metrics_new();
    struct metric *f = metrics_define(m, &(struct metric_def){.name = "g", .help = "h", .type = METRIC_GAUGE, .labels = {"ns", "name"}});
    const struct str a1[] = {STR("a"), STR("1")}, a2[] = {STR("a"), STR("2")}, b1[] = {STR("b"), STR("1")};
    metric_set(f, a1, 1);
    metric_set(f, b1, 2);
    metric_set(f, a2, 3);
    metric_remove_where(f, 0, STR("a"));
    assert_true(metric_value(f, a1) == 0 && metric_value(f, a2) == 0 && metric_value(f, b1) == 2);
    metric_set(f, a1, 4);
    metric_remove(f, b1);
    char *text = expose(m);
    assert_string_equal(text, "# HELP g h\n# TYPE g gauge\ng{ns=\"a\",name=\"1\"} 4\n");
    free(text);
    metric_clear(f);
    metric_set(f, b1, -1e300);
    text = expose(m);
    assert_string_equal(text, "# HELP g h\n# TYPE g gauge\ng{ns=\"b\",name=\"1\"} -1e+300\n");
    free(text);
    metrics_free(m);
}

static void test_types_are_kept_apart(void **state) {
    (void)state;
    struct metrics *m = metrics_new();
    struct metric *counter = define(m, "c_total", METRIC_COUNTER, NULL), *histogram = define(m, "h_seconds", METRIC_HISTOGRAM, NULL);
    assert_ptr_equal(define(m, "c_total", METRIC_GAUGE, NULL), counter);
    metric_set(counter, NULL, 5);
    metric_observe(counter, NULL, 5);
    metric_add(histogram, NULL, 5);
    assert_true(metric_value(counter, NULL) == 0);
    assert_true(metric_value(histogram, NULL) == 0);
    metric_observe(histogram, NULL, 3);
    metric_observe(histogram, NULL, 30);
    assert_true(metric_value(histogram, NULL) == 2);
    metric_add(NULL, NULL, 1);
    metric_remove_where(NULL, 0, STR("x"));
    metrics_free(m);
}

static void set_depth(void *arg) { metric_set(arg, NULL, 17); }

static void test_collectors_run_before_the_exposition(void **state) {
    (void)state;
    struct metrics *m = metrics_new();
    metrics_on_collect(m, set_depth, define(m, "queue_depth", METRIC_GAUGE, NULL));
    char *text = expose(m);
    assert_non_null(strstr(text, "queue_depth 17\n"));
    free(text);
    struct metric *gone = define(m, "of_one_that_goes", METRIC_GAUGE, NULL);
    metrics_on_collect(m, set_depth, gone);
    metrics_off_collect(m, gone);
    metric_clear(gone);
    text = expose(m);
    assert_null(strstr(text, "of_one_that_goes 17"));
    assert_non_null(strstr(text, "queue_depth 17\n"));
    free(text);
    metrics_free(m);
}

static double sample(const char *text, const char *name) {
    char line[80];
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(text, line);
    assert_non_null(at);
    return strtod(at + strlen(line), NULL);
}

static void test_process_values_are_plausible(void **state) {
    (void)state;
    struct metrics *m = metrics_new();
    metrics_define_process(m);
    char *before = expose(m);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    char *block = malloc(1 << 20);
    assert_non_null(block);
    memset(block, 1, 1 << 20);
    char *text = expose(m);
    assert_true(sample(text, "process_heap_bytes") == 0 ||
                sample(text, "process_heap_bytes") - sample(before, "process_heap_bytes") >= 1 << 20);
    assert_true(sample(text, "process_open_fds") - sample(before, "process_open_fds") == 2);
    assert_true(sample(text, "process_resident_memory_bytes") > 100000);
    assert_true(sample(text, "process_virtual_memory_bytes") > sample(text, "process_resident_memory_bytes"));
    assert_true(sample(text, "process_start_time_seconds") > 1.6e9);
    assert_true(sample(text, "process_max_fds") >= 3);
    assert_true(sample(text, "process_cpu_seconds_total") < 1000);
    close(fds[0]);
    close(fds[1]);
    free(block);
    free(before);
    free(text);
    metrics_free(m);
}

static void test_promtool_accepts_it(void **state) {
    (void)state;
    if (system("command -v promtool >/dev/null 2>&1") != 0) skip();
    struct metrics *m = metrics_new();
    metrics_define_process(m);
    metric_observe(define(m, "reconcile_time_seconds", METRIC_HISTOGRAM, "controller"), METRIC_LABELS(STR("k8sgpt")), 0.2);
    metric_add(define(m, "reconcile_total", METRIC_COUNTER, "text"), METRIC_LABELS(STR("line\nfeed \"quote\" \\ caf\xc3\xa9")), 1);
    char *text = expose(m);
    FILE *tool = popen("promtool check metrics >&2", "w");
    assert_non_null(tool);
    assert_true(fputs(text, tool) >= 0);
    assert_int_equal(pclose(tool), 0);
    free(text);
    metrics_free(m);
}

static void use_all(void) {
    struct metrics *m = metrics_new();
    if (!m) return;
    struct metric *f = metrics_define(m, &(struct metric_def){.name = "c_total", .help = "h", .type = METRIC_COUNTER, .labels = {"l"}});
    metrics_on_collect(m, set_depth, define(m, "depth", METRIC_GAUGE, NULL));
    for (int i = 0; i < 20; i++) metric_add(f, METRIC_LABELS(((struct str){&"abcdefghijklmnopqrst"[i], 1})), 1);
    metric_remove(f, METRIC_LABELS(STR("c")));
    struct buf out = buf_new(1 << 20);
    if (metrics_write(m, &out, NULL) == 0 && f) assert_non_null(strstr(out.data, "c_total"));
    buf_free(&out);
    metrics_free(m);
}

static void test_no_memory_drops_the_update_alone(void **state) {
    (void)state;
    long n = 0;
    for (bool hit = true; hit; n++) {
        alloc_fault_after(n);
        use_all();
        hit = alloc_fault_end();
    }
    assert_true(n > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exposition_is_exact),
        cmocka_unit_test(test_series_go_with_what_they_describe),
        cmocka_unit_test(test_types_are_kept_apart),
        cmocka_unit_test(test_collectors_run_before_the_exposition),
        cmocka_unit_test(test_process_values_are_plausible),
        cmocka_unit_test(test_promtool_accepts_it),
        cmocka_unit_test(test_no_memory_drops_the_update_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
