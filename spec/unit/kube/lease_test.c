/* Who gets the Lease, and when. */
#include "kube/lease_fixture.h"

static void the_first_candidate_makes_the_lease(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    int64_t ignored_ms;
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    assert_int_equal(f->c[0].until_us, now_us + 10 * SECOND);
    assert_true(str_is(stored(f, "spec.holderIdentity"), "one_1"));
    assert_true(str_is(lease_holder(f->c[0].lease), "one_1"));
    assert_int_equal(doc_int(doc_path(doc_root(f->lease), "spec.leaseDurationSeconds")), 15);
    assert_int_equal(transitions(f), 0);
    assert_int_equal(stored(f, "spec.renewTime").n, strlen(OTHERS)); /* metav1.MicroTime: six digits, no fewer */
    assert_true(str_eq(stored(f, "spec.renewTime"), stored(f, "spec.acquireTime")));
    assert_true(clock_parse(stored(f, "spec.renewTime"), &ignored_ms));
    end(state);
}

static void the_holder_renews_every_2_s(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    char acquired[64];
    api_copy(acquired, sizeof acquired, stored(f, "spec.acquireTime"));
    pass(f, 2 * SECOND - 1);
    api_idle(api, 20);
    assert_int_equal(f->writes, 1);
    pass(f, 1);
    UNTIL(api, f->c[0].helds == 2);
    assert_int_equal(f->writes, 2);
    assert_int_equal(f->reads, 1); /* it knows what it wrote last */
    assert_int_equal(f->c[0].until_us, now_us + 10 * SECOND);
    assert_true(str_is(stored(f, "spec.acquireTime"), acquired));
    assert_false(str_is(stored(f, "spec.renewTime"), acquired));
    assert_int_equal(transitions(f), 0);
    end(state);
}

/* Clocks differ: the times in the Lease are of no account. */
static void another_is_given_15_s_by_our_own_clock(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    for (int i = 0; i < 14; i++) {
        pass(f, SECOND);
        api_idle(api, 3);
    }
    assert_int_equal(f->writes, 0);
    pass(f, SECOND);
    UNTIL(api, f->c[0].holds);
    assert_int_equal(f->writes, 1);
    assert_int_equal(transitions(f), 8);
    assert_true(str_is(stored(f, "metadata.labels.kept"), "yes")); /* it is not ours to remove */
    end(state);
}

static void every_renewal_gives_it_another_15_s(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    for (int i = 1; i <= 8; i++) {
        int reads = f->reads;
        pass(f, 5 * SECOND);
        other_writes(f, "other", 15, i);
        UNTIL(api, f->reads > reads);
        api_idle(api, 3);
    }
    assert_int_equal(f->writes, 0);
    pass(f, 15 * SECOND);
    UNTIL(api, f->c[0].holds);
    end(state);
}

/* What others do to the metadata is no sign of life. */
static void a_label_is_no_renewal(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    for (int i = 0; i < 3; i++) {
        int reads = f->reads;
        pass(f, 5 * SECOND);
        other_writes(f, "other", 15, 0);
        UNTIL(api, f->reads > reads);
    }
    UNTIL(api, f->c[0].holds);
    end(state);
}

static void a_lease_that_nobody_holds_is_taken_at_once(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    pass(f, SECOND);
    other_writes(f, "", 1, 1);
    UNTIL(api, f->c[0].holds); /* time does not pass: the watch says it */
    assert_int_equal(transitions(f), 9);
    end(state);
}

static void without_a_watch_it_asks_every_2_to_5_s(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    f->no_watch = true;
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->reads == 1);
    api_idle(api, 20);
    pass(f, 2 * SECOND - 1);
    api_idle(api, 20);
    assert_int_equal(f->reads, 1);
    pass(f, 2 * SECOND + SECOND / 2);
    UNTIL(api, f->reads == 2);
    other_writes(f, "", 1, 1);
    PASS_UNTIL(api, f->c[0].holds);
    end(state);
}

/* The write of another between our read and our write: no blind overwriting, and no race without end either. */
static void a_crossed_write_is_tried_once_more_and_then_later(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "", 1, 0);
    f->crossings = 1;
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    assert_int_equal(f->writes, 2);
    end(state);

    f = begin(state);
    other_writes(f, "", 1, 0);
    f->crossings = 1000;
    join(state, 0);
    UNTIL(api, f->writes == 2);
    api_idle(api, 20);
    assert_int_equal(f->writes, 2);
    end(state);
}

static void of_two_one_has_it(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    join(state, 1);
    UNTIL(api, f->watches == 1 && (f->c[0].holds || f->c[1].holds));
    assert_true(f->c[0].holds != f->c[1].holds);
    struct candidate *first = f->c[0].holds ? &f->c[0] : &f->c[1], *second = f->c[0].holds ? &f->c[1] : &f->c[0];
    for (int i = 0; i < 20; i++) { /* 40 s */
        int helds = first->helds;
        pass(f, 2 * SECOND);
        UNTIL(api, first->helds > helds);
        api_idle(api, 3);
        assert_false(second->holds);
    }
    lease_free(first->lease); /* it dies */
    first->lease = NULL;
    pass(f, 15 * SECOND);
    UNTIL(api, second->holds);
    assert_int_equal(transitions(f), 1);
    end(state);
}

/* Somebody who writes the Lease all the time does not make the candidates ask all the time. */
static void hints_have_a_pace(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    int reads = f->reads;
    for (int i = 1; i <= 50; i++) {
        other_writes(f, "other", 15, i);
        api_idle(api, 1);
    }
    assert_int_equal(f->reads, reads); /* time stands still */
    PASS_UNTIL(api, f->reads == reads + 1);
    end(state);
}

#define LEASE_TEST(name) cmocka_unit_test_setup_teardown(name, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        LEASE_TEST(the_first_candidate_makes_the_lease),
        LEASE_TEST(the_holder_renews_every_2_s),
        LEASE_TEST(another_is_given_15_s_by_our_own_clock),
        LEASE_TEST(every_renewal_gives_it_another_15_s),
        LEASE_TEST(a_label_is_no_renewal),
        LEASE_TEST(a_lease_that_nobody_holds_is_taken_at_once),
        LEASE_TEST(without_a_watch_it_asks_every_2_to_5_s),
        LEASE_TEST(a_crossed_write_is_tried_once_more_and_then_later),
        LEASE_TEST(of_two_one_has_it),
        LEASE_TEST(hints_have_a_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
