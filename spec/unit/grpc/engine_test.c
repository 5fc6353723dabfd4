/* Calls to an engine of grpcio's (spec/engine/engine.py), a stack that shares nothing with ours. */
#include "grpc_fixture.h"

#include <malloc.h>

#include "base/clock.h"
#include "base/file.h"
#include "support/figure.h"

static struct peer peer;
static bool is_there;
static char target[64], script[64] = "/tmp/grpc_engine_XXXXXX", calls[80];

static int setup(void **state) {
    char line[64];
    if (client_setup(state)) return -1;
    if (!peer_python(python, sizeof python)) return 0;
    if (mkstemp(script) < 0) return -1;
    (void)snprintf(calls, sizeof calls, "%s.calls", script);
    if (!peer_start(&peer, python, "engine.py", script, calls, line, sizeof line)) return -1;
    (void)snprintf(target, sizeof target, "http://127.0.0.1:%ld", strtol(line, NULL, 10));
    is_there = true;
    return 0;
}

static int teardown(void **state) {
    if (is_there) peer_stop(&peer);
    (void)unlink(script);
    (void)unlink(calls);
    return client_teardown(state);
}

static void engine_says(const char *text) {
    struct err err;
    if (!is_there) skip();
    if (file_write(script, str_of(text), 0600, &err)) fail_msg("%s", err.msg);
}

/* The last call that the engine had. */
static struct doc *engine_heard(void) {
    struct buf text = buf_new(1 << 20);
    struct err err;
    if (file_read(calls, &text, &err)) fail_msg("%s", err.msg);
    text.data[text.len - 1] = '\0';
    const char *last = strrchr(text.data, '\n');
    struct doc *doc = json(last ? last + 1 : text.data);
    buf_free(&text);
    return doc;
}

static void call(const char *method, const char *message, struct got *g) {
    struct grpc_request r = request_to(target, method, g);
    struct doc *doc = json(message);
    r.message = doc_root(doc);
    exchange(&r, g);
    doc_unref(doc);
}

static void assert_json(struct doc_value v, const char *expected) {
    struct doc *doc = json(expected);
    struct buf text = buf_new(1 << 20);
    struct err err;
    assert_int_equal(json_write(v, JSON_COMPACT, &text, &err), 0);
    if (!doc_equal(v, doc_root(doc))) fail_msg("%s", text.data);
    buf_free(&text);
    doc_unref(doc);
}

static void every_field_arrives_both_ways(void **state) {
    (void)state;
    struct got g;
    engine_says("{\"Analyze\":{\"answer\":{\"errors\":[\"[Log] "
                "no\"],\"status\":\"ProblemDetected\",\"problems\":1,\"error\":{\"message\":\"m\",\"code\":-3},"
                "\"results\":[{\"kind\":\"Pod\",\"name\":\"a/b\",\"details\":\"\\u00fc\",\"parentObject\":\"Deployment/"
                "b\",\"error\":[{\"text\":\"t\","
                "\"sensitive\":[{\"unmasked\":\"b\",\"masked\":\"x\"}]}]}]}}}");
    call("Analyze",
         "{\"backend\":\"openai\",\"namespace\":\"n\",\"explain\":true,\"anonymize\":true,\"nocache\":true,\"language\":\"english\","
         "\"maxConcurrency\":-7,\"output\":\"json\",\"filters\":[\"Pod\",\"Node\"],\"labelSelector\":\"a=b\"}",
         &g);
    if (g.err.code) fail_msg("%s", g.err.msg);
    assert_json(doc_root(g.message.head),
                "{\"errors\":[\"[Log] no\"],\"status\":\"ProblemDetected\",\"problems\":1,\"error\":{\"message\":\"m\",\"code\":-3}}");
    assert_int_equal(g.message.item_count, 1);
    assert_json(doc_root(g.message.items[0]),
                "{\"kind\":\"Pod\",\"name\":\"a/b\",\"details\":\"\xc3\xbc\",\"parentObject\":\"Deployment/b\",\"error\":[{\"text\":\"t\","
                "\"sensitive\":[{\"unmasked\":\"b\",\"masked\":\"x\"}]}]}");
    message_free(&g.message);
    struct doc *heard = engine_heard();
    assert_json(doc_path(doc_root(heard), "request"),
                "{\"backend\":\"openai\",\"namespace\":\"n\",\"explain\":true,\"anonymize\":true,\"nocache\":true,\"language\":\"english\","
                "\"max_concurrency\":-7,\"output\":\"json\",\"filters\":[\"Pod\",\"Node\"],\"label_selector\":\"a=b\"}");
    doc_unref(heard);
}

