/* What goes wrong on a network, and what callers may do in the middle of it. */
#include "http_fixture.h"

#include <netinet/tcp.h>

static struct http_server *server;
static char url[128];
static struct http_exchange *kept;
static int served;

static void handle(struct http_exchange *x, void *arg) {
    (void)arg;
    served++;
    if (str_is(http_path(x), "/later")) {
        kept = x;
    } else {
        http_respond(x, 200, "text/plain", STR("ok"));
    }
}

static const char *at(uint16_t port, const char *path) {
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    return url;
}

static int setup_with(void **state, const struct http_server_limits *limits) {
    struct err err = {0};
    if (base_setup(state)) return -1;
    kept = NULL;
    served = 0;
    server = http_server_new(loop, "127.0.0.1:0", limits, handle, NULL, &err);
    return server ? 0 : -1;
}

static int setup(void **state) {
    const struct http_server_limits limits = {.connections = 400, .header_bytes = 16 << 10, .body_bytes = 1 << 20, .idle_timeout_s = 30};
    return setup_with(state, &limits);
}

static int setup_probes(void **state) {
    struct http_server_limits limits = HTTP_SERVER_PROBES;
    limits.idle_timeout_s = 1;
    return setup_with(state, &limits);
}

static int teardown(void **state) {
    if (kept) http_respond(kept, 200, NULL, STR(""));
    http_server_free(server);
    return base_teardown(state);
}

/* A peer that takes the request and answers `answer`, `n` bytes of it, then closes. */
static void against(const char *answer, size_t n, struct got *g) {
    uint16_t port;
    char request[4096];
    int listening = raw_listen(&port);
    struct http_request r = get_of(at(port, "/raw"), g);
    r.on_chunk = on_chunk;
    send_it(&r, g);
    int64_t end_us = clock_mono_us() + (int64_t)WAIT_MS * 1000;
    int fd = -1;
    assert_int_equal(fcntl(listening, F_SETFL, O_NONBLOCK), 0);
    while ((fd = accept(listening, NULL, NULL)) < 0 && clock_mono_us() < end_us) turn(0);
    assert_true(fd >= 0);
    assert_true(raw_recv(fd, request, sizeof request) > 0);
    assert_int_equal(send(fd, answer, n, MSG_NOSIGNAL), n);
    assert_int_equal(close(fd), 0);
    assert_true(loop_run_until(loop, &g->done, WAIT_MS));
    assert_int_equal(g->done_count, 1);
    assert_int_equal(close(listening), 0);
}

static void a_refused_connection_says_so(void **state) {
    (void)state;
    uint16_t port;
    struct got g;
    assert_int_equal(close(raw_listen(&port)), 0);
    struct http_request r = get_of(at(port, "/api?x=1"), &g);
    exchange(&r, &g);
    char expected[200];
    (void)snprintf(expected, sizeof expected, "GET %s: connection refused", url);
    assert_int_equal(g.err.code, ERR_UNREACHABLE);
    assert_string_equal(g.err.msg, expected);
    assert_int_equal(g.status, 0);
    got_free(&g);
}

static void an_unknown_host_is_unreachable(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of("http://no-such-host.invalid/", &g);
    exchange(&r, &g);
    assert_true(g.err.code == ERR_UNREACHABLE || g.err.code == ERR_TIMEOUT);
    assert_non_null(strstr(g.err.msg, "no-such-host.invalid"));
    got_free(&g);
}

static void secrets_stay_out_of_messages(void **state) {
    (void)state;
    uint16_t port;
    struct got g;
    assert_int_equal(close(raw_listen(&port)), 0);
    char address[128], expected[128];
    (void)snprintf(address, sizeof address, "http://user:c4nary@127.0.0.1:%u/services/c4nary?token=c4nary#c4nary", port);
    (void)snprintf(expected, sizeof expected, "POST http://127.0.0.1:%u/…: connection refused", port);
    struct http_request r = get_of(address, &g);
    r.method = "POST";
    r.secret_url = true;
    exchange(&r, &g);
    assert_string_equal(g.err.msg, expected);
    got_free(&g);
    (void)snprintf(address, sizeof address, "http://user:c4nary@127.0.0.1:%u/seen#c4nary", port);
    r.secret_url = false;
    exchange(&r, &g);
    assert_null(strstr(g.err.msg, "c4nary"));
    assert_non_null(strstr(g.err.msg, "/seen"));
    got_free(&g);
}

