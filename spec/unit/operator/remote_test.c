/* Analyzers that ask the world: what is asked when, by how many at once, and what becomes of answers that do not come. */
#include "kube/api.h"
#include "world.h"

#include "operator/turns.h"

enum { MAX_HELD = 16, INTERVAL_S = 60, WAIT_MS = 20 * 1000 };

static const char KINDS[] =
    "{\"resources\":[{\"name\":\"pods\",\"kind\":\"Pod\",\"namespaced\":true,\"verbs\":[\"get\",\"list\",\"watch\"]}]}";

/* Its log is what is wrong with a pod; two logs where it has the label. */
static const char LOG[] =
    "local function look(ctx, found, pod, key)\n"
    "  local text = ctx.logs(pod, { container = key, tail = 5 })\n"
    "  if text and text ~= '' then found[#found + 1] = { rule = 'said', key = key, text = text } end\n"
    "end\n"
    "return { api = 1, kind = 'analyzer', name = '%s', description = 'd', watches = { 'v1/Pod' }, fields = { 'spec.x' },\n"
    "  remote = true, logs = true, rules = { said = { severity = 'low' } },\n"
    "  run = function(ctx, pod) local found = {} look(ctx, found, pod, 'a')\n"
    "    if (pod.metadata.labels or {}).two then look(ctx, found, pod, 'b') end return found end }\n";

struct site {
    struct world w;
    struct api *api;
    struct http_exchange *held[MAX_HELD]; /* requests for logs that have no answer yet */
    char held_pods[MAX_HELD][16];
    size_t held_count, asked;
    bool second_fails;           /* logs of containers named b are refused */
    const char *reply_to_second; /* or have this text; NULL: that of others */
    bool hold_failing;           /* pods named fail have no answer at all */
    const char *pods;            /* the items of the list */
    const char *reply; /* to a request for a log: a text; NULL: it is held. Pods named deny…, fail… and none… have answers of their own */
};

static void hold(struct site *s, struct http_exchange *x, const char *pod) {
    assert_true(s->held_count < MAX_HELD);
    snprintf(s->held_pods[s->held_count], sizeof s->held_pods[0], "%.*s", (int)strcspn(pod, "/"), pod);
    s->held[s->held_count++] = x;
}

static void answer_log(struct site *s, struct http_exchange *x, const char *pod) {
    s->asked++;
    if (s->second_fails && str_is(http_query(x, "container"), "b"))
        api_status(x, 500, "InternalError", "dial tcp: connection refused", 0);
    else if (s->reply_to_second && str_is(http_query(x, "container"), "b"))
        http_respond(x, 200, "text/plain", str_of(s->reply_to_second));
    else if (strncmp(pod, "deny", 4) == 0)
        api_status(x, 403, "Forbidden", "logs are forbidden", 0);
    else if (strncmp(pod, "fail", 4) == 0 && !s->hold_failing)
        api_status(x, 500, "InternalError", "dial tcp: connection refused", 0);
    else if (strncmp(pod, "none", 4) == 0)
        api_status(x, 400, "BadRequest", "container is waiting to start", 0);
    else if (s->reply && strncmp(pod, "fail", 4) != 0)
        http_respond(x, 200, "text/plain", str_of(s->reply));
    else
        hold(s, x, pod);
}

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    struct site *s = api->arg;
    const char *pod = strstr(q->path, "/pods/");
    char list[4096];
    (void)nth;
    snprintf(list, sizeof list, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[%s]}",
             s->pods);
    if (strcmp(q->path, "/api/v1") == 0)
        api_json(x, 200, KINDS);
    else if (pod)
        answer_log(s, x, pod + strlen("/pods/"));
    else
        api_json(x, 200, list);
}

static int64_t interval_s(const struct policy *analyzer, void *arg) {
    (void)analyzer;
    (void)arg;
    return INTERVAL_S;
}

static void ready(void *arg) { ((struct api *)arg)->flag = true; }

static void read_pods(struct site *s) {
    struct world *w = &s->w;
    struct plan_wants wants = {0};
    struct err err;
    if (!fx_load(&w->fx, false)) fail_msg("%s", w->fx.err.msg);
    for (size_t i = 0; i < bundle_count(w->fx.bundle, POLICY_ANALYZER); i++) {
        const struct policy *p = bundle_at(w->fx.bundle, POLICY_ANALYZER, i);
        assert_int_equal(plan_policy_wants(p, &wants, &err), 0);
        w->analyzers[w->analyzer_count++] = str_of(p->name);
    }
    struct cluster_plan *plan = cluster_prepare(w->cluster, wants.items, wants.count, ready, s->api, &err);
    assert_non_null(plan);
    api_wait(s->api);
    cluster_commit(w->cluster, plan);
    plan_wants_free(&wants);
}