static void only_one_cache_is_sent(void **state) {
    (void)state;
    struct got g;
    engine_says("{\"AddConfig\":{}}");
    call("AddConfig",
         "{\"cache\":{\"interplexCache\":{\"endpoint\":\"e:1\"}},\"customAnalyzers\":[{\"name\":\"n\",\"connection\":{\"url\":\"u\","
         "\"port\":\"1\"}}]}",
         &g);
    if (g.err.code) fail_msg("%s", g.err.msg);
    assert_json(doc_root(g.message.head), "{\"status\":\"\"}");
    message_free(&g.message);
    struct doc *heard = engine_heard();
    assert_json(doc_path(doc_root(heard), "request"), "{\"cache\":{\"interplex_cache\":{\"endpoint\":\"e:1\"}},\"custom_analyzers\":[{"
                                                      "\"name\":\"n\",\"connection\":{\"url\":\"u\",\"port\":\"1\"}}]}");
    doc_unref(heard);
    struct doc *two = json("{\"cache\":{\"s3Cache\":{},\"gcsCache\":{}}}");
    struct grpc_request r = request_to(target, "AddConfig", &g);
    struct err err = {0};
    r.message = doc_root(two);
    assert_null(grpc_send(client, &r, &err));
    assert_non_null(strstr(err.msg, "cache has more than one of what only one of may be given"));
    doc_unref(two);
}

static void what_is_not_set_is_absent(void **state) {
    (void)state;
    struct got g;
    engine_says("{\"Run\":{},\"Query\":{\"answer\":{\"error\":{},\"response\":\"42\"}}}");
    call("Run", "{}", &g);
    if (g.err.code) fail_msg("%s", g.err.msg);
    assert_json(doc_root(g.message.head), "{}");
    message_free(&g.message);
    call("Query", "{\"backend\":\"b\",\"query\":\"q\"}", &g);
    assert_json(doc_root(g.message.head), "{\"error\":{\"message\":\"\",\"code\":0},\"response\":\"42\"}");
    message_free(&g.message);
}

static void a_packed_answer_is_unpacked_within_the_limit(void **state) {
    (void)state;
    struct got g;
    engine_says("{\"Analyze\":{\"gzip\":true,\"results\":500,\"text_bytes\":1000}}");
    call("Analyze", "{}", &g);
    if (g.err.code) fail_msg("%s", g.err.msg);
    assert_int_equal(g.message.item_count, 500);
    message_free(&g.message);
    struct grpc_request r = request_to(target, "Analyze", &g);
    r.max_bytes = 100000; /* more than it has on the wire */
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_LIMIT);
    assert_non_null(strstr(g.err.msg, "unpacked, the answer is too large"));
}

static void a_status_comes_with_its_words(void **state) {
    (void)state;
    struct got g;
    engine_says("{\"Analyze\":{\"status\":\"UNKNOWN\",\"message\":\"failed while calling AI provider openai: \\u201cno\\u201d\\n100%\"}}");
    call("Analyze", "{}", &g);
    assert_int_equal(g.err.code, ERR_SERVER);
    assert_non_null(strstr(g.err.msg, ": UNKNOWN: failed while calling AI provider openai: \xe2\x80\x9cno\xe2\x80\x9d 100%"));
    assert_true(g.retry);
}

static void an_engine_without_the_method_is_named_as_old(void **state) {
    (void)state;
    struct got g;
    engine_says("{}");
    call("Query", "{}", &g);
    assert_int_equal(g.err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(g.err.msg, "UNIMPLEMENTED: unknown method Query: is it older than the services of schema.v1"));
    assert_false(g.retry);
}

static void a_hanging_engine_is_told_of_its_deadline_and_let_go(void **state) {
    (void)state;
    struct got g;
    engine_says("{\"Run\":{\"hang\":true}}");
    struct grpc_request r = request_to(target, "Run", &g);
    r.timeout_ms = 500;
    int64_t start_us = clock_mono_us();
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_TIMEOUT);
    assert_true(clock_mono_us() - start_us < 10000000);
    struct doc *heard = engine_heard();
    double left_s = doc_double(doc_path(doc_root(heard), "timeout_s"));
    assert_true(left_s > 0 && left_s <= 0.5);
    doc_unref(heard);
}