static void a_silent_peer_ends_by_the_deadline(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at(http_server_port(server), "/later"), &g);
    r.timeout_ms = 60;
    int64_t start_us = clock_mono_us();
    exchange(&r, &g);
    int64_t took_us = clock_mono_us() - start_us;
    assert_int_equal(g.err.code, ERR_TIMEOUT);
    assert_non_null(strstr(g.err.msg, "no whole answer within"));
    assert_in_range(took_us, 55000, 5000000);
    got_free(&g);
}

/* A full backlog drops SYNs, as a black hole does. */
static void a_black_hole_ends_by_the_connect_deadline(void **state) {
    (void)state;
    uint16_t port;
    struct got g;
    int fillers[8], listening = raw_listen(&port);
    assert_int_equal(listen(listening, 0), 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], (struct sockaddr *)&a, sizeof a);
    }
    struct http_request r = get_of(at(port, "/"), &g);
    r.connect_timeout_ms = 80;
    exchange(&r, &g);
    assert_int_equal(g.err.code, ERR_TIMEOUT);
    assert_non_null(strstr(g.err.msg, "no connection within"));
    got_free(&g);
    for (int i = 0; i < 8; i++) (void)close(fillers[i]);
    assert_int_equal(close(listening), 0);
}

/* Cut at every byte: never a good answer before the last one that says something, and no chunk that was not sent. */
static void a_cut_answer_is_never_whole(void **state) {
    (void)state;
    const char *answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"a\": \"b\"} \n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\": \"\r\n5\r\nb\"} \n\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        size_t whole = strlen(answers[i]);
        for (size_t n = 0; n <= whole; n++) {
            struct got g;
            against(answers[i], n, &g);
            assert_memory_equal(g.chunks.len ? g.chunks.data : "", "{\"a\": \"b\"} \n", g.chunks.len);
            bool last_lf_is_missing = i == 1 && n == whole - 1;
            if (n == whole || last_lf_is_missing) {
                assert_int_equal(g.err.code, ERR_NONE);
                assert_int_equal(g.chunks.len, 12);
            } else {
                assert_int_equal(g.err.code, ERR_UNREACHABLE);
                assert_true(strncmp(g.err.msg, "GET http://127.0.0.1:", 21) == 0);
                assert_null(strchr(g.err.msg, '\n'));
            }
            got_free(&g);
        }
    }
}

static void garbage_is_no_answer(void **state) {
    (void)state;
    const char *answers[] = {"SSH-2.0-OpenSSH_9.2\r\n", "\r\n\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
    for (size_t i = 0; i < 4; i++) {
        struct got g;
        against(answers[i], strlen(answers[i]), &g);
        assert_int_equal(g.err.code, ERR_UNREACHABLE);
        got_free(&g);
    }
}

static void interim_answers_do_not_count(void **state) {
    (void)state;
    struct got g;
    const char *answer = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
    against(answer, strlen(answer), &g);
    assert_int_equal(g.err.code, ERR_NONE);
    assert_int_equal(g.headers_status, 201);
    assert_int_equal(g.status, 201);
    got_free(&g);
}

static void one_connection_serves_many_calls(void **state) {
    (void)state;
    uint16_t port;
    char request[4096];
    int fd = -1, listening = raw_listen(&port);
    assert_int_equal(fcntl(listening, F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 5; i++) {
        struct got g;
        struct http_request r = get_of(at(port, "/"), &g);
        send_it(&r, &g);
        while (fd < 0) {
            turn(0);
            fd = accept(listening, NULL, NULL);
        }
        assert_true(raw_recv(fd, request, sizeof request) > 0);
        raw_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_true(loop_run_until(loop, &g.done, WAIT_MS));
        assert_int_equal(g.err.code, ERR_NONE);
        got_free(&g);
    }
    assert_int_equal(accept(listening, NULL, NULL), -1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(listening), 0);
}

static void many_calls_at_once(void **state) {
    (void)state;
    enum { CALLS = 300 };
    static struct got g[CALLS];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < CALLS; i++) {
            struct http_request r = get_of(at(http_server_port(server), "/"), &g[i]);
            send_it(&r, &g[i]);
        }
        for (int i = 0; i < CALLS; i++) {
            assert_true(loop_run_until(loop, &g[i].done, WAIT_MS));
            assert_int_equal(g[i].err.code, ERR_NONE);
            assert_string_equal(g[i].body.data, "ok");
            got_free(&g[i]);
        }
    }
    assert_int_equal(served, 2 * CALLS);
}

