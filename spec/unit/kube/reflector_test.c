/* List in pages and watch, against a scripted API server: what is asked after each fault, and that the store ends up right. */
#include "kube/reflector_fixture.h"

#include "support/figure.h"

static void script_pages(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    if (nth == 0)
        api_json(x, 200, LIST("10", "a/b=", OBJECT("one", "1") "," OBJECT("two", "2")));
    else if (nth == 1)
        api_json(x, 200, LIST("10", "c", OBJECT("three", "3")));
    else if (nth == 2)
        api_json(x, 200, LIST("10", "", OBJECT("four", "4")));
    else
        watch_with(x, EVENT("MODIFIED", "two", "11") EVENT("DELETED", "one", "12") EVENT("ADDED", "end", "13"));
}

static void lists_in_pages_and_watches_from_there(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_pages, "end");
    api_wait(api);
    assert_int_equal(api->count, 4);
    const struct seen *q = api->seen;
    assert_string_equal(q[0].path, "/api/v1/pods");
    assert_string_equal(q[0].limit, "500");
    assert_string_equal(q[0].version, ""); /* the first list is a read of the latest state */
    assert_string_equal(q[0].token, "");
    assert_string_equal(q[1].token, "a/b=");
    assert_string_equal(q[2].token, "c");
    assert_true(q[3].watch);
    assert_true(q[3].bookmarks);
    assert_string_equal(q[3].version, "10");
    assert_in_range(strtol(q[3].timeout, NULL, 10), 300, 600);
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    assert_false(has(f, "one"));
    assert_true(has(f, "two") && has(f, "three") && has(f, "four") && has(f, "end"));
    assert_int_equal(f->deletes, 1);
    stop(f);
}

static size_t expires_at; /* request whose continue token has expired */

static void script_token_expires(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    static const char *const pages[] = {LIST("10", "2", OBJECT("one", "1") "," OBJECT("vanished", "2")),
                                        LIST("10", "3", OBJECT("three", "3")), LIST("10", "4", OBJECT("five", "5"))};
    (void)api;
    if (q->watch)
        watch_with(x, "");
    else if (nth == expires_at)
        api_status(x, 410, "Expired", "the continue token is too old", 0);
    else if (nth < expires_at)
        api_json(x, 200, pages[nth]);
    else
        api_json(x, 200, LIST("20", "", OBJECT("one", "1") "," OBJECT("two", "2") "," OBJECT("three", "3") "," OBJECT("end", "19")));
}

/* paging: no gap, no duplicate, and one further list. */
static void an_expired_continue_token_gives_one_whole_list(void **state) {
    struct api *api = *state;
    for (expires_at = 1; expires_at <= 3; expires_at++) {
        api->count = 0;
        struct fixture *f = start(api, script_token_expires, NULL);
        api_wait(api);
        assert_int_equal(f->state, REFLECTOR_SYNCED);
        assert_int_equal(lists(api), expires_at + 2);
        const struct seen *last = &api->seen[expires_at + 1];
        assert_string_equal(last->limit, "");
        assert_string_equal(last->token, "");
        assert_int_equal(store_count(f->store), 4);
        assert_false(has(f, "vanished") || has(f, "five"));
        assert_in_range(last->at_us - api->seen[expires_at].at_us, 0, 500 * 1000);
        AWAIT(api, api->count == expires_at + 3);
        assert_string_equal(api->seen[expires_at + 2].version, "20");
        stop(f);
        api_idle(api, 5);
    }
    figure_record("paging", "whole lists after an expired continue token", 1, "");
}

static void script_throttled(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    if (nth == 0)
        api_json(x, 200, LIST("10", "next", OBJECT("one", "1")));
    else if (nth == 1)
        api_status(x, 429, "TooManyRequests", "slow down", 2);
    else if (nth == 2)
        api_json(x, 200, LIST("10", "", OBJECT("two", "2")));
    else if (nth == 3)
        api_status(x, 429, "TooManyRequests", "slow down", 2);
    else
        watch_with(x, EVENT("ADDED", "end", "11"));
}

static void throttling_waits_and_never_lists_again(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_throttled, "end");
    api_wait(api);
    assert_int_equal(api->count, 5);
    assert_string_equal(api->seen[2].token, "next"); /* the page, not the list */
    assert_true(api->seen[2].at_us - api->seen[1].at_us >= 2000 * 1000);
    assert_true(api->seen[4].watch);
    assert_string_equal(api->seen[4].version, "10");
    assert_true(api->seen[4].at_us - api->seen[3].at_us >= 2000 * 1000);
    assert_int_equal(lists(api), 3);
    assert_int_equal((int)restarts(api, "throttled"), 1);
    stop(f);
}

static void script_compacted(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (nth == 0)
        api_json(x, 200, LIST("10", "", OBJECT("one", "1") "," OBJECT("two", "2")));
    else if (nth == 1)
        api_status(x, 410, "Expired", "too old resource version", 0);
    else if (nth == 2)
        api_json(x, 200,
                 "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"20\"},\"items\":[" OBJECT("two", "2") ",{\"metadata\":{\"na");
    else if (!q->watch)
        api_json(x, 200, LIST("20", "", OBJECT("two", "2") "," OBJECT("end", "19")));
    else
        watch_with(x, "");
}

