/* Compressed answers: asked for only on request, unpacked here, limited by what they unpack to. */
#include "http_fixture.h"

static const char PACKED[] =
    "\037\213\010\000\000\000\000\000\002\003\053\317\110\054\121\050\117\054\126\050\110\114\316\116\115\001\000\223\300\144\245\017"
    "\000\000\000"; /* gzip of "what was packed" */
static const char BOMB[] =
    "\037\213\010\000\000\000\000\000\002\003\355\301\061\001\000\000\000\302\240\365\117\155\015\017\240\000\000\000\000\000\000\000"
    "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
    "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
    "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\200\127\003\175\225\021\324"
    "\240\206\001\000"; /* gzip of 100,000 zeros */

static struct http_server *server;
static char url[64], accepted[64];
static struct str body;

static void handle(struct http_exchange *x, void *arg) {
    struct err err;
    (void)arg;
    (void)snprintf(accepted, sizeof accepted, STR_FMT, STR_ARG(http_header(x, "Accept-Encoding")));
    if (str_is(str_of(accepted), "gzip")) assert_int_equal(http_set_header(x, "Content-Encoding", "gzip", &err), 0);
    http_respond(x, 200, "text/plain", str_of(accepted).n ? body : STR("plain"));
}

static int setup(void **state) {
    const struct http_server_limits limits = {.connections = 10, .header_bytes = 16 << 10, .body_bytes = 1024, .idle_timeout_s = 30};
    struct err err = {0};
    if (base_setup(state)) return -1;
    server = http_server_new(loop, "127.0.0.1:0", &limits, handle, NULL, &err);
    if (server) (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)http_server_port(server));
    return server ? 0 : -1;
}

static int teardown(void **state) {
    http_server_free(server);
    return base_teardown(state);
}

static struct http_request packed_get(struct got *g) {
    struct http_request r = get_of(url, g);
    r.gzip = true;
    return r;
}

static void is_unpacked_whole_or_in_chunks(void **state) {
    (void)state;
    struct got g;
    body = (struct str){PACKED, sizeof PACKED - 1};
    struct http_request r = packed_get(&g);
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_NONE);
    assert_true(str_is((struct str){g.body.data, g.body.len}, "what was packed"));
    got_free(&g);
    r.on_chunk = on_chunk;
    exchange(&r, &g);
    assert_true(str_is((struct str){g.chunks.data, g.chunks.len}, "what was packed"));
    assert_int_equal(g.wire_bytes, sizeof PACKED - 1); /* as it was sent */
    got_free(&g);
}

static void is_not_asked_for_otherwise(void **state) {
    (void)state;
    struct got g;
    struct http_request packed = packed_get(&g), r = get_of(url, &g);
    body = (struct str){PACKED, sizeof PACKED - 1};
    exchange(&packed, &g); /* its curl handle is used again by the next */
    got_free(&g);
    exchange(&r, &g);
    assert_string_equal(accepted, "");
    assert_true(str_is((struct str){g.body.data, g.body.len}, "plain"));
    got_free(&g);
}

static void is_limited_by_what_it_unpacks_to(void **state) {
    (void)state;
    struct got g;
    body = (struct str){BOMB, sizeof BOMB - 1};
    assert_true(body.n < 1000);
    struct http_request r = packed_get(&g);
    r.max_body_bytes = 50000;
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_LIMIT);
    assert_true(g.body.len <= 50000);
    got_free(&g);
}

static void that_is_broken_is_an_error(void **state) {
    (void)state;
    struct got g;
    body = STR("this is not packed at all");
    struct http_request r = packed_get(&g);
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_UNREACHABLE);
    got_free(&g);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(is_unpacked_whole_or_in_chunks),
        TEST(is_not_asked_for_otherwise),
        TEST(is_limited_by_what_it_unpacks_to),
        TEST(that_is_broken_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