static void open_site(struct site *s, struct api *api, const char *pods) {
    struct world *w = &s->w;
    struct err err;
    *s = (struct site){.api = api, .pods = pods};
    api->script = script;
    api->arg = s;
    fx_new(&w->fx);
    clock_fix_wall(w->fx.now_ms);
    w->cluster = cluster_new(api->loop, api->client, NULL, &err);
    w->calls = policycalls_new(NULL, NULL);
    w->deadlines = deadlines_new(api->loop);
    cluster_read_once(w->cluster);
    cluster_on_change(w->cluster, world_object_changed, w);
}

static void start(struct site *s) {
    struct diagnosis_listener listener = {
        .verdict = world_verdict, .swept = world_swept, .changed = world_state_changed, .interval_s = interval_s, .arg = &s->w};
    read_pods(s);
    s->w.loop = s->api->loop;
    s->w.diagnosis = world_diagnosis(&s->w, &listener);
}

static void release(struct site *s, const char *text) {
    for (size_t i = 0; i < s->held_count; i++) http_respond(s->held[i], 200, "text/plain", str_of(text));
    s->held_count = 0;
}

static void close_site(struct site *s) {
    diagnosis_free(s->w.diagnosis);
    s->w.diagnosis = NULL;
    release(s, "");
    s->w.loop = NULL;
    world_free(&s->w);
}

static void write_analyzer(struct site *s, const char *name) {
    char path[128], text[2048];
    snprintf(path, sizeof path, "builtin/analyzers/%s/policy.lua", name);
    snprintf(text, sizeof text, LOG, name);
    fx_write(&s->w.fx, path, text);
}

