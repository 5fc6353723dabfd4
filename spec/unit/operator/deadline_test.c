/* Deadlines against a naive list of due times, and by the real clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "operator/deadline.h"
#include "support/alloc_fault.h"

enum { ITEMS = 200, NEVER = 0 };

struct item {
    struct deadline deadline; /* first: fire() casts */
    int64_t due_ms;           /* by the model; NEVER: unset */
    int64_t again_ms;         /* when it fires it sets itself so much later; 0: it does not */
    int fired;
};

static struct loop *loop;
static struct deadlines *all;
static struct item items[ITEMS];
static int64_t now_ms, last_fired_ms;
static bool kicked;

static void fire(struct deadline *d) {
    struct item *it = (struct item *)d;
    struct err err;
    assert_int_equal(d->slot, 0);
    assert_true(it->due_ms != NEVER && it->due_ms <= now_ms);
    assert_true(it->due_ms >= last_fired_ms);
    last_fired_ms = it->due_ms;
    it->fired++;
    it->due_ms = it->again_ms ? now_ms + it->again_ms : NEVER;
    if (it->due_ms != NEVER) assert_int_equal(deadline_set(all, d, it->due_ms, &err), 0);
}

static void kick_fired(struct deadline *d) {
    (void)d;
    kicked = true;
}

/* With a fixed clock nothing fires by itself: something due since ever starts the timer. */
static void settle(void) {
    struct deadline kick = {.fire = kick_fired};
    struct err err;
    kicked = false;
    last_fired_ms = 0;
    assert_int_equal(deadline_set(all, &kick, 0, &err), 0);
    assert_true(loop_run_until(loop, &kicked, 5000));
}

static void check_model(void) {
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i].deadline.slot != 0, items[i].due_ms != NEVER);
        if (items[i].due_ms != NEVER) assert_int_equal(items[i].deadline.due_ms, items[i].due_ms);
    }
}

static void set(struct item *it, int64_t due_ms) {
    struct err err;
    assert_int_equal(deadline_set(all, &it->deadline, due_ms, &err), 0);
    it->due_ms = due_ms;
}

static int setup(void **state) {
    (void)state;
    struct err err;
    loop = loop_new(&err);
    all = deadlines_new(loop);
    assert_non_null(all);
    for (int i = 0; i < ITEMS; i++) items[i] = (struct item){.deadline.fire = fire};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    deadlines_free(all);
    loop_free(loop);
    return 0;
}

struct moment {
    struct deadline deadline;
    int64_t at_ms;
    bool fired;
};

static void note_moment(struct deadline *d) {
    struct moment *m = (struct moment *)d;
    m->at_ms = clock_wall_ms();
    m->fired = true;
}

static void fires_at_its_moment_and_not_before(void **state) {
    (void)state;
    struct err err;
    struct moment late = {.deadline.fire = note_moment}, soon = {.deadline.fire = note_moment}, cleared = {.deadline.fire = note_moment};
    int64_t start_ms = clock_wall_ms();
    assert_int_equal(deadline_set(all, &cleared.deadline, start_ms + 5, &err), 0);
    assert_int_equal(deadline_set(all, &late.deadline, start_ms + 60 * 60 * 1000, &err), 0);
    assert_int_equal(deadline_set(all, &late.deadline, start_ms + 40, &err), 0); /* moved */
    assert_int_equal(deadline_set(all, &soon.deadline, start_ms + 20, &err), 0);
    deadline_clear(all, &cleared.deadline);
    assert_true(loop_run_until(loop, &late.fired, 5000));
    assert_true(soon.fired && !cleared.fired);
    assert_true(soon.at_ms >= start_ms + 20 && late.at_ms >= start_ms + 40);
}

static void agrees_with_a_naive_list(void **state) {
    (void)state;
    int fired = 0;
    now_ms = 1000000;
    for (int round = 0; round < 20000; round++) {
        struct item *it = &items[rand() % ITEMS];
        int what = rand() % 10;
        it->again_ms = rand() % 4 ? 0 : 1 + rand() % 50;
        if (what < 5) {
            set(it, now_ms + 1 + rand() % 200);
        } else if (what < 7) {
            deadline_clear(all, &it->deadline);
            it->due_ms = NEVER;
        } else if (what == 9) {
            now_ms += rand() % 30;
            clock_fix_wall(now_ms);
            settle();
            for (int i = 0; i < ITEMS; i++) assert_true(items[i].due_ms == NEVER || items[i].due_ms > now_ms);
        }
        if (round % 50 == 0) check_model();
    }
    for (int i = 0; i < ITEMS; i++) fired += items[i].fired;
    assert_true(fired > 1000);
}

/* `run --now` stands still: what lies ahead stays there, what is due already fires. */
static void a_fixed_clock_stands_still(void **state) {
    (void)state;
    bool never = false;
    now_ms = 1000000;
    last_fired_ms = 0;
    clock_fix_wall(now_ms);
    set(&items[0], now_ms + 1);
    assert_false(loop_run_until(loop, &never, 20));
    assert_int_equal(items[0].fired, 0);
    set(&items[1], now_ms);
    assert_false(loop_run_until(loop, &never, 20));
    assert_int_equal(items[1].fired, 1);
    assert_int_equal(items[0].fired, 0);
}

static void without_memory_it_stays_unset(void **state) {
    (void)state;
    struct err err;
    int failed = 0;
    now_ms = 1000000;
    clock_fix_wall(now_ms);
    for (int i = 0; i < ITEMS; i++) {
        alloc_fault_after(0);
        int rc = deadline_set(all, &items[i].deadline, now_ms + 1 + (i * 7919) % 100, &err);
        alloc_fault_end();
        items[i].due_ms = rc ? NEVER : items[i].deadline.due_ms;
        if (!rc) continue;
        assert_int_equal(rc, ERR_NOMEM);
        assert_int_equal(items[i].deadline.slot, 0);
        failed++;
        set(&items[i], now_ms + 1 + rand() % 100);
    }
#ifndef __SANITIZE_ADDRESS__ /* whose reallocarray no injected fault reaches */
    assert_true(failed >= 2);
#endif
    check_model();
    clock_fix_wall(now_ms += 100);
    settle();
    for (int i = 0; i < ITEMS; i++) assert_int_equal(items[i].fired, 1);
}

int main(void) {
    srand(20260301);
    const struct CMUnitTest tests[] = {
        /* first: a clock that was fixed stays fixed */
        cmocka_unit_test_setup_teardown(fires_at_its_moment_and_not_before, setup, teardown),
        cmocka_unit_test_setup_teardown(agrees_with_a_naive_list, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fixed_clock_stands_still, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_it_stays_unset, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
