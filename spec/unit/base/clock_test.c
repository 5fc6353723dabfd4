#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <time.h>

#include "base/clock.h"

static void test_reads_what_rfc_3339_allows(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t wall_ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-03-01T10:10:00Z", 1772359800000},
        {"2026-03-01t10:10:00z", 1772359800000},
        {"2026-03-01T12:10:00+02:00", 1772359800000},
        {"2026-03-01T04:40:00-05:30", 1772359800000},
        {"2026-03-01T10:10:00.1Z", 1772359800100},
        {"2026-03-01T10:10:00.123456789Z", 1772359800123},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"0000-01-01T00:00:00Z", -62167219200000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"2016-12-31T23:59:60Z", 1483228800000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t wall_ms = 42;
        if (!clock_parse(str_of(cases[i].text), &wall_ms) || wall_ms != cases[i].wall_ms) fail_msg("%s", cases[i].text);
    }
}

static void test_refuses_the_rest(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "2026-03-01",
        "2026-03-01T10:10:00",
        "2026-03-01 10:10:00Z",
        "2026-02-29T10:10:00Z",
        "1900-02-29T10:10:00Z",
        "2026-13-01T10:10:00Z",
        "2026-00-01T10:10:00Z",
        "2026-03-00T10:10:00Z",
        "2026-04-31T10:10:00Z",
        "2026-03-01T24:10:00Z",
        "2026-03-01T10:60:00Z",
        "2026-03-01T10:10:61Z",
        "2026-03-01T10:10:00.Z",
        "2026-03-01T10:10:00.1234567890Z",
        "2026-03-01T10:10:00+2:00",
        "2026-03-01T10:10:00+24:00",
        "2026-03-01T10:10:00Zx",
        "2026-03-01T10:10:00.1",
        "2o26-03-01T10:10:00Z",
        "2026-03-01T10:1 :00Z",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t wall_ms;
        if (clock_parse(str_of(cases[i]), &wall_ms)) fail_msg("%s", cases[i]);
    }
}

/* Against the C library's calendar, and back, over the whole range. */
static void test_agrees_with_the_c_library(void **state) {
    (void)state;
    const int64_t first_s = -62167219200, last_s = 253402300799;
    for (int64_t s = first_s; s <= last_s; s += 86399 * 37) {
        time_t t = s;
        struct tm tm;
        char expected[CLOCK_TEXT_LEN], text[CLOCK_TEXT_LEN];
        gmtime_r(&t, &tm);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100,
                 tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
        if (strcmp(clock_format_s(s * 1000 + 999, text), expected) != 0) fail_msg("%s instead of %s", text, expected);
        int64_t back;
        assert_true(clock_parse(str_of(clock_format_ms(s * 1000 + 7, text)), &back));
        assert_true(back == s * 1000 + 7);
    }
}

static void test_years_without_a_form_are_clamped(void **state) {
    (void)state;
    char text[CLOCK_TEXT_LEN];
    assert_string_equal(clock_format_ms(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    assert_string_equal(clock_format_s(INT64_MIN, text), "0000-01-01T00:00:00Z");
}

static void test_wall_can_be_fixed_and_mono_goes_on(void **state) {
    (void)state;
    assert_false(clock_is_fixed());
    int64_t before = clock_mono_us();
    assert_true(clock_wall_ms() > 1700000000000);
    clock_fix_wall(5000);
    assert_true(clock_is_fixed());
    assert_int_equal(clock_wall_ms(), 5000);
    while (clock_mono_us() == before) continue;
    assert_true(clock_mono_us() > before);
    assert_int_equal(clock_wall_ms(), 5000);
}

/* Others take it for a sign of life: it has to move also where wall time does not (this runs after wall time was fixed). */
static void test_a_micro_time_is_of_this_moment(void **state) {
    (void)state;
    char first[CLOCK_TEXT_LEN], text[CLOCK_TEXT_LEN];
    int64_t wall_ms;
    clock_fix_wall(5000);
    clock_micro_time(first);
    assert_int_equal(strlen(first), strlen("2026-03-01T10:10:00.123456Z"));
    assert_true(clock_parse(str_of(first), &wall_ms));
    assert_true(wall_ms / 1000 >= time(NULL) - 60 && wall_ms / 1000 <= time(NULL));
    do clock_micro_time(text);
    while (strcmp(text, first) == 0);
    assert_true(strcmp(text, first) > 0);
}

static void test_boot_time_is_never_behind_the_monotonic_clock(void **state) {
    (void)state;
    int64_t mono_us = clock_mono_us();
    assert_true(clock_boot_us() >= mono_us);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_rfc_3339_allows),
        cmocka_unit_test(test_refuses_the_rest),
        cmocka_unit_test(test_agrees_with_the_c_library),
        cmocka_unit_test(test_years_without_a_form_are_clamped),
        cmocka_unit_test(test_wall_can_be_fixed_and_mono_goes_on),
        cmocka_unit_test(test_a_micro_time_is_of_this_moment),
        cmocka_unit_test(test_boot_time_is_never_behind_the_monotonic_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
