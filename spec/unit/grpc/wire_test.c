/* Peers that break gRPC's rules (spec/engine/wire.py): each way has its error, and none is taken for an answer. */
#include "grpc_fixture.h"

static struct peer peer;
static struct doc *ports;

static int setup(void **state) {
    char line[4096];
    if (client_setup(state)) return -1;
    if (!peer_python(python, sizeof python)) return 0;
    if (!peer_start(&peer, python, "wire.py", NULL, NULL, line, sizeof line)) return -1;
    ports = json(line);
    return 0;
}

static int teardown(void **state) {
    if (ports) peer_stop(&peer);
    doc_unref(ports);
    return client_teardown(state);
}

/* AddConfig, for its answer has a text. */
static void ask(const char *fault, int64_t timeout_ms, struct got *g) {
    char target[64];
    int64_t port = doc_int(doc_get(doc_root(ports), str_of(fault)));
    if (!ports) skip();
    assert_int_not_equal(port, 0);
    (void)snprintf(target, sizeof target, "http://127.0.0.1:%lld", (long long)port);
    struct grpc_request r = request_to(target, "AddConfig", g);
    r.timeout_ms = timeout_ms;
    r.max_bytes = 1 << 20;
    exchange(&r, g);
}

struct expected {
    const char *fault;
    enum err_code code;
    bool retry;
    const char *message; /* after "AddConfig at 127.0.0.1:PORT: " */
};

static const struct expected EXPECTED[] = {
    {"no_status", ERR_SERVER, true, "the answer ends without a status"},
    {"no_message", ERR_SERVER, true, "the answer has no message, but 0 bytes"},
    {"cut_prefix", ERR_SERVER, true, "the answer has no message, but 3 bytes"},
    {"cut_message", ERR_SERVER, true, "the answer was cut: 1 of 100 bytes of its message came"},
    {"two_messages", ERR_SERVER, true, "the answer has 5 bytes after its message, where one message is expected"},
    {"bad_flag", ERR_SERVER, true, "the answer begins with the flag 2, which has no meaning"},
    {"bad_message", ERR_SYNTAX, false, "bytes that are no message"},
    {"bad_utf8", ERR_SYNTAX, false, "status is not UTF-8"},
    {"bad_gzip", ERR_SYNTAX, false, "the answer says that it is gzip: it is not gzip, or cut off"},
    {"snappy", ERR_UNSUPPORTED, false, "the answer is packed by \"snappy\", only gzip is understood"},
    {"web_page", ERR_UNSUPPORTED, false, "no gRPC server: it answers with text/html"},
    {"bad_gateway", ERR_UNREACHABLE, true, "HTTP 502 instead of an answer by gRPC"},
    {"not_found", ERR_UNSUPPORTED, false, "HTTP 404 instead of an answer by gRPC"},
    {"status_in_headers", ERR_THROTTLED, true, "RESOURCE_EXHAUSTED: slow down \xe2\x9c\x93%zz"},
    {"odd_status", ERR_SERVER, true, "UNKNOWN"},
    {"no_number", ERR_SERVER, true, "UNKNOWN"},
    {"long_status", ERR_SERVER, true, "UNKNOWN: xxxxxxxxxx"},
    {"unavailable", ERR_UNREACHABLE, true, "UNAVAILABLE: shutting down"},
    {"closed", ERR_UNREACHABLE, true, ""},
    {"reset_stream", ERR_UNREACHABLE, true, ""},
    {"reset_socket", ERR_UNREACHABLE, true, ""},
    {"goaway", ERR_UNREACHABLE, true, ""},
    {"too_much", ERR_LIMIT, false, "the answer is too large"},
};

static void has_its_error(void **state) {
    const struct expected *e = *state;
    struct got g;
    ask(e->fault, WAIT_MS, &g);
    const char *reason = strstr(g.err.msg, ": ");
    if (g.err.code != e->code) fail_msg("%s: %s: %s", e->fault, err_code_name(g.err.code), g.err.msg);
    assert_memory_equal(g.err.msg, "AddConfig at 127.0.0.1:", 23);
    assert_non_null(reason);
    if (strncmp(reason + 2, e->message, strlen(e->message)) != 0) fail_msg("%s: %s", e->fault, g.err.msg);
    assert_null(strpbrk(g.err.msg, "\r\n"));
    assert_int_equal(g.retry, e->retry);
    assert_null(g.message.head);
    message_free(&g.message);
}