static void many_calls_at_once(void **state) {
    (void)state;
    enum { CALLS = 10 };
    struct got g[CALLS];
    struct err err;
    engine_says("{\"Run\":{\"answer\":{\"result\":{\"name\":\"n\"}}}}");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < CALLS; i++) {
            struct grpc_request r = request_to(target, "Run", &g[i]);
            assert_non_null(g[i].call = grpc_send(client, &r, &err));
        }
        for (int i = 0; i < CALLS; i++) {
            assert_true(loop_run_until(loop, &g[i].done, WAIT_MS));
            if (g[i].err.code) fail_msg("%s", g[i].err.msg);
            message_free(&g[i].message);
        }
    }
}

/* ---- size --------------------------------------------------------------------------------------------------------------------- */

static long status_kb(const char *field) {
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0) kb = strtol(line + strlen(field) + 1, NULL, 10);
    if (f) (void)fclose(f);
    return kb;
}

/* From now on VmHWM counts anew (proc(5), clear_refs). */
static void forget_peak(void) {
    FILE *f = fopen("/proc/self/clear_refs", "w");
    assert_non_null(f);
    (void)fputs("5", f);
    (void)fclose(f);
}

static bool is_sanitized(void) {
#ifdef __SANITIZE_ADDRESS__
    return true;
#else
    return false;
#endif
}

static void ten_thousand_results_need_three_times_their_size(void **state) {
    (void)state;
    enum { RESULTS = 10000, TEXT_BYTES = 1500 };
    struct got g;
    engine_says("{\"Analyze\":{\"results\":10000,\"text_bytes\":1500}}");
    for (int warm = 0; warm < 2; warm++) {
        (void)malloc_trim(0);
        forget_peak();
        long before_kb = status_kb("VmRSS:");
        struct grpc_request r = request_to(target, "Analyze", &g);
        r.max_bytes = 64 << 20;
        int64_t start_us = clock_mono_us();
        exchange(&r, &g);
        double took_s = (double)(clock_mono_us() - start_us) / 1e6;
        if (g.err.code) fail_msg("%s", g.err.msg);
        assert_int_equal(g.message.item_count, RESULTS);
        double rise = (double)(status_kb("VmHWM:") - before_kb) * 1024 / ((double)RESULTS * TEXT_BYTES);
        message_free(&g.message);
        if (warm == 0 || is_sanitized()) continue;
        print_message("%.2f s, memory rose by %.2f times the message\n", took_s, rise);
        figure_record("grpc-size", "memory for 10,000 results in one answer, as a multiple of their size", rise, "");
        figure_record("grpc-size", "10,000 results asked for and read", took_s, "s");
        assert_true(rise <= 3);
    }
}

static void a_limit_holds_whatever_comes(void **state) {
    (void)state;
    struct got g;
    engine_says("{\"Analyze\":{\"results\":10000,\"text_bytes\":1000}}");
    call("Analyze", "{}", &g); /* 4 MiB, the default */
    assert_int_equal(g.err.code, ERR_LIMIT);
    assert_non_null(strstr(g.err.msg, "the answer is too large"));
}

/* Last: nobody answers after it. */
static void an_engine_that_dies_is_unreachable(void **state) {
    (void)state;
    struct got g;
    engine_says("{\"Analyze\":{\"die\":true}}");
    call("Analyze", "{}", &g);
    assert_int_equal(g.err.code, ERR_UNREACHABLE);
    assert_true(g.retry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_arrives_both_ways),
        cmocka_unit_test(only_one_cache_is_sent),
        cmocka_unit_test(what_is_not_set_is_absent),
        cmocka_unit_test(a_packed_answer_is_unpacked_within_the_limit),
        cmocka_unit_test(a_status_comes_with_its_words),
        cmocka_unit_test(an_engine_without_the_method_is_named_as_old),
        cmocka_unit_test(a_hanging_engine_is_told_of_its_deadline_and_let_go),
        cmocka_unit_test(many_calls_at_once),
        cmocka_unit_test(ten_thousand_results_need_three_times_their_size),
        cmocka_unit_test(a_limit_holds_whatever_comes),
        cmocka_unit_test(an_engine_that_dies_is_unreachable),
    };
    return cmocka_run_group_tests_name("grpc engine", tests, setup, teardown);
}
