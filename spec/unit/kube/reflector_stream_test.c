/* streaming-list: lists that are the beginning of a watch (KEP-3157), and servers that do not know of them. */
#include "kube/reflector_fixture.h"

#include "support/figure.h"
#include "support/time_skip.h"

enum { KINDS = 6 };

static const int64_t SECOND_US = 1000 * 1000, DAY_US = 24 * 3600 * 1000LL * 1000;

static struct http_exchange *open_stream;

/* Lets all that waits for `us` fire, with a moment to begin what it leads to. */
static void let_pass(struct api *api, int64_t us) {
    time_skip_us(us);
    api_idle(api, 20);
}

static void script_streamed(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    if (nth == 0) {
        watch_with(x, EVENT("ADDED", "one", "3") EVENT("ADDED", "two", "2"));
        open_stream = x;
    } else {
        watch_with(x, EVENT("ADDED", "end", "12"));
    }
}

static void is_the_beginning_of_the_watch(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_streamed, "two");
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_SYNCING); /* all may be there, but nobody said so */
    f->until = NULL;
    http_stream_write(open_stream, STR(INITIAL_END("10")));
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    f->until = "three";
    http_stream_write(open_stream, STR(EVENT("DELETED", "one", "11") EVENT("ADDED", "three", "11")));
    api_wait(api);
    assert_int_equal(api->count, 1);
    assert_true(api->seen[0].watch && api->seen[0].initial && api->seen[0].bookmarks);
    assert_string_equal(api->seen[0].version, ""); /* a consistent read */
    assert_string_equal(api->seen[0].limit, "");
    assert_false(has(f, "one"));
    f->until = "end";
    http_stream_end(open_stream);
    api_wait(api);
    assert_false(api->seen[1].initial);
    assert_string_equal(api->seen[1].version, "11");
    assert_int_equal((int)lists_by(api, "stream"), 1);
    figure_record("streaming-list", "list requests beside a streamed list", (double)lists(api), "");
    stop(f);
}

static void script_cut_short(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (nth == 0) {
        watch_with(x, EVENT("ADDED", "vanishes", "3") EVENT("ADDED", "stays", "2") INITIAL_END("10"));
        open_stream = x;
    } else if (nth == 1) {
        watch_with(x, EVENT("ADDED", "stays", "2"));
        open_stream = x;
    } else if (q->watch) {
        watch_with(x, "");
    } else {
        api_json(x, 200, LIST("20", "", OBJECT("stays", "2") "," OBJECT("end", "19")));
    }
}

/* That the connection was cut says nothing of how lists are to be asked for, that the server ended the stream does. */
static void cut_before_its_end_loses_nothing(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_cut_short, "stays");
    AWAIT(api, f->state == REFLECTOR_SYNCED);
    http_stream_write(open_stream, STR(GONE));
    AWAIT(api, api->count >= 2);
    assert_true(api->seen[1].initial);
    http_stream_end(open_stream);
    AWAIT(api, !f->reflector->call);
    assert_true(has(f, "vanishes"));
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    let_pass(api, 60 * SECOND_US);
    AWAIT(api, api->count >= 4);
    assert_false(api->seen[2].watch);
    assert_false(has(f, "vanishes"));
    assert_int_equal(f->deletes, 1);
    stop(f);
}

static size_t asked_to_stream(const struct api *api) {
    size_t n = 0;
    for (size_t i = 0; i < api->count; i++) n += api->seen[i].initial;
    return n;
}

/* As an API server with the feature gate off (kubernetes/kubernetes#135583). */
static void script_refuses(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->initial)
        api_status(x, 422, "Invalid", "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled", 0);
    else if (q->watch)
        watch_with(x, GONE);
    else
        api_json(x, 200, LIST("10", "", OBJECT("one", "1")));
}

static void refused_once_is_not_asked_for_by_anybody(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_refuses, "none");
    struct store *stores[KINDS];
    struct reflector *others[KINDS];
    struct resource pods = PODS;
    struct err err;
    pods.gvk = gvk_parse(STR("v1/Pod"), &err);
    for (int i = 0; i < KINDS; i++) {
        stores[i] = pod_store();
        others[i] = reflector_new(api->loop, api->client, &pods, STR(""), stores[i], NULL, NULL, NULL, &err);
    }
    AWAIT(api, api->count >= 1 + 2 * (1 + KINDS));
    assert_int_equal(asked_to_stream(api), 1);
    assert_int_equal(store_count(f->store), 1);
    AWAIT(api, f->reflector->version[0] == '\0');
    figure_record("streaming-list", "refusals until a client of 7 kinds lists in pages", (double)asked_to_stream(api), "");
    for (int i = 0; i < KINDS; i++) {
        assert_int_equal(store_count(stores[i]), 1);
        reflector_free(others[i]);
        store_free(stores[i]);
    }
    let_pass(api, DAY_US + SECOND_US); /* the watch ended, as its version is gone: it lists anew */
    AWAIT(api, asked_to_stream(api) == 2);
    stop(f);
}