static void a_silent_peer_costs_its_deadline(void **state) {
    (void)state;
    struct got g;
    ask("silent", 200, &g);
    assert_int_equal(g.err.code, ERR_TIMEOUT);
    assert_true(g.retry);
}

static void an_empty_message_is_an_answer(void **state) {
    (void)state;
    struct got g;
    ask("good", WAIT_MS, &g);
    if (g.err.code) fail_msg("%s", g.err.msg);
    assert_int_equal(g.status, GRPC_STATUS_OK);
    assert_true(str_is(doc_path_str(doc_root(g.message.head), "status"), ""));
    message_free(&g.message);
}

static void a_peer_that_is_not_there(void **state) {
    (void)state;
    struct got g;
    struct grpc_request r = request_to("http://127.0.0.1:1", "Run", &g);
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_UNREACHABLE);
    assert_string_equal(g.err.msg, "Run at 127.0.0.1:1: connection refused");
    assert_true(g.retry);
}

/* ---- withdrawn ---------------------------------------------------------------------------------------------------------------- */

static void turn(int64_t ms) {
    const bool never = false;
    (void)loop_run_until(loop, &never, ms);
}

static void send_to_silence(struct got *g) {
    struct err err = {0};
    char target[64];
    if (!ports) skip();
    (void)snprintf(target, sizeof target, "http://127.0.0.1:%lld", (long long)doc_int(doc_get(doc_root(ports), STR("silent"))));
    struct grpc_request r = request_to(target, "AddConfig", g);
    g->call = grpc_send(client, &r, &err);
    assert_non_null(g->call);
    turn(20);
}

static void cancelled_it_ends_at_once(void **state) {
    (void)state;
    struct got g;
    send_to_silence(&g);
    grpc_cancel(g.call);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_int_equal(g.err.code, ERR_CANCELLED);
}

static void dropped_nobody_hears_of_it(void **state) {
    (void)state;
    struct got g;
    send_to_silence(&g);
    grpc_drop(g.call);
    turn(20);
    assert_false(g.done);
    grpc_drop(NULL);
}

static void what_cannot_be_sent_is_refused(void **state) {
    (void)state;
    struct got g;
    struct err err = {0};
    struct grpc_request r = request_to("http://a b", "Run", &g);
    assert_null(grpc_send(client, &r, &err));
    assert_int_equal(err.code, ERR_INVALID);
    struct doc *wrong = json("{\"customAnalyzers\":[{\"nme\":\"x\"}]}");
    r = request_to("http://127.0.0.1:1", "AddConfig", &g);
    r.message = doc_root(wrong);
    assert_null(grpc_send(client, &r, &err));
    assert_string_equal(err.msg, "AddConfig at 127.0.0.1:1: customAnalyzers has no field nme");
    doc_unref(wrong);
}

int main(void) {
    enum { FAULTS = sizeof EXPECTED / sizeof *EXPECTED, OTHERS = 6 };
    struct CMUnitTest tests[FAULTS + OTHERS] = {
        cmocka_unit_test(a_silent_peer_costs_its_deadline), cmocka_unit_test(an_empty_message_is_an_answer),
        cmocka_unit_test(a_peer_that_is_not_there),         cmocka_unit_test(cancelled_it_ends_at_once),
        cmocka_unit_test(dropped_nobody_hears_of_it),       cmocka_unit_test(what_cannot_be_sent_is_refused),
    };
    for (int i = 0; i < FAULTS; i++)
        tests[OTHERS + i] = (struct CMUnitTest){EXPECTED[i].fault, has_its_error, NULL, NULL, (void *)(uintptr_t)&EXPECTED[i]};
    return cmocka_run_group_tests_name("grpc wire", tests, setup, teardown);
}
