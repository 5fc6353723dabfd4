/* Memory that runs out in the middle of a request: it ends, well or with a reason, and the client goes on. */
#include "http_fixture.h"

#include "support/alloc_fault.h"

static void handle(struct http_exchange *x, void *arg) {
    (void)arg;
    http_respond(x, 200, "text/plain", STR("ok"));
}

static struct http_server *new_server(char *url, size_t size) {
    static const struct http_server_limits LIMITS = {.connections = 10, .header_bytes = 16 << 10, .body_bytes = 1024, .idle_timeout_s = 30};
    struct err err = {0};
    struct http_server *server = http_server_new(loop, "127.0.0.1:0", &LIMITS, handle, NULL, &err);
    assert_non_null(server);
    snprintf(url, size, "http://127.0.0.1:%u/", (unsigned)http_server_port(server));
    return server;
}

struct outcome {
    bool done;
    int status;
    enum err_code code;
};

static void on_end(const struct http_response *r, void *arg) { *(struct outcome *)arg = (struct outcome){true, r->status, r->err.code}; }

/* True when the n-th allocation of the client failed before the request was over. The server makes no more of the connection then. */
static bool try_without(long n, const char *url) {
    struct got after;
    struct outcome o = {0};
    struct err err = {0};
    struct http_request r = {.method = "GET", .url = url, .timeout_ms = 2000, .on_done = on_end, .arg = &o}, next = get_of(url, &after);
    alloc_fault_after(n);
    struct http_call *call = http_send(client, &r, &err);
    if (call) (void)loop_run_until(loop, &o.done, WAIT_MS);
    bool hit = alloc_fault_end();
    if (call) {
        if (!o.done) fail_msg("allocation %ld failed, and the call does not end", n);
        assert_true(o.code || o.status);
    } else {
        assert_int_equal(err.code, ERR_NOMEM);
    }
    exchange(&next, &after);
    if (after.status != 200) fail_msg("after allocation %ld failed: %s", n, after.err.msg);
    got_free(&after);
    return hit;
}

static void test_the_client_goes_on(void **state) {
    char url[64];
    bool hit = true;
    long n = 0;
    for (; hit; n++) {
        assert_int_equal(base_setup(state), 0);
        struct http_server *server = new_server(url, sizeof url);
        hit = try_without(n, url);
        http_server_free(server);
        base_teardown(state);
    }
    assert_true(n > 4);
}

int main(void) {
    alloc_fault_own(false); /* the server in this process is not to run short */
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_client_goes_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
