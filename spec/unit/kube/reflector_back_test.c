/* never-back-in-time: servers that show an older state than was seen already (Sieve's "time travel", OSDI '22). */
#include "kube/reflector_fixture.h"

#include "support/figure.h"
#include "support/time_skip.h"

static struct http_exchange *open_stream;
static size_t taken_back;

/* Fires what waits for the next attempt, if it came to that. */
static void skip_wait(struct api *api, struct fixture *f) {
    AWAIT(api, api->flag || (!f->reflector->call && timer_active(f->reflector->timer)));
    if (!api->flag) time_skip_us(timer_due_us(f->reflector->timer) - clock_mono_us());
}

static const char *version_of(const struct fixture *f, const char *name) {
    static char text[32];
    struct doc *pod = store_get(f->store, STR("x"), str_of(name));
    snprintf(text, sizeof text, STR_FMT, STR_ARG(doc_path_str(doc_root(pod), "metadata.resourceVersion")));
    return text;
}

/* Lists at 100, then only what a server says that has seen nothing since 50. */
static void script_stale_lists(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (q->watch) {
        watch_with(x, "");
        open_stream = x;
    } else if (nth == 0) {
        api_json(x, 200, LIST("100", "", OBJECT("a", "90") "," OBJECT("b", "95")));
    } else if (nth < 5) {
        api_json(x, 200, LIST("50", "", OBJECT("a", "40") "," OBJECT("deleted", "41")));
    } else {
        api_json(x, 200, LIST("120", "", OBJECT("a", "110") "," OBJECT("end", "119")));
    }
}

static void an_older_list_changes_nothing(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_stale_lists, "none");
    AWAIT(api, api->count == 2);
    AWAIT(api, f->reflector->opened_us);
    http_stream_write(open_stream, STR(GONE));
    for (int i = 0; i < 3; i++) {
        if (i) skip_wait(api, f);
        AWAIT(api, api->count == (size_t)i + 3);
        AWAIT(api, !f->reflector->call);
        assert_string_equal(api->seen[i + 2].version, ""); /* never "0", which would allow it */
        assert_string_equal(version_of(f, "a"), "90");
        assert_true(has(f, "b"));
        taken_back += has(f, "deleted") || f->deletes;
    }
    assert_int_equal(taken_back, 0);
    figure_record("never-back-in-time", "objects taken back by 3 lists of an older view", (double)taken_back, "");
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    skip_wait(api, f);
    AWAIT(api, api->count >= 7);
    assert_true(has(f, "end") && !has(f, "b"));
    assert_string_equal(version_of(f, "a"), "110");
    assert_string_equal(api->seen[6].version, "120");
    stop(f);
}

#define TOO_LARGE                                                                                                                          \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Timeout\",\"code\":504,\"message\":\"Timeout: Too large resource "           \
    "version: 100, current: 50\",\"details\":{\"retryAfterSeconds\":1,\"causes\":[{\"reason\":\"ResourceVersionTooLarge\","                \
    "\"message\":\"Too large resource version\"}]}}"

/* As storage.NewTooLargeResourceVersionError of the API server, as an answer and within a stream. */
static void script_too_large(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (!q->watch) {
        api_json(x, 200, LIST("100", "", OBJECT("a", "90")));
    } else if (nth == 1) {
        api_json(x, 504, TOO_LARGE);
    } else if (nth == 2) {
        watch_with(x, "{\"type\":\"ERROR\",\"object\":" TOO_LARGE "}\n");
    } else {
        watch_with(x, EVENT("ADDED", "end", "101"));
    }
}

static void a_server_that_is_behind_is_waited_for(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_too_large, "end");
    for (size_t i = 2; i <= 3; i++) {
        AWAIT(api, api->count == i);
        AWAIT(api, f->reflector->behind_since_us);
        skip_wait(api, f);
    }
    api_wait(api);
    AWAIT(api, !f->reflector->behind_since_us);
    assert_int_equal(lists(api), 1);
    for (size_t i = 1; i <= 3; i++) assert_string_equal(api->seen[i].version, "100");
    assert_int_equal((int)restarts(api, "behind"), 2);
    stop(f);
}