/* A black-holed link shows in the kernel alone: the options that make it give up are set on the client's socket. */
static void dead_links_are_noticed_by_the_kernel(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at(http_server_port(server), "/later"), &g);
    send_it(&r, &g);
    while (!kept) turn(1);
    int found = 0;
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer = {0};
        socklen_t size = sizeof peer, n = sizeof(int);
        int alive = 0, idle_s = 0, interval_s = 0, timeout_ms = 0;
        if (getpeername(fd, (struct sockaddr *)&peer, &size) || ntohs(peer.sin_port) != http_server_port(server)) continue;
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &n), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, &n), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, &n), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &n), 0);
        assert_int_equal(alive, 1);
        assert_in_range(interval_s, 1, timeout_ms / 1000);
        assert_in_range(idle_s * 1000 + timeout_ms, 5000, 40000);
        found++;
    }
    assert_int_equal(found, 1);
    http_cancel(g.call);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    got_free(&g);
}

static void cancel_before_the_loop_turns(void **state) {
    (void)state;
    struct got g;
    struct http_request r = get_of(at(http_server_port(server), "/"), &g);
    send_it(&r, &g);
    http_cancel(g.call);
    http_cancel(g.call);
    assert_false(g.done);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_int_equal(g.err.code, ERR_CANCELLED);
    turn(10);
    assert_int_equal(g.done_count, 1);
    got_free(&g);
}

static void cancel_after_any_number_of_turns(void **state) {
    (void)state;
    for (int turns = 1; turns < 12; turns++) {
        struct got g;
        struct http_request r = get_of(at(http_server_port(server), "/"), &g);
        send_it(&r, &g);
        for (int i = 0; i < turns && !g.done; i++) turn(0);
        if (!g.done) http_cancel(g.call);
        assert_true(loop_run_until(loop, &g.done, WAIT_MS));
        assert_true(g.err.code == ERR_CANCELLED || (g.err.code == ERR_NONE && g.status == 200));
        assert_int_equal(g.done_count, 1);
        got_free(&g);
    }
}

static void cancel_from_within_callbacks(void **state) {
    (void)state;
    for (int where = 0; where < 2; where++) {
        struct got g;
        struct http_request r = get_of(at(http_server_port(server), "/"), &g);
        r.on_chunk = on_chunk;
        send_it(&r, &g);
        *(where ? &g.cancel_on_chunk : &g.cancel_on_headers) = true;
        assert_true(loop_run_until(loop, &g.done, WAIT_MS));
        assert_int_equal(g.err.code, ERR_CANCELLED);
        assert_int_equal(g.chunks.len, where ? 2 : 0);
        turn(5);
        assert_int_equal(g.done_count, 1);
        got_free(&g);
    }
}

/* From each callback another call starts and a third one, under way, is cancelled. */
struct nest {
    struct got first, second, third;
    struct http_request again;
    bool done_was_inside;
};

static void start_and_cancel(struct nest *n) {
    struct err err = {0};
    n->again = get_of(url, &n->second);
    n->second = got_new();
    n->second.call = http_send(client, &n->again, &err);
    assert_non_null(n->second.call);
    n->done_was_inside = n->second.done;
    http_cancel(n->third.call);
    n->done_was_inside = n->done_was_inside || n->third.done;
}

