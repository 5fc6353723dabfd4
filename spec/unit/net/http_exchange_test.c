/* Requests and answers, client against server, in one loop. */
#include "http_fixture.h"

#include <time.h>

static struct http_server *server;
static char url[128];
static struct http_exchange *kept;
static struct err kept_err;

static const char *at(const char *path) {
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", http_server_port(server), path);
    return url;
}

static void echo(struct http_exchange *x) {
    struct buf out = buf_new(SIZE_MAX / 2);
    struct str q = http_query(x, "q"), agent = http_header(x, "user-agent"), type = http_header(x, "Content-Type"), body = http_body(x);
    assert_int_equal(buf_printf(&out, NULL, STR_FMT " " STR_FMT " q=%s" STR_FMT " " STR_FMT " " STR_FMT "\n", STR_ARG(http_method(x)),
                                STR_ARG(http_path(x)), q.p ? "" : "none", STR_ARG(q), STR_ARG(agent), STR_ARG(type)),
                     0);
    assert_int_equal(buf_append(&out, body.n ? body.p : "", body.n, NULL), 0);
    http_respond(x, 200, "text/x-echo", (struct str){out.data, out.len});
    buf_free(&out);
}

static void handle(struct http_exchange *x, void *arg) {
    (void)arg;
    struct str path = http_path(x);
    if (str_is(path, "/later")) {
        kept = x;
    } else if (str_is(path, "/busy")) {
        assert_int_equal(http_set_header(x, "Retry-After", "7", &kept_err), 0);
        http_respond(x, 429, "text/plain", STR("slow down"));
    } else if (str_is(path, "/date")) {
        time_t when = time(NULL) + 100;
        struct tm tm;
        char text[64];
        (void)strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &tm));
        assert_int_equal(http_set_header(x, "Retry-After", text, &kept_err), 0);
        http_respond(x, 503, NULL, STR(""));
    } else if (str_is(path, "/big")) {
        size_t n = 20 << 20;
        char *bytes = malloc(n);
        memset(bytes, 'b', n);
        http_respond(x, str_is(http_query(x, "fail"), "1") ? 500 : 200, "text/plain", (struct str){bytes, n});
        free(bytes);
    } else if (str_is(path, "/moved")) {
        assert_int_equal(http_set_header(x, "Location", "/", &kept_err), 0);
        http_respond(x, 302, NULL, STR(""));
    } else {
        echo(x);
    }
}

static const struct http_server_limits OPEN = {.connections = 400, .header_bytes = 16 << 10, .body_bytes = 4 << 20, .idle_timeout_s = 30};

static int setup_with(void **state, const struct http_server_limits *limits) {
    struct err err = {0};
    if (base_setup(state)) return -1;
    kept = NULL;
    server = http_server_new(loop, "127.0.0.1:0", limits, handle, NULL, &err);
    return server ? 0 : -1;
}

static int setup(void **state) { return setup_with(state, &OPEN); }
static int setup_probes(void **state) { return setup_with(state, &HTTP_SERVER_PROBES); }

static int teardown(void **state) {
    http_server_free(server);
    return base_teardown(state);
}

static void get_tells_path_query_and_headers(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/a%20b/c?q=1%262&empty"), &g);
    exchange(&r, &g);
    assert_int_equal(g.status, 200);
    assert_int_equal(g.headers_status, 200);
    assert_int_equal(g.err.code, ERR_NONE);
    assert_string_equal(g.content_type, "text/x-echo");
    assert_string_equal(g.body.data, "GET /a b/c q=1&2 spec/1 \n");
    got_free(&g);
    r.url = at("/x");
    exchange(&r, &g);
    assert_string_equal(g.body.data, "GET /x q=none spec/1 \n");
    got_free(&g);
    r.url = at("/x?q");
    exchange(&r, &g);
    assert_string_equal(g.body.data, "GET /x q= spec/1 \n");
    got_free(&g);
}

/* Every method carries bodies of sizes around buffer borders, unchanged and without a form's content type. */
static void bodies_arrive_unchanged(void **state) {
    (void)state;
    const char *methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    const size_t sizes[] = {0, 1, 1023, 1024, 16383, 16384, 65536, 1048577, 4 << 20};
    const char *const json[] = {"Content-Type: application/json", NULL};
    char *bytes = malloc(4 << 20);
    for (size_t i = 0; i < 4 << 20; i++) bytes[i] = (char)(i * 2654435761u >> 11);
    for (size_t m = 0; m < 4; m++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct got g;
            struct http_request r = get_of(at("/"), &g);
            r.method = methods[m];
            r.body = (struct str){bytes, sizes[i]};
            r.headers = i % 2 ? json : NULL;
            exchange(&r, &g);
            char head[64];
            int n = snprintf(head, sizeof head, "%s / q=none spec/1 %s\n", methods[m], i % 2 ? "application/json" : "");
            assert_int_equal(g.status, 200);
            assert_int_equal(g.body.len, sizes[i] + n);
            assert_memory_equal(g.body.data, head, n);
            assert_memory_equal(g.body.data + n, bytes, sizes[i]);
            got_free(&g);
        }
    }
    free(bytes);
}