static void script_always_gone(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->watch)
        watch_with(x, GONE);
    else
        api_json(x, 200, LIST("10", "", OBJECT("one", "1")));
}

/* The history may go at any time, as when a server is started again; but a version that has just been listed cannot be gone. */
static void gone_lists_at_once_but_not_over_and_over(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_always_gone, "none");
    AWAIT(api, api->count >= 4);
    assert_in_range(api->seen[2].at_us - api->seen[1].at_us, 0, 500 * 1000);
    assert_int_equal(lists(api), 2);
    AWAIT(api, api->count >= 5);
    assert_true(api->seen[4].at_us - api->seen[3].at_us >= BACKOFF_FIRST_MS * 1000);
    stop(f);
}

/* gone-relists: what vanished meanwhile is told of as deleted, when the list is whole. */
static bool saw_delete_early;

static void script_compacted_checked(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    struct fixture *f = api->arg;
    if (nth == 3) saw_delete_early = f->deletes > 0 || !has(f, "one");
    script_compacted(api, x, q, nth);
}

static void gone_lists_again_and_tells_of_what_vanished(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_compacted_checked, "end");
    api_wait(api);
    api_idle(api, 100);
    assert_false(saw_delete_early); /* a list that broke off deletes nothing */
    assert_int_equal(f->deletes, 1);
    assert_false(has(f, "one"));
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    assert_true(api->seen[4].watch);
    assert_string_equal(api->seen[4].version, "20");
    assert_int_equal((int)restarts(api, "gone"), 1);
    assert_int_equal((int)lists_by(api, "pages"), 2);
    figure_record("gone-relists", "lists after 410", lists_by(api, "pages") - 1, "");
    stop(f);
}

static void script_bookmark(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (!q->watch) {
        api_json(x, 200, LIST("10", "", ""));
    } else if (nth == 1) {
        watch_with(x, EVENT("ADDED", "one", "12") BOOKMARK("50"));
        http_stream_end(x);
    } else {
        watch_with(x, EVENT("ADDED", "end", "51"));
    }
}

static void a_watch_that_ended_resumes_from_its_bookmark(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_bookmark, "end");
    api_wait(api);
    assert_int_equal(lists(api), 1);
    assert_string_equal(api->seen[2].version, "50");
    assert_in_range(api->seen[2].at_us - api->seen[1].at_us, 0, 500 * 1000); /* a normal end waits for nothing */
    assert_int_equal((int)restarts(api, "ended"), 1);
    stop(f);
}

static bool allow;

static void script_denied(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (!allow)
        api_status(x, 403, "Forbidden", "pods is forbidden", 0);
    else if (q->watch)
        watch_with(x, "");
    else
        api_json(x, 200, LIST("10", "", OBJECT("one", "1")));
}

static void denied_says_why_and_is_tried_again(void **state) {
    struct api *api = *state;
    allow = false;
    struct fixture *f = start(api, script_denied, NULL);
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_DENIED);
    assert_int_equal(f->err.code, ERR_FORBIDDEN);
    assert_string_equal(f->err.msg, "pods is forbidden");
    allow = true;
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    assert_int_equal(f->err.code, ERR_NONE);
    assert_true(has(f, "one"));
    stop(f);
}

static void script_missing(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    (void)nth;
    http_respond(x, 404, "text/plain", STR("404 page not found\n"));
}

static void a_kind_that_is_not_served_is_missing(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_missing, NULL);
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_MISSING);
    assert_int_equal(f->err.code, ERR_NOT_FOUND);
    stop(f);
}

static void an_unreachable_server_keeps_it_syncing(void **state) {
    struct api *api = *state;
    http_server_free(api->server);
    api->server = NULL;
    struct fixture *f = start(api, script_missing, NULL);
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_SYNCING);
    assert_int_equal(f->err.code, ERR_UNREACHABLE);
    assert_non_null(strstr(f->err.msg, "cannot reach the API server http://127.0.0.1:"));
    assert_non_null(strstr(f->err.msg, "(from test): connection refused; is it running?"));
    stop(f);
}

static void script_never_ending(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth;
    if (q->watch)
        watch_with(x, EVENT("ADDED", "end", "11") "{\"type\":\"ADD");
    else
        api_json(x, 200, LIST("10", "", ""));
    (void)api;
}

static void can_be_freed_in_the_middle_of_an_event(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_never_ending, "end");
    api_wait(api);
    stop(f);
    api_idle(api, 50);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, paged_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(lists_in_pages_and_watches_from_there),        TEST(an_expired_continue_token_gives_one_whole_list),
        TEST(throttling_waits_and_never_lists_again),       TEST(gone_lists_again_and_tells_of_what_vanished),
        TEST(a_watch_that_ended_resumes_from_its_bookmark), TEST(denied_says_why_and_is_tried_again),
        TEST(a_kind_that_is_not_served_is_missing),         TEST(an_unreachable_server_keeps_it_syncing),
        TEST(can_be_freed_in_the_middle_of_an_event),       TEST(gone_lists_at_once_but_not_over_and_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