/* An aggregated API is a server of its own, with its own gates. */
static void refused_by_one_server_of_several_stays_its_own(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_refuses, "one");
    api_wait(api);
    assert_int_equal(asked_to_stream(api), 1);
    assert_true(lists_stream(api->client));
    stop(f);
}

static void script_old(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->initial)
        watch_with(x, EVENT("ADDED", "one", "1"));
    else if (q->watch)
        watch_with(x, "");
    else
        api_json(x, 200, LIST("10", "", OBJECT("one", "1")));
}

static void without_a_mark_is_given_up(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_old, "one");
    api_wait(api);
    let_pass(api, 9 * SECOND_US);
    assert_int_equal(api->count, 1);
    let_pass(api, 2 * SECOND_US);
    AWAIT(api, api->count >= 3);
    assert_false(api->seen[1].watch);
    assert_string_equal(api->seen[2].version, "10");
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    assert_false(lists_stream(api->client));
    stop(f);
}

static void script_silent(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->initial)
        open_stream = x;
    else if (q->watch)
        watch_with(x, "");
    else
        api_json(x, 200, LIST("10", "", ""));
}

/* It may have to queue in the server, but not for ever; and what never began says nothing of the way. */
static void that_does_not_begin_has_a_deadline(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_silent, "none");
    AWAIT(api, api->count >= 1);
    let_pass(api, 59 * SECOND_US);
    assert_non_null(f->reflector->call);
    let_pass(api, 2 * SECOND_US);
    AWAIT(api, !f->reflector->call);
    let_pass(api, 2 * SECOND_US);
    AWAIT(api, api->count >= 2);
    assert_false(api->seen[1].watch);
    stop(f);
    http_respond(open_stream, 500, "text/plain", STR(""));
}

static void script_trickles(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    if (nth == 0) {
        watch_with(x, INITIAL_END("10") EVENT("ADDED", "one", "11") "{\"type\":\"ADD");
        open_stream = x;
    } else {
        watch_with(x, EVENT("ADDED", "end", "12"));
    }
}

/* dead-link: an event of which bytes go on coming, one a second. */
static void an_event_that_trickles_ends_its_watch(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_trickles, "one");
    AWAIT(api, f->reflector->midway);
    int seconds = 0;
    for (; f->reflector->call && seconds < 120; seconds++) {
        http_stream_write(open_stream, STR(" "));
        let_pass(api, SECOND_US);
    }
    let_pass(api, 2 * SECOND_US);
    AWAIT(api, api->count >= 2);
    assert_string_equal(api->seen[1].version, "11");
    assert_in_range(seconds, 55, 70);
    figure_record("dead-link", "a watch whose event trickles is resumed after", seconds, "s");
    stop(f);
}

static void script_both(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->watch)
        watch_with(x, "");
    else
        api_json(x, 200, LIST("10", "", OBJECT("end", "1")));
}

/* Watches are never compressed, pages can be. */
static void is_not_asked_for_on_a_slow_link(void **state) {
    struct api *api = *state;
    api->client->link.slow = true;
    struct fixture *f = start(api, script_both, "end");
    api_wait(api);
    assert_int_equal(asked_to_stream(api), 0);
    assert_true(api->seen[0].gzip);
    AWAIT(api, api->count >= 2);
    assert_false(api->seen[1].gzip);
    stop(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)
#define STREAMED(f) cmocka_unit_test_setup_teardown(f, streamed_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(is_the_beginning_of_the_watch),
        STREAMED(cut_before_its_end_loses_nothing),
        TEST(refused_once_is_not_asked_for_by_anybody),
        STREAMED(refused_by_one_server_of_several_stays_its_own),
        TEST(without_a_mark_is_given_up),
        TEST(that_does_not_begin_has_a_deadline),
        STREAMED(an_event_that_trickles_ends_its_watch),
        STREAMED(is_not_asked_for_on_a_slow_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
