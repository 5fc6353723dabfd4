/* The work queue: every want is served, no key runs twice at once, and a key that fails waits ever longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "operator/workqueue.h"
#include "support/figure.h"

enum { KEYS = 1000, ADDS = 1000 * 1000, WAIT_MS = 60 * 1000 };

struct key {
    struct work work;
    uint64_t wanted, served; /* numbers of adds: of the last one, and of the last one before a run began */
    int under_way, runs;
    struct key *next_running;
};

struct fixture {
    struct loop *loop;
    struct workqueue *queue;
    struct key keys[KEYS];
    struct key *running; /* runs that end later */
    struct worker *ender;
    uint64_t adds;
    size_t overlaps, runs, waits, left;
    int fails; /* how many runs are still to fail */
    int64_t waited_ms[16];
    bool closed, done;
};

static struct key *key_of(struct work *w) { return (struct key *)((char *)w - offsetof(struct key, work)); }

static bool ready(void *arg) { return !((struct fixture *)arg)->closed; }

static void added(void *arg) { ((struct fixture *)arg)->waits++; }

static void taken(int64_t waited_us, void *arg) {
    assert_true(waited_us >= 0);
    ((struct fixture *)arg)->left++;
}

static void begin(struct fixture *f, struct key *k) {
    f->runs++;
    k->runs++;
    k->served = k->wanted;
    if (k->under_way++) f->overlaps++;
}

static void end(struct key *k) {
    k->under_way--;
    work_done(&k->work, -1);
}

/* Some runs end at once, most in a later turn of the loop. */
static void start(struct work *w, void *arg) {
    struct fixture *f = arg;
    struct key *k = key_of(w);
    begin(f, k);
    if (f->runs % 4 == 0) {
        end(k);
        return;
    }
    k->next_running = f->running;
    f->running = k;
}

static void add(struct fixture *f, struct key *k) {
    k->wanted = ++f->adds;
    work_add(&k->work);
}

static bool end_some(void *arg) {
    struct fixture *f = arg;
    for (int i = 0; i < 300 && f->adds < ADDS; i++) add(f, &f->keys[(uint64_t)random() % KEYS]);
    for (int i = 0; i < 60 && f->running; i++) {
        struct key *k = f->running;
        f->running = k->next_running;
        end(k);
    }
    f->done = f->adds == ADDS && !f->running && workqueue_depth(f->queue) == 0;
    return !f->done;
}

static struct fixture *fixture_new(size_t keys, void (*run)(struct work *w, void *arg)) {
    struct fixture *f = calloc(1, sizeof *f);
    struct err err;
    assert_non_null(f);
    struct workqueue_owner owner = {ready, run, added, taken, f};
    f->loop = loop_new(&err);
    f->queue = workqueue_new(f->loop, &owner);
    assert_non_null(f->queue);
    for (size_t i = 0; i < keys; i++) assert_true(work_init(&f->keys[i].work, f->queue));
    return f;
}

static void fixture_free(struct fixture *f) {
    for (size_t i = 0; i < KEYS; i++) work_free(&f->keys[i].work);
    worker_free(f->ender);
    workqueue_free(f->queue);
    loop_free(f->loop);
    free(f);
}

/* Row one-run-a-key. */
static void a_million_wants_of_a_thousand_keys(void **state) {
    (void)state;
    struct fixture *f = fixture_new(KEYS, start);
    size_t lost = 0;
    srandom(1);
    f->ender = worker_new(f->loop, end_some, f);
    int64_t from_us = clock_mono_us();
    worker_wake(f->ender);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    for (size_t i = 0; i < KEYS; i++) lost += f->keys[i].served != f->keys[i].wanted;
    figure_record("one-run-a-key", "keys that ran twice at once", (double)f->overlaps, "");
    figure_record("one-run-a-key", "wants without a run", (double)lost, "");
    figure_record("one-run-a-key", "time for a million wants", (double)(clock_mono_us() - from_us) / 1e6, "s");
    assert_int_equal(f->overlaps, 0);
    assert_int_equal(lost, 0);
    assert_int_equal(f->adds, ADDS);
    assert_true(f->runs < ADDS / 2); /* bursts are one run */
    assert_int_equal(f->waits, f->left);
    fixture_free(f);
}

static void run_once(struct work *w, void *arg) {
    struct fixture *f = arg;
    begin(f, key_of(w));
    f->done = true;
}

/* One want during a run, or many: one more run. */
static void wants_during_a_run_make_one_more(void **state) {
    (void)state;
    struct fixture *f = fixture_new(1, run_once);
    struct key *k = &f->keys[0];
    for (int i = 0; i < 3; i++) add(f, k);
    assert_int_equal(workqueue_depth(f->queue), 1);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    for (int i = 0; i < 3; i++) add(f, k);
    assert_int_equal(workqueue_depth(f->queue), 0);
    f->done = false;
    end(k);
    assert_int_equal(workqueue_depth(f->queue), 1);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    f->done = false;
    end(k);
    assert_false(loop_run_until(f->loop, &f->done, 20));
    assert_int_equal(k->runs, 2);
    fixture_free(f);
}