static void nest_headers(int status, void *arg) {
    (void)status;
    start_and_cancel(arg);
}

static int nest_chunk(struct str chunk, void *arg, struct err *err) {
    (void)chunk;
    (void)err;
    start_and_cancel(arg);
    return 0;
}

static int no_chunk(struct str chunk, void *arg, struct err *err) {
    (void)chunk;
    (void)arg;
    (void)err;
    return 0;
}

static void nest_done(const struct http_response *response, void *arg) {
    struct nest *n = arg;
    n->first.done = true;
    n->first.err = response->err;
    http_cancel(n->first.call);
    if (!n->again.url) start_and_cancel(n);
}

static void calls_start_and_end_within_callbacks(void **state) {
    (void)state;
    for (int where = 0; where < 3; where++) {
        struct nest n = {.third = got_new()};
        struct err err = {0};
        struct http_request hanging = get_of(at(http_server_port(server), "/later"), &n.third);
        send_it(&hanging, &n.third);
        while (!kept) turn(1);
        struct http_request r = get_of(at(http_server_port(server), "/"), &n.first);
        r.on_headers = where == 0 ? nest_headers : NULL;
        r.on_chunk = where == 1 ? nest_chunk : no_chunk;
        r.on_done = nest_done;
        r.arg = &n;
        n.first.call = http_send(client, &r, &err);
        assert_non_null(n.first.call);
        assert_true(loop_run_until(loop, &n.first.done, WAIT_MS));
        assert_true(loop_run_until(loop, &n.second.done, WAIT_MS));
        assert_true(loop_run_until(loop, &n.third.done, WAIT_MS));
        assert_false(n.done_was_inside);
        assert_int_equal(n.first.err.code, ERR_NONE);
        assert_string_equal(n.second.body.data, "ok");
        assert_int_equal(n.third.err.code, ERR_CANCELLED);
        http_respond(kept, 200, NULL, STR(""));
        kept = NULL;
        got_free(&n.second);
        got_free(&n.third);
    }
}

static void freeing_the_client_ends_its_calls(void **state) {
    (void)state;
    struct got fresh, waiting, other_waiting;
    struct http_request r = get_of(at(http_server_port(server), "/later"), &waiting);
    send_it(&r, &waiting);
    while (!kept) turn(1);
    struct err err = {0};
    struct http_client *other = http_client_new(loop, "other", &err), *first = client;
    client = other;
    struct http_request r2 = get_of(at(http_server_port(server), "/"), &other_waiting);
    send_it(&r2, &other_waiting);
    client = first;
    struct http_request r3 = get_of(url, &fresh);
    send_it(&r3, &fresh);
    http_client_free(client);
    client = other;
    assert_int_equal(waiting.err.code, ERR_CANCELLED);
    assert_int_equal(fresh.err.code, ERR_CANCELLED);
    assert_int_equal(waiting.done_count + fresh.done_count, 2);
    assert_true(loop_run_until(loop, &other_waiting.done, WAIT_MS));
    assert_int_equal(other_waiting.err.code, ERR_NONE);
    got_free(&fresh), got_free(&waiting), got_free(&other_waiting);
}

struct last {
    bool done;
    int refused;
    struct got other;
};

/* Frees the client in its own callback, and tries to send by it. */
static void free_client(const struct http_response *response, void *arg) {
    struct last *l = arg;
    struct err err = {0};
    assert_int_equal(response->err.code, ERR_NONE);
    http_client_free(client);
    struct http_request r = get_of(url, &l->other);
    l->refused = http_send(client, &r, &err) ? 0 : (int)err.code;
    client = NULL;
    l->done = true;
}

