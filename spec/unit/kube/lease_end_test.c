/* How holding a Lease ends: at the deadline, by another, or by letting go of it. */
#include "kube/lease_fixture.h"

static void on_released(void *arg) {
    struct candidate *c = arg;
    c->released = true;
}

/* Row lease: no write after the deadline. */
static void a_holder_that_cannot_renew_is_told_at_the_deadline(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    f->refusal = 500;
    int64_t renewed_us = now_us;
    for (int i = 1; i <= 4; i++) {
        pass(f, 2 * SECOND);
        UNTIL(api, f->writes + f->reads >= 2 && api->count >= (size_t)(2 + i));
        api_idle(api, 3);
        assert_true(f->c[0].holds);
    }
    pass(f, 2 * SECOND - 1);
    assert_true(f->c[0].holds);
    pass(f, 1);
    assert_false(f->c[0].holds);
    assert_non_null(strstr(f->c[0].why, "in time"));
    figure_record("lease", "from the last renewal to the end of all writes", (double)(now_us - renewed_us) / SECOND, "s");
    assert_int_equal(now_us - renewed_us, 10 * SECOND);

    f->refusal = 0; /* it is still its own, and nobody took it: it may have it again, before the 15 s are over */
    pass(f, 9 * SECOND / 2);
    UNTIL(api, f->c[0].holds);
    assert_int_equal(transitions(f), 0);
    end(state);
}

static void so_is_one_whose_server_hangs(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    f->hangs = true;
    pass(f, 2 * SECOND);
    UNTIL(api, f->kept_count == 1);
    pass(f, 8 * SECOND);
    assert_false(f->c[0].holds);
    end(state);
}

/* A process that stood still for a while finds out before it does anything else. */
static void so_is_one_that_stood_still(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    pass(f, 20 * SECOND);
    assert_false(f->c[0].holds);
    assert_int_equal(f->writes, 1);
    end(state);
}

/* An answer counts from when it was asked for: the server may have renewed the Lease right then. */
static void a_late_answer_gives_no_more_time(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    f->hangs = true;
    pass(f, 2 * SECOND);
    UNTIL(api, f->kept_count == 1);
    int64_t asked_us = now_us;
    now_us += 4 * SECOND;
    f->hangs = false;
    take_write(f, f->kept[--f->kept_count], false);
    UNTIL(api, f->c[0].helds >= 2); /* a further renewal is due at once */
    assert_int_equal(f->c[0].untils_us[1], asked_us + 10 * SECOND);
    end(state);
}

static void a_holder_that_finds_another_in_the_lease_is_told(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    other_writes(f, "thief", 15, 0);
    pass(f, 2 * SECOND);
    UNTIL(api, !f->c[0].holds);
    assert_non_null(strstr(f->c[0].why, "thief has it"));
    assert_true(str_is(stored(f, "spec.holderIdentity"), "thief"));
    end(state);
}

static void a_holder_whose_lease_was_deleted_makes_it_again(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    doc_unref(f->lease);
    f->lease = NULL;
    pass(f, 2 * SECOND);
    UNTIL(api, f->c[0].helds == 2);
    assert_int_equal(f->c[0].losses, 0);
    assert_true(str_is(stored(f, "spec.holderIdentity"), "one_1"));
    end(state);
}

static void who_goes_leaves_it_to_others(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    join(state, 1);
    UNTIL(api, f->watches == 1);
    lease_release(f->c[0].lease, on_released, &f->c[0]);
    assert_false(f->c[0].released);
    UNTIL(api, f->c[0].released);
    PASS_UNTIL(api, f->c[1].holds);
    assert_non_null(strstr(f->last_written, "\"holderIdentity\":\"two_2\""));
    assert_int_equal(transitions(f), 1);
    assert_int_equal(f->c[0].losses, 0);
    end(state);
}

static void a_release_meets_a_renewal_that_was_on_its_way(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    store(f, doc_path(doc_root(f->lease), "spec"), DOC_NO_VALUE); /* stored, and the answer never came */
    lease_release(f->c[0].lease, on_released, &f->c[0]);
    UNTIL(api, f->c[0].released);
    assert_true(str_is(stored(f, "spec.holderIdentity"), ""));
    assert_int_equal(doc_int(doc_path(doc_root(f->lease), "spec.leaseDurationSeconds")), 1);
    end(state);
}

static void a_release_takes_nothing_from_another(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    other_writes(f, "other", 15, 0);
    lease_release(f->c[0].lease, on_released, &f->c[0]);
    UNTIL(api, f->c[0].released);
    assert_true(str_is(stored(f, "spec.holderIdentity"), "other"));
    end(state);
}

static void who_holds_nothing_has_nothing_to_release(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    lease_release(f->c[0].lease, on_released, &f->c[0]);
    UNTIL(api, f->c[0].released);
    assert_int_equal(f->writes, 0);
    end(state);
}

#define LEASE_TEST(name) cmocka_unit_test_setup_teardown(name, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        LEASE_TEST(a_holder_that_cannot_renew_is_told_at_the_deadline),
        LEASE_TEST(so_is_one_whose_server_hangs),
        LEASE_TEST(so_is_one_that_stood_still),
        LEASE_TEST(a_late_answer_gives_no_more_time),
        LEASE_TEST(a_holder_that_finds_another_in_the_lease_is_told),
        LEASE_TEST(a_holder_whose_lease_was_deleted_makes_it_again),
        LEASE_TEST(who_goes_leaves_it_to_others),
        LEASE_TEST(a_release_meets_a_renewal_that_was_on_its_way),
        LEASE_TEST(a_release_takes_nothing_from_another),
        LEASE_TEST(who_holds_nothing_has_nothing_to_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
