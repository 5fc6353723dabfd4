/* back-off and throttled: how often a server in trouble is asked, and how soon after it is well all is known again. */
#include "kube/reflector_fixture.h"

#include "support/figure.h"
#include "support/time_skip.h"

enum { WATCHES = 8 };

static const int64_t SECOND_US = 1000 * 1000;

static struct {
    struct store *store;
    struct reflector *reflector;
} watches[WATCHES];

static int trouble; /* status that everything is answered with; 0: all is well */
static int retry_after_s;
static int64_t asked_early; /* requests before a Retry-After had passed */
static int64_t not_before_us;

static void script_troubled(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->at_us < not_before_us) asked_early++;
    if (trouble)
        api_status(x, trouble, trouble == 429 ? "TooManyRequests" : "InternalError", "not now", retry_after_s);
    else if (q->watch)
        watch_with(x, "");
    else
        api_json(x, 200, LIST("10", "", OBJECT("one", "1")));
}

static void start_watches(struct api *api) {
    struct resource pods = PODS;
    struct err err;
    pods.gvk = gvk_parse(STR("v1/Pod"), &err);
    api->script = script_troubled;
    for (int i = 0; i < WATCHES; i++) {
        watches[i].store = pod_store();
        watches[i].reflector = reflector_new(api->loop, api->client, &pods, STR(""), watches[i].store, api->metrics, NULL, NULL, &err);
        assert_non_null(watches[i].reflector);
    }
}

static void stop_watches(void) {
    for (int i = 0; i < WATCHES; i++) {
        reflector_free(watches[i].reflector);
        store_free(watches[i].store);
    }
}

static bool is_watching(const struct reflector *r) { return r->call && r->watch && r->opened_us; }

static bool all_watch(void) {
    for (int i = 0; i < WATCHES; i++)
        if (!is_watching(watches[i].reflector)) return false;
    return true;
}

/* When the next of them wakes; INT64_MAX: something is under way, or they all watch. */
static int64_t next_us(void) {
    int64_t least_us = INT64_MAX;
    for (int i = 0; i < WATCHES; i++) {
        const struct reflector *r = watches[i].reflector;
        if (is_watching(r)) continue;
        if (r->call) return INT64_MAX;
        if (timer_active(r->timer) && timer_due_us(r->timer) < least_us) least_us = timer_due_us(r->timer);
    }
    return least_us;
}

/* Skips from one attempt to the next until the clock shows that, or, with `watching`, all are open. */
static void pass_until(struct api *api, int64_t end_us, bool watching) {
    while (clock_mono_us() < end_us && !(watching && all_watch())) {
        int64_t due_us = next_us();
        if (due_us != INT64_MAX) time_skip_us((due_us < end_us ? due_us : end_us) - clock_mono_us());
        api_idle(api, 1);
    }
}

/* Ten minutes of trouble for all watches; requests a second and watch. */
static double ten_minutes(struct api *api, const char *what) {
    size_t before = api->count;
    pass_until(api, clock_mono_us() + 600 * SECOND_US, false);
    double rate = (double)(api->count - before) / 600 / WATCHES;
    figure_record("back-off", what, rate, "1/s");
    assert_true(rate <= 0.25);
    return rate;
}

static void recover(struct api *api, const char *what) {
    int64_t since_us = clock_mono_us();
    trouble = 0;
    pass_until(api, since_us + 300 * SECOND_US, true);
    double seconds = (double)(clock_mono_us() - since_us) / 1e6;
    figure_record("back-off", what, seconds, "s");
    assert_true(all_watch());
    assert_true(seconds <= 60);
}

static void a_server_that_answers_500_is_asked_rarely(void **state) {
    struct api *api = *state;
    trouble = 500;
    start_watches(api);
    assert_true(ten_minutes(api, "requests a second and watch while answered 500") > 0.01);
    recover(api, "until all watches are open after 500");
    stop_watches();
}

static void a_server_that_throttles_is_asked_rarely(void **state) {
    struct api *api = *state;
    trouble = 429;
    retry_after_s = 1;
    start_watches(api);
    assert_true(ten_minutes(api, "requests a second and watch while answered 429") > 0.01);
    recover(api, "until all watches are open after 429");
    stop_watches();
}