static void the_request_may_go_once_it_is_sent(void **state) {
    (void)state;
    struct got g;
    char *address = strdup(at("/gone")), *body = strdup("content"), *method = strdup("POST"), *line = strdup("Content-Type: a/b");
    const char *headers[] = {line, NULL};
    struct http_request r = get_of(address, &g);
    r.method = method;
    r.body = str_of(body);
    r.headers = headers;
    send_it(&r, &g);
    memset(address, 'x', strlen(address)), memset(body, 'x', strlen(body)), memset(method, 'x', 4), memset(line, 'x', strlen(line));
    free(address), free(body), free(method), free(line);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_string_equal(g.body.data, "POST /gone q=none spec/1 a/b\ncontent");
    got_free(&g);
}

static void head_is_get_without_body(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/"), &g);
    r.method = "HEAD";
    exchange(&r, &g);
    assert_int_equal(g.status, 200);
    assert_int_equal(g.err.code, ERR_NONE);
    assert_int_equal(g.body.len, 0);
    assert_string_equal(g.content_type, "text/x-echo");
    got_free(&g);
}

static void an_answer_may_come_later(void **state) {
    (void)state;
    struct got g, other;
    struct http_request r = get_of(at("/later?q=kept"), &g);
    send_it(&r, &g);
    while (!kept) turn(1);
    struct http_request r2 = get_of(at("/"), &other);
    exchange(&r2, &other);
    assert_false(g.done);
    echo(kept);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_string_equal(g.body.data, "GET /later q=kept spec/1 \n");
    got_free(&g);
    got_free(&other);
}

static void an_answer_after_the_server_went_is_harmless(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/later"), &g);
    send_it(&r, &g);
    while (!kept) turn(1);
    http_server_free(server);
    server = NULL;
    assert_null(http_path(kept).p);
    assert_null(http_header(kept, "User-Agent").p);
    http_respond(kept, 200, "text/plain", STR("nobody"));
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_int_equal(g.err.code, ERR_UNREACHABLE);
    assert_int_equal(g.status, 0);
    got_free(&g);
}

static void retry_after_in_both_forms(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/busy"), &g);
    exchange(&r, &g);
    assert_int_equal(g.status, 429);
    assert_int_equal(g.err.code, ERR_NONE);
    assert_int_equal(g.retry_after_s, 7);
    assert_string_equal(g.body.data, "slow down");
    got_free(&g);
    r.url = at("/date");
    exchange(&r, &g);
    assert_in_range(g.retry_after_s, 95, 100);
    got_free(&g);
}

static void redirects_are_not_followed(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/moved"), &g);
    exchange(&r, &g);
    assert_int_equal(g.status, 302);
    got_free(&g);
}

static void a_collected_answer_has_a_limit(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/big"), &g);
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_LIMIT);
    assert_true(strncmp(g.err.msg, "GET http://127.0.0.1:", 21) == 0);
    got_free(&g);
    r.max_body_bytes = 20 << 20;
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_NONE);
    assert_int_equal(g.body.len, 20 << 20);
    got_free(&g);
}

static void a_streamed_answer_has_none(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/big"), &g);
    r.on_chunk = on_chunk;
    r.max_body_bytes = 5;
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_NONE);
    assert_int_equal(g.chunks.len, 20 << 20);
    assert_int_equal(g.body.len, 0);
    got_free(&g);
}

static void the_error_body_of_a_stream_is_collected(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/big?fail=1"), &g);
    r.on_chunk = on_chunk;
    exchange(&r, &g);
    assert_int_equal(g.status, 500);
    assert_int_equal(g.err.code, ERR_NONE);
    assert_int_equal(g.chunks.len, 0);
    assert_int_equal(g.body.len, 1 << 20);
    got_free(&g);
}

static void on_chunk_may_end_the_call(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/big"), &g);
    r.on_chunk = on_chunk;
    send_it(&r, &g);
    g.fail_after = 100000;
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_int_equal(g.err.code, ERR_SYNTAX);
    assert_string_equal(g.err.msg, "enough");
    assert_in_range(g.chunks.len, 100000, 200000);
    got_free(&g);
}

