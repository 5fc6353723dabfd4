/* The loop: timers are never early, workers let I/O through, handles may be freed from within their own callbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"

static struct loop *loop;

static int setup(void **state) {
    (void)state;
    struct err err = {0};
    loop = loop_new(&err);
    return loop ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    loop_free(loop);
    return 0;
}

static void raise_flag(void *arg) {
    bool *flag = arg;
    *flag = true;
}

static void stop_loop(void *arg) {
    (void)arg;
    loop_stop(loop);
}

static void timers_are_never_early(void **state) {
    (void)state;
    for (int64_t delay_ms = 0; delay_ms < 12; delay_ms++) {
        bool fired = false;
        struct timer *t = timer_new(loop, raise_flag, &fired);
        int64_t start_us = clock_mono_us();
        timer_start(t, delay_ms);
        assert_true(timer_active(t));
        assert_true(loop_run_until(loop, &fired, 5000));
        assert_in_range(clock_mono_us() - start_us, delay_ms * 1000, 3000000);
        assert_false(timer_active(t));
        timer_free(t);
    }
}

static void a_busy_turn_does_not_shorten_a_timer(void **state) {
    (void)state;
    bool fired = false;
    struct timer *t = timer_new(loop, raise_flag, &fired);
    int64_t busy_until_us = clock_mono_us() + 30000;
    while (clock_mono_us() < busy_until_us) {}
    int64_t start_us = clock_mono_us();
    timer_start(t, 20);
    assert_true(loop_run_until(loop, &fired, 5000));
    assert_true(clock_mono_us() - start_us >= 20000);
    timer_free(t);
}

static void starting_again_moves_a_timer(void **state) {
    (void)state;
    bool moved = false, stopped = false;
    struct timer *t = timer_new(loop, raise_flag, &moved), *never = timer_new(loop, raise_flag, &stopped);
    int64_t start_us = clock_mono_us();
    timer_start(t, 1);
    timer_start(t, 25);
    timer_start(never, 1);
    timer_stop(never);
    assert_true(loop_run_until(loop, &moved, 5000));
    assert_true(clock_mono_us() - start_us >= 25000);
    assert_false(stopped);
    timer_free(t);
    timer_free(never);
    timer_free(NULL);
}

struct self {
    struct timer *timer;
    bool done;
};

static void free_itself(void *arg) {
    struct self *s = arg;
    timer_free(s->timer);
    s->done = true;
}

static void a_timer_frees_itself(void **state) {
    (void)state;
    struct self s = {0};
    s.timer = timer_new(loop, free_itself, &s);
    timer_start(s.timer, 0);
    assert_true(loop_run_until(loop, &s.done, 5000));
}

static void run_until_gives_up(void **state) {
    (void)state;
    const bool never = false;
    int64_t start_us = clock_mono_us();
    assert_false(loop_run_until(loop, &never, 30));
    int64_t took_us = clock_mono_us() - start_us;
    assert_in_range(took_us, 28000, 3000000);
    start_us = clock_mono_us();
    assert_false(loop_run_until(loop, &never, 0));
    struct timer *t = timer_new(loop, stop_loop, NULL);
    timer_start(t, 0);
    assert_false(loop_run_until(loop, &never, 60000));
    assert_in_range(clock_mono_us() - start_us, 0, 3000000);
    timer_free(t);
}

/* Nothing but a stop ends it, and a stop that came first still counts. */
static void run_ends_by_stop_alone(void **state) {
    (void)state;
    struct timer *t = timer_new(loop, stop_loop, NULL);
    timer_start(t, 5);
    int64_t start_us = clock_mono_us();
    loop_run(loop);
    assert_true(clock_mono_us() - start_us >= 5000);
    loop_stop(loop);
    loop_run(loop);
    timer_free(t);
}

struct steps {
    int left, fired;
    struct timer *timer;
    struct worker *worker;
    bool done;
};

static bool step(void *arg) {
    struct steps *s = arg;
    s->left--;
    return true;
}