/* Lets the loop turn until the expression holds. */
#define AWAIT(s, condition)                                                                                                                \
    do {                                                                                                                                   \
        const bool never = false;                                                                                                          \
        for (int64_t until_us = clock_mono_us() + WAIT_MS * 1000LL; !(condition);) {                                                       \
            if (clock_mono_us() > until_us) fail_msg("never came true: %s", #condition);                                                   \
            (void)loop_run_until((s)->api->loop, &never, 1);                                                                               \
        }                                                                                                                                  \
    } while (0)

static void ticked(struct deadline *d) { (void)d; }

/* A clock that stands still wakes nobody: something that is due already does. */
static void pass_seconds(struct site *s, int64_t seconds) {
    struct deadline tick = {.fire = ticked};
    struct err err;
    clock_fix_wall(clock_wall_ms() + seconds * 1000);
    assert_int_equal(deadline_set(s->w.deadlines, &tick, 0, &err), 0);
    AWAIT(s, !tick.slot);
    api_idle(s->api, 30);
}

static const char *said(struct site *s, const char *key) { return doc_path_str(doc_at(world_failures(&s->w, key), 0), "text").p; }

static bool is_waiting(struct site *s, const char *analyzer) { return diagnosis_waiting(s->w.diagnosis, str_of(analyzer), NULL) > 0; }

#define POD(name, more)                                                                                                                    \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"resourceVersion\":\"1\",\"uid\":\"" name "\"" more                      \
    "},\"spec\":{\"x\":1}}"

static void an_answer_becomes_a_finding_and_is_asked_for_again(void **state) {
    struct site s;
    open_site(&s, *state, POD("web", ""));
    write_analyzer(&s, "Log");
    s.reply = "broken";
    start(&s);
    AWAIT(&s, said(&s, "Log/shop/web"));
    assert_string_equal(said(&s, "Log/shop/web"), "broken");
    s.reply = "";
    pass_seconds(&s, INTERVAL_S - 1);
    assert_int_equal(s.asked, 1);
    pass_seconds(&s, 1);
    AWAIT(&s, !said(&s, "Log/shop/web"));
    assert_int_equal(s.asked, 2);
    close_site(&s);
}

static void a_shorter_interval_counts_at_once(void **state) {
    struct site s;
    open_site(&s, *state, POD("web", ""));
    write_analyzer(&s, "Log");
    s.reply = "broken";
    start(&s);
    AWAIT(&s, said(&s, "Log/shop/web"));
    clock_fix_wall(clock_wall_ms() - 1000 * 1000); /* as if it were to ask again only in a quarter of an hour */
    diagnosis_interval_changed(s.w.diagnosis, STR("Log"));
    pass_seconds(&s, INTERVAL_S);
    AWAIT(&s, s.asked == 2);
    close_site(&s);
}

static void a_log_that_is_not_there_is_an_answer(void **state) {
    struct site s;
    const char *why;
    open_site(&s, *state, POD("none-yet", ""));
    write_analyzer(&s, "Log");
    start(&s);
    AWAIT(&s, s.w.verdicts == 1);
    assert_int_equal(diagnosis_failing(s.w.diagnosis, STR("Log"), &why), 0);
    close_site(&s);
}

/* What was found before stays, and what is found besides opens: the verdict is a partial one, and the analysis fails. */
static void no_answer_is_no_verdict(void **state) {
    struct site s;
    const char *why;
    open_site(&s, *state, POD("web", ",\"labels\":{\"two\":\"\"}") "," POD("fails", "") "," POD("deny-it", ""));
    write_analyzer(&s, "Log");
    s.reply = "broken";
    start(&s);
    AWAIT(&s, diagnosis_failing(s.w.diagnosis, STR("Log"), &why) == 2 && said(&s, "Log/shop/web"));
    assert_int_equal(diagnosis_denied(s.w.diagnosis, STR("Log")), 2);
    assert_true(strstr(why, "the log of shop/") && (strstr(why, "connection refused") || strstr(why, "forbidden")));
    assert_true(world_noted(s.w.noted, "Log/shop/fails", false)->partial);
    assert_false(world_noted(s.w.noted, "Log/shop/web", false)->partial);
    close_site(&s);
}

/* It says the same as the partial one before, and yet what that could not take back is over now. */
static void the_first_whole_verdict_is_told(void **state) {
    struct site s;
    open_site(&s, *state, POD("web", ",\"labels\":{\"two\":\"\"}"));
    write_analyzer(&s, "Log");
    s.reply = "broken";
    s.second_fails = true;
    start(&s);
    AWAIT(&s, s.w.verdicts == 1 && !is_waiting(&s, "Log"));
    assert_true(world_noted(s.w.noted, "Log/shop/web", false)->partial);
    s.second_fails = false;
    s.reply_to_second = "";
    pass_seconds(&s, 10);
    AWAIT(&s, s.w.verdicts == 2);
    assert_false(world_noted(s.w.noted, "Log/shop/web", false)->partial);
    assert_int_equal(doc_len(world_failures(&s.w, "Log/shop/web")), 1);
    close_site(&s);
}

static void a_failure_is_asked_about_again_ever_more_slowly(void **state) {
    struct site s;
    open_site(&s, *state, POD("fails", ""));
    write_analyzer(&s, "Log");
    start(&s);
    AWAIT(&s, s.asked == 1 && !is_waiting(&s, "Log"));
    static const int waits[] = {10, 20, 40, INTERVAL_S, INTERVAL_S};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        pass_seconds(&s, waits[i] - 1);
        assert_int_equal(s.asked, i + 1);
        pass_seconds(&s, 1);
        AWAIT(&s, s.asked == i + 2 && !is_waiting(&s, "Log"));
    }
    close_site(&s);
}

/* The fifth waits for one of the four; another analyzer's do not. */
static void a_few_ask_at_once_and_hold_up_nobody_else(void **state) {
    struct site s;
    open_site(&s, *state, POD("a", "") "," POD("b", "") "," POD("c", "") "," POD("d", "") "," POD("e", "") "," POD("f", ""));
    write_analyzer(&s, "Log");
    write_analyzer(&s, "Other");
    start(&s);
    AWAIT(&s, s.held_count == (size_t)2 * TURNS_AT_ONCE);
    api_idle(s.api, 30);
    assert_int_equal(s.asked, 2 * TURNS_AT_ONCE);
    assert_int_equal(diagnosis_waiting(s.w.diagnosis, STR("Log"), NULL), 6);
    assert_true(diagnosis_swept(s.w.diagnosis, STR("Log")));
    s.reply = "broken";
    release(&s, "broken");
    AWAIT(&s, !is_waiting(&s, "Log") && !is_waiting(&s, "Other"));
    assert_int_equal(s.asked, 2 * 6);
    assert_non_null(said(&s, "Other/shop/f"));
    close_site(&s);
}

