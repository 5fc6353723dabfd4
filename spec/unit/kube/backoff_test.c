/* Waiting: it doubles, is bounded, jitters, forgets after two good minutes, and keeps to Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/backoff.h"

static const int64_t SECOND_US = 1000 * 1000;

static void doubles_up_to_its_bound_with_jitter(void **state) {
    (void)state;
    struct backoff b = {0};
    int64_t base_ms = BACKOFF_FIRST_MS;
    bool jitters = false;
    for (int i = 0; i < 50; i++) {
        int64_t ms = backoff_next(&b, i * SECOND_US);
        assert_in_range(ms, base_ms, base_ms + base_ms / 2);
        jitters |= ms != base_ms;
        base_ms = base_ms * 2 < BACKOFF_LAST_MS ? base_ms * 2 : BACKOFF_LAST_MS;
    }
    assert_true(jitters);
}

/* Ten minutes of refusals: at most one request in four seconds. */
static void a_dead_server_is_asked_rarely(void **state) {
    (void)state;
    struct backoff b = {0};
    int requests = 0;
    for (int64_t now_us = 0; now_us < 600 * SECOND_US; requests++) now_us += backoff_next(&b, now_us) * 1000;
    assert_in_range(requests, 10, 150);
}

static void two_good_minutes_forget(void **state) {
    (void)state;
    struct backoff b = {0};
    for (int i = 0; i < 10; i++) (void)backoff_next(&b, 0);
    backoff_good(&b, 10 * SECOND_US);
    assert_true(backoff_next(&b, 100 * SECOND_US) >= BACKOFF_LAST_MS); /* too short a time */
    backoff_good(&b, 200 * SECOND_US);
    backoff_good(&b, 319 * SECOND_US); /* still the same good time */
    assert_in_range(backoff_next(&b, 320 * SECOND_US), BACKOFF_FIRST_MS, BACKOFF_FIRST_MS * 3 / 2);
}

static void retry_after_is_a_lower_bound(void **state) {
    (void)state;
    struct backoff b = {0};
    const struct err late = {.code = ERR_THROTTLED, .retry_after_s = 90}, soon = {.code = ERR_THROTTLED};
    assert_int_equal(backoff_after(&b, 0, &late), 90 * 1000);
    assert_in_range(backoff_after(&b, 0, &soon), 2 * BACKOFF_FIRST_MS, 3 * BACKOFF_FIRST_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_its_bound_with_jitter),
        cmocka_unit_test(a_dead_server_is_asked_rarely),
        cmocka_unit_test(two_good_minutes_forget),
        cmocka_unit_test(retry_after_is_a_lower_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
