/* Many requests on one connection of HTTP/2 (RFC 9113): none waits for another, and each comes to its end. */
#include "h2_peer.h"

enum { BODY_BYTES = 256 << 10 };

static struct identity ca, api;
static struct http_tls trust;
static struct tls_server *server;
static struct h2_peer peer;

static void put_window(struct buf *out, uint32_t stream, uint32_t bytes) {
    const char more[] = {(char)(bytes >> 24), (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};
    put_frame(out, FRAME_WINDOW_UPDATE, 0, stream, (struct str){more, sizeof more});
}

/* Takes in bodies, and lets more of them come only once all that may come is here: RFC 9113 6.9.2 begins with 65,535 bytes. */
static void on_upload(SSL *ssl, const struct h2_frame *f, struct buf *out, struct h2_peer *p) {
    (void)ssl;
    if (f->type != FRAME_DATA) return;
    p->body_bytes += f->size;
    if (f->flags & FLAG_END_STREAM) put_status_200(out, f->stream), put_frame(out, FRAME_DATA, FLAG_END_STREAM, f->stream, STR("."));
    if (p->body_bytes % FIRST_WINDOW_BYTES) return;
    put_window(out, 0, FIRST_WINDOW_BYTES), put_window(out, f->stream, FIRST_WINDOW_BYTES);
}

static void take_bodies(SSL *ssl, void *arg) { h2_serve(ssl, on_upload, arg); }

static int make_identities(void **state) {
    (void)state;
    ca = identity_new("spec ca", NULL, NULL);
    api = identity_new("api", "DNS:localhost", &ca);
    trust = (struct http_tls){.ca_pem = str_of(ca.cert_pem)};
    return 0;
}

static int free_identities(void **state) {
    (void)state;
    identity_free(&ca), identity_free(&api);
    return 0;
}

static int setup(void **state) {
    if (base_setup(state)) return -1;
    h2_peer_init(&peer);
    server = tls_server_new(&api, NULL);
    server->talk = h2_talk;
    server->arg = &peer;
    return 0;
}

static int teardown(void **state) {
    int rc = base_teardown(state);
    tls_server_free(server);
    return rc;
}

static bool is_whole(struct str body, void *arg) {
    const struct got *g = arg;
    (void)body;
    return g->chunks.len == peer.body_bytes;
}

static void ask(struct got *g) {
    char url[64];
    (void)snprintf(url, sizeof url, "https://localhost:%u/", server->port);
    struct http_request r = get_of(url, g);
    r.tls = &trust;
    r.on_chunk = on_chunk;
    if (peer.body_bytes) r.is_whole = is_whole; /* else a watch */
    send_it(&r, g);
}

static void open_watches(struct got *quiet) {
    for (int i = 0; i < QUIET; i++) {
        ask(&quiet[i]);
        while (!quiet[i].headers_status) turn(1);
    }
}

static void end_watches(struct got *quiet) {
    for (int i = 0; i < QUIET; i++) http_cancel(quiet[i].call);
    for (int i = 0; i < QUIET; i++) {
        assert_true(loop_run_until(loop, &quiet[i].done, WAIT_MS));
        got_free(&quiet[i]);
    }
}

static void expect_whole(struct got *g) {
    if (!loop_run_until(loop, &g->done, WAIT_MS / 4)) fail_msg("%zu of %zu bytes", g->chunks.len, peer.body_bytes);
    assert_int_equal(g->err.code, 0);
    assert_int_equal(g->chunks.len, peer.body_bytes);
}

static void expect_list(void) {
    struct got list;
    ask(&list);
    h2_peer_answer(&peer);
    expect_whole(&list);
    assert_int_equal(list.status, 200);
    got_free(&list);
}

/*
 * libcurl 7.88 stops reading a connection when the buffer of one of its requests is full, and goes on with what it has read already only
 * once more comes: a body that fills the buffer while another request is looked after.
 */
static void the_end_of_an_answer_does_not_wait_for_more_to_come(void **state) {
    (void)state;
    struct got quiet[QUIET];
    open_watches(quiet);
    for (peer.body_bytes = 1000; peer.body_bytes < BODY_BYTES; peer.body_bytes += 5000) expect_list();
    assert_int_equal(server->count, 1);
    end_watches(quiet);
}

static void nor_behind_one_that_is_given_up(void **state) {
    (void)state;
    struct got quiet[QUIET], given_up, list;
    peer.lists = 2;
    open_watches(quiet);
    for (peer.body_bytes = 1000; peer.body_bytes < BODY_BYTES / 2; peer.body_bytes += 5000) {
        ask(&given_up);
        given_up.cancel_on_chunk = true;
        ask(&list);
        h2_peer_answer(&peer);
        expect_whole(&list);
        assert_true(loop_run_until(loop, &given_up.done, WAIT_MS));
        got_free(&given_up);
        got_free(&list);
    }
    assert_int_equal(server->count, 1);
    end_watches(quiet);
}

static void a_large_body_goes_on_when_the_server_lets_it(void **state) {
    (void)state;
    static const char body[BODY_BYTES];
    struct got quiet, g;
    char url[64];
    server->talk = take_bodies;
    (void)snprintf(url, sizeof url, "https://localhost:%u/", server->port);
    struct http_request r = get_of(url, &quiet);
    r.tls = &trust;
    send_it(&r, &quiet);
    r.method = "PATCH";
    r.body = (struct str){body, sizeof body};
    r.arg = &g;
    exchange(&r, &g);
    assert_int_equal(g.status, 200);
    assert_int_equal(peer.body_bytes, sizeof body);
    got_free(&g);
    http_cancel(quiet.call);
    assert_true(loop_run_until(loop, &quiet.done, WAIT_MS));
    got_free(&quiet);
}

/* Its end is in the frame that did not fit any more, and nothing comes behind it. */
static void an_answer_whose_end_is_missed_is_whole_by_what_the_caller_says(void **state) {
    (void)state;
    enum { SMALL_FRAME_BYTES = 4096, LAST_BYTES = 1219, FRAMES = 24 };
    struct got quiet[QUIET];
    peer.frame_bytes = SMALL_FRAME_BYTES;
    open_watches(quiet);
    for (size_t frames = 0; frames < FRAMES; frames++) {
        peer.body_bytes = frames * SMALL_FRAME_BYTES + LAST_BYTES;
        expect_list();
    }
    assert_int_equal(server->count, 1);
    peer.body_bytes = 0;
    end_watches(quiet);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_end_of_an_answer_does_not_wait_for_more_to_come),
        TEST(nor_behind_one_that_is_given_up),
        TEST(an_answer_whose_end_is_missed_is_whole_by_what_the_caller_says),
        TEST(a_large_body_goes_on_when_the_server_lets_it),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