/* It was well before: the watches end one by one with the connection. */
static void a_server_that_is_gone_is_asked_rarely(void **state) {
    static const struct http_server_limits LIMITS = {
        .connections = 600, .header_bytes = 16384, .body_bytes = 1 << 20, .idle_timeout_s = 60};
    struct api *api = *state;
    struct err err;
    char address[32];
    static const struct metric_def DEF = {
        .name = "k8sgpt_api_requests_total", .help = "", .type = METRIC_COUNTER, .labels = {"verb", "resource", "code"}};
    struct metric *requests = metrics_define(api->metrics, &DEF);
    trouble = 0;
    start_watches(api);
    AWAIT(api, all_watch());
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)http_server_port(api->server));
    http_server_free(api->server);
    api->server = NULL;
    pass_until(api, clock_mono_us() + 600 * SECOND_US, false);
    double rate = metric_value(requests, METRIC_LABELS(STR("watch"), STR("pods"), STR("<error>"))) / 600 / WATCHES;
    figure_record("back-off", "requests a second and watch while refused", rate, "1/s");
    assert_true(rate > 0.01 && rate <= 0.25);
    api->server = http_server_new(api->loop, address, &LIMITS, api_handle, api, &err);
    if (!api->server) fail_msg("%s", err.msg);
    recover(api, "until all watches are open after refusals");
    assert_int_equal(lists(api), WATCHES); /* nobody listed again */
    stop_watches();
}

/* throttled: it says when to come again. Nobody comes sooner, and nobody lists anew. */
static void a_retry_after_is_kept_and_nobody_lists(void **state) {
    struct api *api = *state;
    trouble = 0;
    start_watches(api);
    AWAIT(api, all_watch());
    size_t listed = lists(api), before = api->count;
    trouble = 429;
    retry_after_s = 90;
    asked_early = 0;
    for (int i = 0; i < WATCHES; i++) kube_cancel(watches[i].reflector->call);
    pass_until(api, clock_mono_us() + 20 * SECOND_US, false);
    assert_int_equal(api->count, before + WATCHES);
    not_before_us = api->seen[before].at_us + 90 * SECOND_US; /* of the first to be refused, and so of all */
    pass_until(api, clock_mono_us() + 100 * SECOND_US, false);
    not_before_us = 0;
    assert_true(api->count > before + WATCHES);
    assert_int_equal(asked_early, 0);
    assert_int_equal(lists(api), listed);
    figure_record("throttled", "requests earlier than Retry-After", (double)asked_early, "");
    figure_record("throttled", "lists after 429", (double)(lists(api) - listed), "");
    trouble = 0;
    pass_until(api, clock_mono_us() + 300 * SECOND_US, true);
    assert_true(all_watch());
    stop_watches();
}

static size_t under_way, most_under_way;
static struct http_exchange *held[WATCHES];

static void script_held(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (q->watch) {
        watch_with(x, "");
        return;
    }
    held[under_way++] = x;
    if (under_way > most_under_way) most_under_way = under_way;
}

/* Those that wait get their turn whether the ones before them went well, failed, or were given up. */
static void four_lists_at_a_time(void **state) {
    struct api *api = *state;
    trouble = 0;
    start_watches(api);
    api->script = script_held;
    for (size_t done = 0; done < WATCHES + 1; done++) {
        size_t left = done < WATCHES ? WATCHES - done : 1;
        AWAIT(api, under_way >= (left < LISTS_AT_ONCE ? left : LISTS_AT_ONCE));
        api_idle(api, 5);
        struct http_exchange *x = held[--under_way];
        if (done == 0)
            api_status(x, 500, "InternalError", "not now", 60);
        else
            api_json(x, 200, LIST("10", "", OBJECT("one", "1")));
        if (done == WATCHES - 1) {
            AWAIT(api, under_way == 0);
            time_skip_us(100 * SECOND_US); /* the one that failed comes again */
        }
    }
    AWAIT(api, all_watch());
    assert_int_equal(most_under_way, LISTS_AT_ONCE);
    figure_record("throttled", "lists at once of 8 watches", (double)most_under_way, "");
    stop_watches();
}

static void one_that_is_freed_gives_its_place_to_the_next(void **state) {
    struct api *api = *state;
    under_way = most_under_way = 0;
    start_watches(api);
    api->script = script_held;
    AWAIT(api, under_way == LISTS_AT_ONCE);
    for (int i = 0; i < WATCHES; i++) {
        reflector_free(watches[i].reflector);
        watches[i].reflector = NULL;
        api_idle(api, 5);
    }
    assert_int_equal(api->client->lists.taken, 0);
    assert_null(api->client->lists.waiting);
    for (size_t i = 0; i < under_way; i++) http_respond(held[i], 200, "text/plain", STR(""));
    stop_watches();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, paged_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_answers_500_is_asked_rarely),
        TEST(a_server_that_throttles_is_asked_rarely),
        TEST(a_server_that_is_gone_is_asked_rarely),
        TEST(a_retry_after_is_kept_and_nobody_lists),
        TEST(four_lists_at_a_time),
        TEST(one_that_is_freed_gives_its_place_to_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