/* etcd was restored from a backup: what is there now is all there will be. */
static void script_restored(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (nth == 0)
        api_json(x, 200, LIST("100", "", OBJECT("a", "90") "," OBJECT("b", "95")));
    else if (q->watch && strcmp(q->version, "50") != 0)
        api_json(x, 504, TOO_LARGE);
    else if (q->watch)
        watch_with(x, EVENT("ADDED", "end", "51"));
    else
        api_json(x, 200, LIST("50", "", OBJECT("a", "40")));
}

static void a_cluster_that_was_set_back_is_taken_after_five_minutes(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_restored, "end");
    AWAIT(api, f->reflector->behind_since_us);
    int64_t since_us = f->reflector->behind_since_us;
    while (!api->flag) {
        size_t before = api->count;
        skip_wait(api, f);
        AWAIT(api, api->flag || api->count > before);
    }
    double minutes = (double)(clock_mono_us() - since_us) / 60e6;
    assert_true(minutes >= 5 && minutes < 7);
    assert_int_equal(lists(api), 2);
    assert_string_equal(version_of(f, "a"), "40");
    assert_false(has(f, "b"));
    stop(f);
}

static void script_older_events(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->watch)
        watch_with(x, EVENT("MODIFIED", "a", "40") EVENT("DELETED", "b", "41") EVENT("DELETED", "c", "96") EVENT("ADDED", "end", "101"));
    else
        api_json(x, 200, LIST("100", "", OBJECT("a", "90") "," OBJECT("b", "95") "," OBJECT("c", "96")));
}

static void an_older_event_changes_nothing(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_older_events, "end");
    api_wait(api);
    assert_string_equal(version_of(f, "a"), "90");
    assert_true(has(f, "b"));
    assert_false(has(f, "c")); /* the version of a deletion may be that of the last change */
    AWAIT(api, strcmp(f->reflector->version, "101") == 0);
    stop(f);
}

static void script_older_stream(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (nth == 0) {
        watch_with(x, EVENT("ADDED", "a", "90") EVENT("ADDED", "b", "95") INITIAL_END("100"));
        open_stream = x;
    } else if (nth == 1) {
        watch_with(x, EVENT("ADDED", "a", "40") INITIAL_END("50"));
    } else if (q->watch) {
        watch_with(x, "");
    } else {
        api_json(x, 200, LIST("120", "", OBJECT("a", "110")));
    }
}

static void an_older_stream_drops_nothing(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_older_stream, "b");
    AWAIT(api, f->state == REFLECTOR_SYNCED);
    http_stream_write(open_stream, STR(GONE));
    AWAIT(api, api->count == 2);
    AWAIT(api, f->reflector->behind_since_us);
    assert_string_equal(version_of(f, "a"), "90");
    assert_true(has(f, "b"));
    skip_wait(api, f);
    AWAIT(api, api->count == 4);
    assert_false(has(f, "b"));
    stop(f);
}

/* Versions that do not compare, as an aggregated API may have, are taken as they come. */
static void script_opaque(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->watch)
        watch_with(x, EVENT("MODIFIED", "a", "aaa=") EVENT("ADDED", "end", "0b"));
    else
        api_json(x, 200, LIST("zzz=", "", OBJECT("a", "yyy=")));
}

static void opaque_versions_have_no_order(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_opaque, "end");
    api_wait(api);
    assert_string_equal(version_of(f, "a"), "aaa=");
    AWAIT(api, strcmp(f->reflector->version, "0b") == 0);
    stop(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, paged_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_older_list_changes_nothing),
        TEST(a_server_that_is_behind_is_waited_for),
        TEST(a_cluster_that_was_set_back_is_taken_after_five_minutes),
        TEST(an_older_event_changes_nothing),
        cmocka_unit_test_setup_teardown(an_older_stream_drops_nothing, streamed_setup, api_teardown),
        TEST(opaque_versions_have_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
