/* Until when requests of a client may leave: nothing goes out later, also when the process stood still meanwhile. */
#include "http_fixture.h"

#include <poll.h>
#include <sys/wait.h>

enum { BODY_BYTES = 16 << 20 };

static char url[64];

static int64_t in_ms(int64_t ms) { return clock_boot_us() + ms * 1000; }

static int listen_here(void) {
    uint16_t port;
    int fd = raw_listen(&port);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    return fd;
}

static bool has_caller(int listener) { return poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, 0) == 1; }

/* Runs the loop until somebody connects and has sent something. */
static int accept_request(int listener) {
    char bytes[4096];
    while (!has_caller(listener)) turn(1);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    while (recv(fd, bytes, sizeof bytes, MSG_PEEK) <= 0) turn(1);
    return fd;
}

/* ---- a process that stood still ------------------------------------------------------------------------------------------------- */

struct witness {
    size_t late_bytes; /* came after the process went on */
    int end;           /* errno of the end of the connection; 0: in order */
};

static int to_peer[2], from_peer[2];

/* All that comes until nothing has come for a while. */
static size_t drain(int fd, int64_t quiet_ms, int *error) {
    char bytes[1 << 16];
    size_t total = 0;
    struct timeval quiet = {quiet_ms / 1000, quiet_ms % 1000 * 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
    for (ssize_t n; (n = recv(fd, bytes, sizeof bytes, 0)) != 0;) {
        *error = n < 0 ? errno : 0;
        if (n < 0) return total;
        total += (size_t)n;
    }
    return total;
}

/* The peer: reads all that was sent before its sender stood still, so that there is room for more, and then says that it may go on. */
static int watch(int listener) {
    struct witness w = {0};
    char go = 'g';
    int fd = accept(listener, NULL, NULL), ignored;
    bool told = read(to_peer[0], &go, 1) == 1;
    (void)drain(fd, 100, &ignored);
    told = write(from_peer[1], &go, 1) == 1 && told;
    w.late_bytes = drain(fd, WAIT_MS, &w.end);
    return write(from_peer[1], &w, sizeof w) == (ssize_t)sizeof w && told ? 0 : 1;
}

/* In a turn of the loop whose timers have had theirs, as when SIGSTOP comes while Lua runs: what comes next are the sockets. */
static void stand_still(void *arg) {
    char go = 'g';
    (void)arg;
    http_client_allow_until(client, in_ms(1));
    assert_int_equal(write(to_peer[1], &go, 1), 1);
    assert_int_equal(read(from_peer[0], &go, 1), 1);
}

static void done_and_stop(const struct http_response *r, void *arg) {
    on_done(r, arg);
    loop_stop(loop);
}

/* By loop_run, as the operator: loop_run_until looks at its timers more often. */
static void a_process_that_stood_still_sends_nothing_late(void **state) {
    (void)state;
    static char body[BODY_BYTES];
    int listener = listen_here(), status;
    struct got g;
    struct witness w;
    assert_int_equal(pipe(to_peer), 0);
    assert_int_equal(pipe(from_peer), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(watch(listener));
    struct timer *timer = timer_new(loop, stand_still, NULL);
    struct http_request r = get_of(url, &g);
    r.method = "POST";
    r.body = (struct str){body, sizeof body};
    r.on_done = done_and_stop;
    send_it(&r, &g);
    timer_start(timer, 50);
    loop_run(loop);
    assert_int_equal(g.err.code, ERR_CANCELLED);
    assert_int_equal(read(from_peer[0], &w, sizeof w), sizeof w);
    assert_int_equal(w.late_bytes, 0);
    assert_int_equal(w.end, ECONNRESET);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    got_free(&g);
    timer_free(timer);
    (void)close(listener);
    for (int i = 0; i < 2; i++) {
        (void)close(to_peer[i]);
        (void)close(from_peer[i]);
    }
}

/* ---- the gate ------------------------------------------------------------------------------------------------------------------- */

static void what_is_under_way_ends_with_the_permission(void **state) {
    (void)state;
    int listener = listen_here();
    struct got g, second;
    struct http_request r = get_of(url, &g);
    http_client_allow_until(client, in_ms(60 * 1000));
    send_it(&r, &g);
    int fd = accept_request(listener);
    int64_t from_us = clock_boot_us();
    http_client_allow_until(client, in_ms(30));
    r.arg = &second;
    send_it(&r, &second);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_true(clock_boot_us() - from_us >= 30 * 1000);
    assert_int_equal(g.err.code, ERR_CANCELLED);
    assert_int_equal(second.err.code, ERR_CANCELLED);
    char byte[4096];
    while (recv(fd, byte, sizeof byte, MSG_DONTWAIT) > 0) {}
    assert_int_equal(errno, ECONNRESET); /* so that nothing is on its way in a buffer */
    got_free(&g);
    got_free(&second);
    (void)close(fd);
    (void)close(listener);
}

static void nothing_starts_without_permission(void **state) {
    (void)state;
    int listener = listen_here();
    struct got g = got_new();
    struct err err;
    struct http_request r = get_of(url, &g);
    http_client_allow_until(client, in_ms(-1));
    assert_null(http_send(client, &r, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    turn(20);
    assert_false(has_caller(listener));
    assert_int_equal(g.done_count, 0);
    (void)close(listener);
}

static void answer_all(struct http_exchange *x, void *arg) {
    (void)arg;
    http_respond(x, 200, "text/plain", STR("ok"));
}

static struct http_server *serve(void) {
    struct err err;
    struct http_server *server = http_server_new(loop, "127.0.0.1:0", &HTTP_SERVER_PROBES, answer_all, NULL, &err);
    assert_non_null(server);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)http_server_port(server));
    return server;
}

static void expect_ok(void) {
    struct got g;
    struct http_request r = get_of(url, &g);
    exchange(&r, &g);
    assert_int_equal(g.status, 200);
    got_free(&g);
}

/* Connections that were reset do not come back into use. */
static void permission_may_come_again(void **state) {
    (void)state;
    struct http_server *server = serve();
    struct got g;
    struct http_request r = get_of(url, &g);
    expect_ok();
    send_it(&r, &g);
    http_client_allow_until(client, in_ms(-1));
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_int_equal(g.err.code, ERR_CANCELLED);
    got_free(&g);
    http_client_allow_until(client, in_ms(60 * 1000));
    expect_ok();
    http_client_allow_until(client, HTTP_ALWAYS);
    expect_ok();
    http_server_free(server);
}

static void a_permission_that_is_renewed_in_time_ends_nothing(void **state) {
    (void)state;
    int listener = listen_here();
    struct got g;
    struct http_request r = get_of(url, &g);
    http_client_allow_until(client, in_ms(40));
    send_it(&r, &g);
    http_client_allow_until(client, in_ms(60 * 1000));
    int fd = accept_request(listener);
    turn(80);
    assert_false(g.done);
    raw_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_int_equal(g.status, 200);
    got_free(&g);
    (void)close(fd);
    (void)close(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_process_that_stood_still_sends_nothing_late, base_setup, base_teardown),
        cmocka_unit_test_setup_teardown(what_is_under_way_ends_with_the_permission, base_setup, base_teardown),
        cmocka_unit_test_setup_teardown(nothing_starts_without_permission, base_setup, base_teardown),
        cmocka_unit_test_setup_teardown(permission_may_come_again, base_setup, base_teardown),
        cmocka_unit_test_setup_teardown(a_permission_that_is_renewed_in_time_ends_nothing, base_setup, base_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
