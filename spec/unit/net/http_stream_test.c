/* Answers that go on: order, latency, peers that leave or do not read, the end of the server. */
#include "http_fixture.h"

enum { STREAMS = 100, MAX_PENDING = 256 << 10 };

static struct http_server *server;
static char url[64];
static struct http_exchange *streams[STREAMS];
static int begun, closed_count;
static bool closed_flag, begun_flag, in_write, end_at_once;

static void on_closed(void *arg) {
    assert_false(in_write);
    struct http_exchange **slot = arg;
    assert_non_null(*slot);
    *slot = NULL;
    closed_count++;
    closed_flag = true;
}

static void handle(struct http_exchange *x, void *arg) {
    (void)arg;
    struct http_exchange **slot = &streams[begun++];
    *slot = x;
    begun_flag = true;
    http_stream_begin(x, 200, "application/json", MAX_PENDING, on_closed, slot);
    if (!end_at_once) return;
    http_stream_write(x, STR("all "));
    http_stream_write(x, STR("of it"));
    http_stream_end(x);
    *slot = NULL;
}

static void put(struct http_exchange *x, struct str bytes) {
    in_write = true;
    http_stream_write(x, bytes);
    in_write = false;
}

static int setup(void **state) {
    const struct http_server_limits limits = {.connections = 400, .header_bytes = 16 << 10, .idle_timeout_s = 30};
    struct err err = {0};
    if (base_setup(state)) return -1;
    begun = closed_count = 0;
    closed_flag = begun_flag = end_at_once = false;
    server = http_server_new(loop, "127.0.0.1:0", &limits, handle, NULL, &err);
    if (!server) return -1;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/watch", http_server_port(server));
    return 0;
}

static int teardown(void **state) {
    http_server_free(server);
    return base_teardown(state);
}

/* A watch whose headers have arrived. */
static void watch(struct got *g) {
    struct http_request r = get_of(url, g);
    r.on_chunk = on_chunk;
    r.timeout_ms = -1;
    send_it(&r, g);
    int64_t end_us = clock_mono_us() + (int64_t)WAIT_MS * 1000;
    while (!g->headers_status && clock_mono_us() < end_us) turn(1);
    assert_int_equal(g->headers_status, 200);
}

static void wait_chunks(const struct got *g, size_t bytes) {
    int64_t end_us = clock_mono_us() + (int64_t)WAIT_MS * 1000;
    while (g->chunks.len < bytes && !g->done && clock_mono_us() < end_us) turn(0);
    assert_int_equal(g->chunks.len, bytes);
}

