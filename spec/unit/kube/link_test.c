/* dead-link: links that swallow everything, close half, or only trickle; and that quiet ones are left alone. */
#include "kube/reflector_fixture.h"

#include "operator/relay.h"
#include "support/figure.h"

enum { SILENCE_MS = 300, PROBE_MS = 200 }; /* 30 s and 10 s in earnest */
enum { PATIENT_MS = 10 * 1000 };           /* for probes that will be answered, on however busy a machine */

static struct relay relay;

static int64_t any_number(void *arg) {
    (void)arg;
    return -1;
}

/* The client reaches the server through the relay. */
static int setup(void **state) {
    int rc = streamed_setup(state);
    struct api *api = *state;
    relay = (struct relay){.allowance = any_number};
    uint16_t port = relay_start(&relay, api->loop, http_server_port(api->server));
    snprintf(api->server_url, sizeof api->server_url, "http://127.0.0.1:%u", (unsigned)port);
    return rc;
}

static int teardown(void **state) {
    struct api *api = *state;
    relay_stop(&relay);
    api_idle(api, 10);
    return api_teardown(state);
}

/* From now on silence is noticed soon. */
static void hurry(struct api *api, int64_t probe_ms) {
    api->client->link.silence_ms = SILENCE_MS;
    api->client->link.probe_ms = probe_ms;
    timer_start(api->client->link.timer, SILENCE_MS);
}

static void script_quiet(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    watch_with(x, nth == 0 ? EVENT("ADDED", "one", "3") INITIAL_END("10") : "");
}

static bool is_open(const struct fixture *f) { return f->reflector->call && f->reflector->opened_us; }

static void a_black_hole_is_noticed_and_its_watches_resume(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_quiet, "none");
    AWAIT(api, f->state == REFLECTOR_SYNCED);
    relay.swallows = true;
    int64_t since_us = clock_mono_us();
    hurry(api, PROBE_MS);
    AWAIT(api, !is_open(f));
    int64_t took_ms = (clock_mono_us() - since_us) / 1000;
    assert_int_equal(f->state, REFLECTOR_SYNCED); /* nothing was lost yet */
    assert_true(took_ms >= SILENCE_MS + PROBE_MS);
    figure_record("dead-link", "a black hole is noticed, beyond silence and deadline (40 s), within",
                  (double)(took_ms - SILENCE_MS - PROBE_MS), "ms");
    relay.swallows = false;
    api->client->link.silence_ms = LINK_SILENCE_MS;
    AWAIT(api, api->count >= 2 && is_open(f));
    const struct seen *q = &api->seen[api->count - 1];
    assert_true(q->watch && !q->initial);
    assert_string_equal(q->version, "10");
    assert_int_equal((int)restarts(api, "error"), 1);
    stop(f);
}

static void a_quiet_watch_is_left_alone(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_quiet, "none");
    AWAIT(api, f->state == REFLECTOR_SYNCED);
    hurry(api, PATIENT_MS);
    AWAIT(api, api->probes >= 2);
    assert_true(is_open(f));
    assert_int_equal(api->count, 1);
    figure_record("dead-link", "quiet watches ended by the probe", (double)(api->count - 1), "");
    stop(f);
}

/* Any answer is a sign of life. */
static void a_server_that_is_not_ready_is_alive(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_quiet, "none");
    AWAIT(api, f->state == REFLECTOR_SYNCED);
    hurry(api, PATIENT_MS);
    api->ignores_probes = true;
    AWAIT(api, api->ignored);
    http_respond(api->ignored, 500, "text/plain", STR("[-]etcd failed"));
    AWAIT(api, !api->client->link.probe);
    api_idle(api, 20);
    assert_true(is_open(f));
    assert_int_equal(api->count, 1);
    stop(f);
}

/* An event of any watch will do, though the probe itself gets nothing. */
static void what_comes_meanwhile_is_a_sign_of_life(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_quiet, "none");
    AWAIT(api, f->state == REFLECTOR_SYNCED);
    hurry(api, 1000);
    api->ignores_probes = true;
    AWAIT(api, api->ignored);
    link_heard(&api->client->link);
    AWAIT(api, !api->client->link.probe);
    api_idle(api, 20);
    assert_true(is_open(f));
    assert_int_equal(api->count, 1);
    stop(f);
    http_respond(api->ignored, 200, "text/plain", STR(""));
}

static struct http_exchange *lively;

static void script_lively(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    script_quiet(api, x, q, nth);
    lively = x;
}