/* Those that had no answer before have turns of their own. */
static void who_fails_holds_up_nobody(void **state) {
    struct site s;
    open_site(&s, *state,
              POD("fail-a", "") "," POD("fail-b", "") "," POD("fail-c", "") "," POD("fail-d", "") "," POD("fail-e", "") "," POD("web", ""));
    write_analyzer(&s, "Log");
    s.reply = "fine";
    start(&s);
    AWAIT(&s, said(&s, "Log/shop/web") && !is_waiting(&s, "Log"));
    assert_int_equal(s.asked, 6);
    s.hold_failing = true;
    pass_seconds(&s, 10);
    AWAIT(&s, s.held_count == DOUBTFUL_AT_ONCE);
    s.reply = "broken";
    pass_seconds(&s, INTERVAL_S - 10);
    AWAIT(&s, strcmp(said(&s, "Log/shop/web"), "broken") == 0);
    assert_int_equal(s.held_count, DOUBTFUL_AT_ONCE);
    release(&s, "");
    AWAIT(&s, s.held_count == DOUBTFUL_AT_ONCE);
    close_site(&s);
}

/* It is looked at again after the answer, and once however often it has changed meanwhile. */
static void a_change_meanwhile_is_not_lost(void **state) {
    struct site s;
    open_site(&s, *state, POD("web", ""));
    write_analyzer(&s, "Log");
    start(&s);
    AWAIT(&s, s.held_count == 1);
    for (int i = 2; i < 5; i++) {
        struct err err;
        struct doc *pod = document("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":"
                                   "\"web\",\"resourceVersion\":\"%d\"},\"spec\":{\"x\":%d}}",
                                   i, i);
        assert_int_equal(store_put(cluster_store(s.w.cluster, gvk_parse(STR("v1/Pod"), &err)), pod, &err), 0);
        doc_unref(pod);
    }
    api_idle(s.api, 30);
    assert_int_equal(s.asked, 1);
    s.reply = "broken";
    release(&s, "");
    AWAIT(&s, said(&s, "Log/shop/web"));
    assert_int_equal(s.asked, 2);
    close_site(&s);
}

/* Of five four ask: one of these goes, and the fifth has its turn; one that waits in line may go as well. */
static void an_object_that_goes_meanwhile_is_gone_at_once(void **state) {
    struct site s;
    open_site(&s, *state, POD("a", "") "," POD("b", "") "," POD("c", "") "," POD("d", "") "," POD("e", ""));
    write_analyzer(&s, "Log");
    start(&s);
    AWAIT(&s, s.held_count == TURNS_AT_ONCE);
    world_delete(&s.w, "v1/Pod", "shop", s.held_pods[0]);
    AWAIT(&s, s.w.verdicts == 1 && s.held_count == (size_t)TURNS_AT_ONCE + 1);
    assert_int_equal(diagnosis_waiting(s.w.diagnosis, STR("Log"), NULL), 4);
    close_site(&s);
}

static void one_that_goes_while_it_waits_in_line_is_gone_too(void **state) {
    struct site s;
    open_site(&s, *state, POD("a", "") "," POD("b", "") "," POD("c", "") "," POD("d", "") "," POD("e", ""));
    write_analyzer(&s, "Log");
    start(&s);
    AWAIT(&s, s.held_count == TURNS_AT_ONCE && diagnosis_waiting(s.w.diagnosis, STR("Log"), NULL) == 5);
    char last[2] = {(char)('a' + 'b' + 'c' + 'd' + 'e' - s.held_pods[0][0] - s.held_pods[1][0] - s.held_pods[2][0] - s.held_pods[3][0]), 0};
    world_delete(&s.w, "v1/Pod", "shop", last);
    AWAIT(&s, s.w.verdicts == 1);
    s.reply = "";
    release(&s, "");
    AWAIT(&s, !is_waiting(&s, "Log"));
    assert_int_equal(s.asked, 4);
    close_site(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_answer_becomes_a_finding_and_is_asked_for_again),
        TEST(a_shorter_interval_counts_at_once),
        TEST(a_log_that_is_not_there_is_an_answer),
        TEST(no_answer_is_no_verdict),
        TEST(the_first_whole_verdict_is_told),
        TEST(a_failure_is_asked_about_again_ever_more_slowly),
        TEST(a_few_ask_at_once_and_hold_up_nobody_else),
        TEST(who_fails_holds_up_nobody),
        TEST(a_change_meanwhile_is_not_lost),
        TEST(an_object_that_goes_meanwhile_is_gone_at_once),
        TEST(one_that_goes_while_it_waits_in_line_is_gone_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