static void fail_some(struct work *w, void *arg) {
    struct fixture *f = arg;
    struct key *k = key_of(w);
    begin(f, k);
    k->under_way--;
    if (f->fails-- > 0) {
        f->waited_ms[k->runs - 1] = work_failed(w, 0);
        return;
    }
    work_done(w, -1);
    f->done = true;
}

static void a_key_that_fails_waits_twice_as_long_each_time(void **state) {
    (void)state;
    struct fixture *f = fixture_new(1, fail_some);
    f->fails = 5;
    int64_t from_us = clock_mono_us();
    add(f, &f->keys[0]);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    assert_true(clock_mono_us() - from_us >= (5 + 10 + 20 + 40 + 80) * 1000);
    for (int i = 0; i < 5; i++) assert_int_equal(f->waited_ms[i], 5 << i);

    f->fails = 1; /* it went well meanwhile */
    f->keys[0].runs = 0;
    f->done = false;
    add(f, &f->keys[0]);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    assert_int_equal(f->waited_ms[0], 5);
    fixture_free(f);
}

static void the_longest_wait_is_1000_s(void **state) {
    (void)state;
    assert_int_equal(work_backoff_ms(1), 5);
    assert_int_equal(work_backoff_ms(18), 5 << 17);
    assert_int_equal(work_backoff_ms(19), 1000 * 1000);
    assert_int_equal(work_backoff_ms(1 << 30), 1000 * 1000);
}

/* Row server-side-apply: what a rival undoes at once is written again after each wait (contest). */
static void within_30_s_there_are_no_more_than_14_tries(void **state) {
    (void)state;
    int tries = 0;
    for (int64_t at_ms = 0; (at_ms += work_backoff_ms(tries + 1)) <= 30 * 1000;) tries++;
    figure_record("server-side-apply", "writes against a rival that writes at once, in 30 s by the back-off", tries, "");
    assert_in_range(tries, 5, 14);
}

static void fail_until_noon(struct work *w, void *arg) {
    begin(arg, key_of(w));
    (void)work_failed(w, 3600 * 1000);
    key_of(w)->under_way--;
    ((struct fixture *)arg)->done = true;
}

/* A Retry-After of an hour holds back nobody who has news. */
static void a_want_does_not_wait_for_the_back_off(void **state) {
    (void)state;
    struct fixture *f = fixture_new(1, fail_until_noon);
    for (int run = 1; run <= 3; run++) {
        f->done = false;
        add(f, &f->keys[0]);
        assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
        assert_int_equal(f->keys[0].runs, run);
    }
    fixture_free(f);
}

/* A want in the middle of a run that then fails is news too. */
static void a_want_during_a_run_that_fails_does_not_wait_either(void **state) {
    (void)state;
    struct fixture *f = fixture_new(1, run_once);
    struct key *k = &f->keys[0];
    add(f, k);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    add(f, k);
    k->under_way--;
    (void)work_failed(&k->work, 3600 * 1000);
    f->done = false;
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    assert_int_equal(k->work.failures, 1);
    fixture_free(f);
}

static void nothing_starts_until_it_may(void **state) {
    (void)state;
    struct fixture *f = fixture_new(2, run_once);
    f->closed = true;
    add(f, &f->keys[0]);
    add(f, &f->keys[1]);
    assert_false(loop_run_until(f->loop, &f->done, 20));
    work_free(&f->keys[0].work); /* it leaves the queue */
    assert_int_equal(workqueue_depth(f->queue), 1);
    f->closed = false;
    workqueue_wake(f->queue);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    assert_int_equal(f->keys[0].runs, 0);
    assert_int_equal(f->keys[1].runs, 1);
    fixture_free(f);
}

static void a_run_may_say_when_it_wants_the_next(void **state) {
    (void)state;
    struct fixture *f = fixture_new(1, run_once);
    add(f, &f->keys[0]);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    int64_t from_us = clock_mono_us();
    f->done = false;
    f->keys[0].under_way--;
    work_done(&f->keys[0].work, 30);
    assert_true(loop_run_until(f->loop, &f->done, WAIT_MS));
    assert_true(clock_mono_us() - from_us >= 30 * 1000);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_wants_of_a_thousand_keys),
        cmocka_unit_test(wants_during_a_run_make_one_more),
        cmocka_unit_test(a_key_that_fails_waits_twice_as_long_each_time),
        cmocka_unit_test(the_longest_wait_is_1000_s),
        cmocka_unit_test(within_30_s_there_are_no_more_than_14_tries),
        cmocka_unit_test(a_want_does_not_wait_for_the_back_off),
        cmocka_unit_test(a_want_during_a_run_that_fails_does_not_wait_either),
        cmocka_unit_test(nothing_starts_until_it_may),
        cmocka_unit_test(a_run_may_say_when_it_wants_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