static void a_lively_cluster_is_not_polled(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_lively, "none");
    AWAIT(api, f->state == REFLECTOR_SYNCED);
    hurry(api, PATIENT_MS);
    api->client->link.silence_ms = 2000;
    for (int64_t end_us = clock_mono_us() + 4000 * 1000; clock_mono_us() < end_us;) {
        http_stream_write(lively, STR(BOOKMARK("11")));
        api_idle(api, 100);
    }
    assert_int_equal(api->probes, 0);
    figure_record("dead-link", "probes while bookmarks come", (double)api->probes, "");
    stop(f);
}

static void a_half_closed_connection_ends_its_watch_at_once(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_quiet, "none");
    AWAIT(api, f->state == REFLECTOR_SYNCED);
    int64_t since_us = clock_mono_us();
    relay_half_close_all(&relay);
    AWAIT(api, !is_open(f));
    figure_record("dead-link", "a half-closed connection is noticed after", (double)(clock_mono_us() - since_us) / 1e6, "s");
    AWAIT(api, api->count >= 2 && is_open(f));
    assert_string_equal(api->seen[1].version, "10");
    stop(f);
}

static struct http_exchange *trickling;
static struct err ended_with;

static void on_gone(void *arg) {
    (void)arg;
    trickling = NULL;
}

static void script_trickle(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    (void)nth;
    http_stream_begin(x, 200, "application/json", 1 << 20, on_gone, NULL);
    trickling = x;
}

static void on_done(struct doc *object, const struct err *err, void *arg) {
    struct api *api = arg;
    (void)object;
    ended_with = *err;
    api->flag = true;
}

/* Bytes that go on coming do not move the deadline of a request; that of a list page is made the same way. */
static void an_answer_that_trickles_ends_at_its_deadline(void **state) {
    struct api *api = *state;
    struct err err;
    const struct kube_request request = {.verb = KUBE_GET, .path = "/version", .timeout_ms = 400, .done = on_done, .arg = api};
    api->script = script_trickle;
    int64_t since_us = clock_mono_us();
    assert_int_equal(kube_send(api->client, &request, NULL, &err), 0);
    while (!api->flag) {
        if (trickling) http_stream_write(trickling, STR(" "));
        api_idle(api, 10);
    }
    int64_t took_ms = (clock_mono_us() - since_us) / 1000;
    assert_int_equal(ended_with.code, ERR_TIMEOUT);
    assert_true(took_ms >= 400 && took_ms < 10000);
    figure_record("dead-link", "an answer that trickles ends after, of a deadline of 0.4 s", (double)took_ms / 1000, "s");
    AWAIT(api, !trickling);
}

static void a_slow_link_is_told_from_a_fast_one(void **state) {
    struct api *api = *state;
    struct kube_link *link = &api->client->link;
    static const struct {
        int64_t bytes_s;
        bool slow;
    } steps[] = {{20000000, false}, {5000000, false}, {3000000, true}, {5000000, true},
                 {7000000, true},   {9000000, false}, {5000000, false}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        link_list_begins(link);
        link->since_us -= 1000 * 1000; /* a second ago */
        link_list_ends(link, steps[i].bytes_s);
        assert_int_equal(link_is_slow(link), steps[i].slow);
    }
    link_list_begins(link);
    link->since_us -= 1000 * 1000;
    link_list_ends(link, 1000); /* too little to say anything */
    assert_false(link_is_slow(link));
}

/* Four at 3 MB/s each are a link of 12 MB/s. */
static void lists_that_share_a_link_are_taken_together(void **state) {
    struct api *api = *state;
    struct kube_link *link = &api->client->link;
    link_list_begins(link);
    link->since_us -= 1000 * 1000;
    for (int i = 0; i < 3; i++) link_list_begins(link);
    for (int i = 0; i < 4; i++) link_list_ends(link, 3000000);
    assert_false(link_is_slow(link));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define PLAIN(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_black_hole_is_noticed_and_its_watches_resume),
        TEST(a_quiet_watch_is_left_alone),
        TEST(a_server_that_is_not_ready_is_alive),
        TEST(what_comes_meanwhile_is_a_sign_of_life),
        TEST(a_lively_cluster_is_not_polled),
        TEST(a_half_closed_connection_ends_its_watch_at_once),
        PLAIN(an_answer_that_trickles_ends_at_its_deadline),
        PLAIN(a_slow_link_is_told_from_a_fast_one),
        PLAIN(lists_that_share_a_link_are_taken_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