static void too_large_a_request_is_413(void **state) {
    (void)state;
    const size_t sizes[] = {(4 << 20) + 1, 64 << 20};
    char *bytes = calloc(1, 64 << 20);
    for (size_t i = 0; i < 2; i++) {
        struct got g;
        struct http_request r = get_of(at("/"), &g);
        r.method = "POST";
        r.body = (struct str){bytes, sizes[i]};
        exchange(&r, &g);
        if (i == 0 || g.status) assert_int_equal(g.status, 413);
        got_free(&g);
    }
    free(bytes);
}

static void probes_take_get_and_head_alone(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at("/healthz"), &g);
    exchange(&r, &g);
    assert_int_equal(g.status, 200);
    got_free(&g);
    const char *methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "BREW"};
    for (size_t i = 0; i < 5; i++) {
        r.method = methods[i];
        exchange(&r, &g);
        assert_int_equal(g.status, 405);
        got_free(&g);
    }
    r.method = "GET";
    r.body = STR("{}");
    exchange(&r, &g);
    assert_int_equal(g.status, 413);
    got_free(&g);
}

static void headers_have_a_limit(void **state) {
    (void)state;
    char *line = malloc(70000);
    const char *headers[] = {line, NULL};
    const size_t sizes[] = {7000, 8200, 12000, 60000};
    for (size_t i = 0; i < 4; i++) {
        struct got g;
        struct http_request r = get_of(at("/"), &g);
        memset(line, 'h', sizes[i]);
        memcpy(line, "X: ", 3);
        line[sizes[i]] = '\0';
        r.headers = headers;
        exchange(&r, &g);
        assert_int_equal(g.status, i == 0 ? 200 : 431);
        got_free(&g);
    }
    free(line);
}

static void a_taken_port_is_named(void **state) {
    (void)state;
    struct err err = {0};
    char listen[32];
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", http_server_port(server));
    assert_null(http_server_new(loop, listen, &OPEN, handle, NULL, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.msg, listen));
    const char *wrong[] = {"", "nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:notaport", "[::1:80"};
    for (size_t i = 0; i < 6; i++) assert_null(http_server_new(loop, wrong[i], &OPEN, handle, NULL, &err));
}

static void all_addresses_include_ipv4(void **state) {
    (void)state;
    struct err err = {0};
    struct got g;
    struct http_server *any = http_server_new(loop, ":0", &OPEN, handle, NULL, &err);
    assert_non_null(any);
    char address[64];
    (void)snprintf(address, sizeof address, "http://127.0.0.1:%u/", http_server_port(any));
    struct http_request r = get_of(address, &g);
    exchange(&r, &g);
    assert_int_equal(g.status, 200);
    got_free(&g);
    http_server_free(any);
}

static void nonsense_is_not_sent(void **state) {
    (void)state;
    struct got g = {0};
    const char *broken[] = {"X: a\r\nEvil: 1", NULL};
    struct http_request r = get_of("", &g);
    const char *urls[] = {"", "no scheme", "ftp://127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1:99999/", "http://us:s3cret@/x"};
    struct err err;
    for (size_t i = 0; i < 6; i++) {
        r.url = urls[i];
        err = (struct err){0};
        assert_null(http_send(client, &r, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(strstr(err.msg, "s3cret"));
    }
    r.url = at("/");
    r.headers = broken;
    assert_null(http_send(client, &r, &err));
    assert_int_equal(err.code, ERR_INVALID);
    r.headers = NULL;
    r.method = "GET /x HTTP/1.1\r\nA:";
    assert_null(http_send(client, &r, &err));
    assert_int_equal(err.code, ERR_INVALID);
    turn(10);
    assert_int_equal(g.done_count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define PROBE(f) cmocka_unit_test_setup_teardown(f, setup_probes, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(get_tells_path_query_and_headers),
        TEST(bodies_arrive_unchanged),
        TEST(the_request_may_go_once_it_is_sent),
        TEST(head_is_get_without_body),
        TEST(an_answer_may_come_later),
        TEST(an_answer_after_the_server_went_is_harmless),
        TEST(retry_after_in_both_forms),
        TEST(redirects_are_not_followed),
        TEST(a_collected_answer_has_a_limit),
        TEST(a_streamed_answer_has_none),
        TEST(the_error_body_of_a_stream_is_collected),
        TEST(on_chunk_may_end_the_call),
        TEST(too_large_a_request_is_413),
        PROBE(probes_take_get_and_head_alone),
        PROBE(headers_have_a_limit),
        TEST(a_taken_port_is_named),
        TEST(all_addresses_include_ipv4),
        TEST(nonsense_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