static void a_client_may_go_in_its_own_callback(void **state) {
    (void)state;
    struct last l = {0};
    struct err err = {0};
    struct http_request hanging = get_of(at(http_server_port(server), "/later"), &l.other);
    send_it(&hanging, &l.other);
    struct http_request r = get_of(at(http_server_port(server), "/"), &l.other);
    r.on_headers = NULL;
    r.on_done = free_client;
    r.arg = &l;
    assert_non_null(http_send(client, &r, &err));
    assert_true(loop_run_until(loop, &l.done, WAIT_MS));
    assert_int_equal(l.refused, ERR_CANCELLED);
    assert_true(l.other.done);
    assert_int_equal(l.other.err.code, ERR_CANCELLED);
    got_free(&l.other);
}

/* Senders of half a request take all places, for the second that they may; a probe does not wait for it. */
static void slow_senders_do_not_shut_probes_out(void **state) {
    (void)state;
    int slow[100];
    for (int i = 0; i < 100; i++) {
        slow[i] = raw_connect(http_server_port(server));
        raw_send(slow[i], "GET /healthz HTTP/1.1\r\nHost:");
        turn(0);
    }
    turn(5);
    for (int i = 0; i < 5; i++) {
        struct got g;
        struct http_request r = get_of(at(http_server_port(server), "/healthz"), &g);
        int64_t start_us = clock_mono_us();
        exchange(&r, &g);
        assert_int_equal(g.status, 200);
        assert_in_range(clock_mono_us() - start_us, 0, 500000);
        got_free(&g);
    }
    for (int i = 0; i < 100; i++) assert_int_equal(close(slow[i]), 0);
}

/* One byte at a time does not extend the time that a request may take (here 1 s). */
static void a_trickle_ends_by_the_deadline(void **state) {
    (void)state;
    int fd = raw_connect(http_server_port(server));
    int64_t start_us = clock_mono_us();
    char rest[256];
    ssize_t n = -1;
    raw_send(fd, "GET / HTTP/1.1\r\nX: ");
    while (n < 0 && clock_mono_us() - start_us < 10000000) {
        turn(50);
        (void)send(fd, "y", 1, MSG_NOSIGNAL);
        n = recv(fd, rest, sizeof rest, MSG_DONTWAIT);
        if (n < 0 && errno == ECONNRESET) n = 0;
    }
    assert_in_range(clock_mono_us() - start_us, 990000, 3000000);
    assert_int_equal(close(fd), 0);
}

static void a_connection_serves_many_requests(void **state) {
    (void)state;
    char answer[4096];
    int fd = raw_connect(http_server_port(server));
    for (int i = 0; i < 10; i++) {
        raw_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(raw_recv(fd, answer, sizeof answer) > 0);
        assert_true(strncmp(answer, "HTTP/1.1 200", 12) == 0);
    }
    raw_send(fd, "nonsense\r\n\r\n");
    (void)raw_recv(fd, answer, sizeof answer);
    assert_true(strncmp(answer, "HTTP/1.1 200", 12) != 0);
    assert_int_equal(served, 10);
    assert_int_equal(close(fd), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define PROBE(f) cmocka_unit_test_setup_teardown(f, setup_probes, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_refused_connection_says_so),
        TEST(an_unknown_host_is_unreachable),
        TEST(secrets_stay_out_of_messages),
        TEST(a_silent_peer_ends_by_the_deadline),
        TEST(a_black_hole_ends_by_the_connect_deadline),
        TEST(a_cut_answer_is_never_whole),
        TEST(garbage_is_no_answer),
        TEST(interim_answers_do_not_count),
        TEST(one_connection_serves_many_calls),
        TEST(many_calls_at_once),
        TEST(dead_links_are_noticed_by_the_kernel),
        TEST(cancel_before_the_loop_turns),
        TEST(cancel_after_any_number_of_turns),
        TEST(cancel_from_within_callbacks),
        TEST(calls_start_and_end_within_callbacks),
        TEST(freeing_the_client_ends_its_calls),
        TEST(a_client_may_go_in_its_own_callback),
        PROBE(slow_senders_do_not_shut_probes_out),
        PROBE(a_trickle_ends_by_the_deadline),
        PROBE(a_connection_serves_many_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