/* Writes of all sizes, in bursts and alone, come out as one unbroken sequence. */
static void bytes_keep_their_order(void **state) {
    (void)state;
    enum { TOTAL = 6 << 20 };
    struct got g;
    char *bytes = malloc(TOTAL);
    unsigned seed = 42;
    for (size_t i = 0; i < TOTAL; i++) bytes[i] = (char)rand_r(&seed);
    watch(&g);
    for (size_t at = 0; at < TOTAL;) {
        size_t n = (size_t)rand_r(&seed) % (rand_r(&seed) % 8 ? 600 : 90000);
        if (n > TOTAL - at) n = TOTAL - at;
        put(streams[0], (struct str){bytes + at, n});
        at += n;
        if (rand_r(&seed) % 4 == 0) wait_chunks(&g, at);
    }
    wait_chunks(&g, TOTAL);
    http_stream_end(streams[0]);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    assert_int_equal(g.err.code, ERR_NONE);
    assert_memory_equal(g.chunks.data, bytes, TOTAL);
    assert_int_equal(closed_count, 0);
    got_free(&g);
    free(bytes);
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* No delayed acknowledgement, cork or timer in the way: each of them would cost 40 ms or more. */
static void an_event_arrives_at_once(void **state) {
    (void)state;
    enum { EVENTS = 301 };
    int64_t took_us[EVENTS];
    struct got g;
    watch(&g);
    for (size_t i = 0; i < EVENTS; i++) {
        int64_t start_us = clock_mono_us();
        put(streams[0], STR("{\"type\":\"ADDED\"}\n"));
        wait_chunks(&g, (i + 1) * 17);
        took_us[i] = clock_mono_us() - start_us;
    }
    qsort(took_us, EVENTS, sizeof *took_us, by_value);
    print_message("an event: median %lld us, p99 %lld us\n", (long long)took_us[EVENTS / 2], (long long)took_us[EVENTS * 99 / 100]);
    assert_in_range(took_us[EVENTS / 2], 0, 5000);
    http_stream_end(streams[0]);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    got_free(&g);
}

static void an_answer_may_end_in_the_handler(void **state) {
    (void)state;
    struct got g;
    end_at_once = true;
    struct http_request r = get_of(url, &g);
    for (int i = 0; i < 3; i++) {
        exchange(&r, &g);
        assert_string_equal(g.body.data, "all of it");
        got_free(&g);
    }
    r.method = "HEAD";
    exchange(&r, &g);
    assert_int_equal(g.status, 200);
    assert_int_equal(g.body.len, 0);
    got_free(&g);
    assert_int_equal(closed_count, 0);
}

static void a_peer_that_leaves_is_noticed(void **state) {
    (void)state;
    for (int written = 0; written < 2; written++) {
        struct got g;
        closed_flag = false;
        watch(&g);
        if (written) {
            put(streams[begun - 1], STR("x"));
            wait_chunks(&g, 1);
        }
        turn(5);
        http_cancel(g.call);
        assert_true(loop_run_until(loop, &closed_flag, WAIT_MS));
        assert_int_equal(g.err.code, ERR_CANCELLED);
        got_free(&g);
    }
    turn(5);
    assert_int_equal(closed_count, 2);
}

static int raw_watch(void) {
    int fd = raw_connect(http_server_port(server));
    begun_flag = false;
    raw_send(fd, "GET /watch HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(loop_run_until(loop, &begun_flag, WAIT_MS));
    return fd;
}

static void a_peer_that_resets_is_noticed(void **state) {
    (void)state;
    struct linger at_once = {.l_onoff = 1};
    int fd = raw_watch();
    turn(5);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    assert_int_equal(close(fd), 0);
    assert_true(loop_run_until(loop, &closed_flag, WAIT_MS));
    assert_int_equal(closed_count, 1);
}

/* The other streams go on meanwhile, and what waits for the slow one stays bounded. */
static void a_peer_that_does_not_read_is_cut_off(void **state) {
    (void)state;
    struct got g;
    int fd = raw_watch();
    watch(&g);
    char block[16 << 10];
    memset(block, 'x', sizeof block);
    size_t written = 0;
    while (!closed_flag && written < 256 << 20) {
        put(streams[0], (struct str){block, sizeof block});
        written += sizeof block;
        turn(0);
    }
    assert_true(closed_flag);
    assert_in_range(written, MAX_PENDING, 32 << 20); /* the kernel's buffers are a part of it */
    put(streams[1], STR("still here"));
    wait_chunks(&g, 10);
    assert_int_equal(closed_count, 1);
    char rest[4096];
    ssize_t n;
    do {
        n = raw_recv(fd, rest, sizeof rest);
    } while (n > 0);
    assert_int_equal(close(fd), 0);
    http_stream_end(streams[1]);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    got_free(&g);
}

/* However much is written in one turn of the loop, a peer that reads it is not slow. */
static void a_burst_is_not_a_slow_peer(void **state) {
    (void)state;
    enum { BURST = 8 << 20 };
    struct got g;
    char *bytes = calloc(1, BURST);
    watch(&g);
    for (int i = 0; i < 8; i++) put(streams[0], (struct str){bytes, BURST / 8});
    wait_chunks(&g, BURST);
    put(streams[0], STR("x"));
    wait_chunks(&g, BURST + 1);
    assert_int_equal(closed_count, 0);
    http_stream_end(streams[0]);
    assert_true(loop_run_until(loop, &g.done, WAIT_MS));
    got_free(&g);
    free(bytes);
}

/* The peer goes while bytes wait for it: the daemon is about to write, not suspended. */
static void a_peer_may_leave_in_the_middle(void **state) {
    (void)state;
    int fd = raw_watch();
    char *bytes = calloc(1, 16 << 20);
    put(streams[0], (struct str){bytes, 16 << 20});
    turn(20);
    assert_int_equal(closed_count, 0);
    assert_int_equal(close(fd), 0);
    assert_true(loop_run_until(loop, &closed_flag, WAIT_MS));
    assert_int_equal(closed_count, 1);
    free(bytes);
}

static void freeing_the_server_closes_streams(void **state) {
    (void)state;
    struct got g[3];
    for (int i = 0; i < 3; i++) watch(&g[i]);
    http_stream_write(streams[1], STR("pending"));
    http_stream_end(streams[2]);
    http_server_free(server);
    server = NULL;
    assert_int_equal(closed_count, 2);
    for (int i = 0; i < 3; i++) {
        assert_true(loop_run_until(loop, &g[i].done, WAIT_MS));
        assert_int_equal(g[i].err.code, ERR_UNREACHABLE);
        got_free(&g[i]);
    }
}

static void many_streams_hear_every_event(void **state) {
    (void)state;
    enum { EVENTS = 50 };
    static struct got g[STREAMS];
    for (int i = 0; i < STREAMS; i++) watch(&g[i]);
    for (int e = 0; e < EVENTS; e++) {
        for (int i = 0; i < STREAMS; i++) put(streams[i], STR("event\n"));
        turn(0);
    }
    for (int i = 0; i < STREAMS; i++) {
        wait_chunks(&g[i], EVENTS * 6);
        http_stream_end(streams[i]);
        assert_true(loop_run_until(loop, &g[i].done, WAIT_MS));
        assert_int_equal(g[i].err.code, ERR_NONE);
        got_free(&g[i]);
    }
    assert_int_equal(closed_count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(bytes_keep_their_order),        TEST(an_event_arrives_at_once),       TEST(an_answer_may_end_in_the_handler),
        TEST(a_peer_that_leaves_is_noticed), TEST(a_peer_that_resets_is_noticed),  TEST(a_peer_that_does_not_read_is_cut_off),
        TEST(a_burst_is_not_a_slow_peer),    TEST(a_peer_may_leave_in_the_middle), TEST(freeing_the_server_closes_streams),
        TEST(many_streams_hear_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