static void again_at_once(void *arg) {
    struct steps *s = arg;
    s->fired++;
    timer_start(s->timer, 0);
}

/* Neither endless work nor a timer that starts itself keeps the rest of the loop from running. */
static void nothing_starves_the_loop(void **state) {
    (void)state;
    struct steps s = {.left = 0};
    struct worker *w = worker_new(loop, step, &s);
    struct timer *end = timer_new(loop, raise_flag, &s.done);
    s.timer = timer_new(loop, again_at_once, &s);
    timer_start(end, 20);
    timer_start(s.timer, 0);
    const bool never = false;
    assert_false(loop_run_until(loop, &never, 3));
    assert_int_equal(s.left, 0);
    worker_wake(w);
    assert_true(loop_run_until(loop, &s.done, 5000));
    assert_true(s.left < -100);
    assert_true(s.fired > 5);
    timer_free(s.timer);
    timer_free(end);
    worker_free(w);
    worker_free(NULL);
}

static bool wake_once_more(void *arg) {
    struct steps *s = arg;
    if (s->left == 0) s->done = true;
    if (s->left-- > 0) worker_wake(s->worker);
    return false;
}

static void a_wake_from_within_counts(void **state) {
    (void)state;
    struct steps s = {.left = 3};
    s.worker = worker_new(loop, wake_once_more, &s);
    worker_wake(s.worker);
    assert_true(loop_run_until(loop, &s.done, 5000));
    worker_free(s.worker);
}

static bool free_worker(void *arg) {
    struct steps *s = arg;
    worker_free(s->worker);
    s->done = true;
    return true;
}

static void a_worker_frees_itself(void **state) {
    (void)state;
    struct steps s = {0};
    s.worker = worker_new(loop, free_worker, &s);
    worker_wake(s.worker);
    assert_true(loop_run_until(loop, &s.done, 5000));
}

static void on_signal(int signum, void *arg) {
    int *seen = arg;
    *seen = signum;
    loop_stop(loop);
}

static void signals_reach_the_last_handler(void **state) {
    (void)state;
    int first = 0, second = 0;
    struct err err = {0};
    assert_int_equal(loop_on_signal(loop, SIGHUP, on_signal, &first, &err), 0);
    assert_int_equal(loop_on_signal(loop, SIGHUP, on_signal, &second, &err), 0);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    loop_run(loop);
    assert_int_equal(first, 0);
    assert_int_equal(second, SIGHUP);
    assert_int_not_equal(loop_on_signal(loop, SIGKILL, on_signal, &first, &err), 0);
}

/* As the kubelet does it: a new directory, then the link ..data renamed over the old one. */
static void a_swapped_link_is_seen(void **state) {
    (void)state;
    char dir[] = "/tmp/dirwatchXXXXXX", link[64], fresh[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(link, sizeof link, "%s/..data", dir);
    (void)snprintf(fresh, sizeof fresh, "%s/..data_tmp", dir);
    assert_int_equal(symlink("one", link), 0);
    assert_int_equal(symlink("two", fresh), 0);
    bool changed = false;
    struct err err = {0};
    struct dirwatch *w = dirwatch_new(loop, dir, raise_flag, &changed, &err);
    assert_non_null(w);
    assert_false(loop_run_until(loop, &changed, 5));
    assert_int_equal(rename(fresh, link), 0);
    assert_true(loop_run_until(loop, &changed, 5000));
    dirwatch_free(w);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_null(dirwatch_new(loop, dir, raise_flag, &changed, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, dir));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(timers_are_never_early),       TEST(a_busy_turn_does_not_shorten_a_timer),
        TEST(starting_again_moves_a_timer), TEST(a_timer_frees_itself),
        TEST(run_until_gives_up),           TEST(run_ends_by_stop_alone),
        TEST(nothing_starves_the_loop),     TEST(a_wake_from_within_counts),
        TEST(a_worker_frees_itself),        TEST(signals_reach_the_last_handler),
        TEST(a_swapped_link_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
