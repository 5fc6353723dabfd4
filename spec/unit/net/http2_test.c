/* Many requests on one connection of HTTP/2 (RFC 9113): none waits for another, and each comes to its end. */
#include "tls_server.h"

#include <semaphore.h>

enum {
    QUIET = 3, /* watches, opened first */
    MOST = 2,  /* lists asked for at a time */
    FRAME_HEADER_BYTES = 9,
    FRAME_BYTES = 16384,
    BODY_BYTES = 256 << 10,
    PREFACE_BYTES = 24,
    FIRST_WINDOW_BYTES = 65535,
};

enum frame_type { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_SETTINGS = 4, FRAME_WINDOW_UPDATE = 8 };
enum frame_flag { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4 };

struct frame {
    uint32_t size, stream;
    uint8_t type, flags;
};

/* What the server's thread and the test tell each other. */
struct peer {
    int lists; /* answered together */
    size_t frame_bytes;
    size_t body_bytes;
    sem_t asked, go, sent;
};

static struct identity ca, api;
static struct http_tls trust;
static struct tls_server *server;
static struct peer peer;

static bool read_all(SSL *ssl, void *out, size_t size) {
    size_t n = 0;
    for (size_t at = 0; at < size; at += n) {
        if (SSL_read_ex(ssl, (char *)out + at, size - at, &n) != 1) return false;
    }
    return true;
}

static bool read_frame(SSL *ssl, struct frame *f) {
    uint8_t h[FRAME_HEADER_BYTES], skipped[FRAME_BYTES];
    if (!read_all(ssl, h, sizeof h)) return false;
    *f = (struct frame){.size = (uint32_t)h[0] << 16 | (uint32_t)h[1] << 8 | h[2],
                        .type = h[3],
                        .flags = h[4],
                        .stream = (uint32_t)h[5] << 24 | (uint32_t)h[6] << 16 | (uint32_t)h[7] << 8 | h[8]};
    return f->size <= sizeof skipped && (!f->size || read_all(ssl, skipped, f->size));
}

static void put_frame(struct buf *out, enum frame_type type, int flags, uint32_t stream, struct str payload) {
    const char header[FRAME_HEADER_BYTES] = {(char)(payload.n >> 16), (char)(payload.n >> 8), (char)payload.n,     (char)type,  (char)flags,
                                             (char)(stream >> 24),    (char)(stream >> 16),   (char)(stream >> 8), (char)stream};
    if (buf_append(out, header, sizeof header, NULL) || buf_append(out, payload.p, payload.n, NULL)) abort();
}

/* RFC 7541, appendix A: index 8 is ":status: 200". */
static void put_status_200(struct buf *out, uint32_t stream) { put_frame(out, FRAME_HEADERS, FLAG_END_HEADERS, stream, STR("\x88")); }

static void put_body(struct buf *out, uint32_t stream, size_t bytes, size_t frame_bytes) {
    static const char body[FRAME_BYTES];
    for (size_t n; bytes; bytes -= n) {
        n = bytes < frame_bytes ? bytes : frame_bytes;
        put_frame(out, FRAME_DATA, n == bytes ? FLAG_END_STREAM : 0, stream, (struct str){body, n});
    }
}

static void flush(SSL *ssl, struct buf *out) {
    if (out->len) (void)SSL_write(ssl, out->data, (int)out->len);
    buf_clear(out);
}

/* The first requests are watches on which nothing happens; the others get a body each, all of it in one go. */
static void talk(SSL *ssl, void *arg) {
    struct peer *p = arg;
    struct frame f;
    struct buf out = buf_new(SIZE_MAX / 2);
    uint32_t asked[MOST];
    char preface[PREFACE_BYTES];
    int watches = 0, lists = 0;
    put_frame(&out, FRAME_SETTINGS, 0, 0, (struct str){0});
    bool open = read_all(ssl, preface, sizeof preface);
    while (open) {
        flush(ssl, &out);
        open = read_frame(ssl, &f);
        if (open && f.type == FRAME_SETTINGS && f.flags != FLAG_ACK) put_frame(&out, FRAME_SETTINGS, FLAG_ACK, 0, (struct str){0});
        if (!open || f.type != FRAME_HEADERS) continue;
        if (watches < QUIET) {
            watches++;
            put_status_200(&out, f.stream);
            continue;
        }
        asked[lists++] = f.stream;
        if (lists < p->lists) continue;
        for (int i = 0; i < lists; i++) put_status_200(&out, asked[i]);
        flush(ssl, &out);
        (void)sem_post(&p->asked);
        (void)sem_wait(&p->go);
        for (int i = 0; i < lists; i++) put_body(&out, asked[i], p->body_bytes, p->frame_bytes);
        flush(ssl, &out);
        lists = 0;
        (void)sem_post(&p->sent);
    }
    buf_free(&out);
}

static void put_window(struct buf *out, uint32_t stream, uint32_t bytes) {
    const char more[] = {(char)(bytes >> 24), (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};
    put_frame(out, FRAME_WINDOW_UPDATE, 0, stream, (struct str){more, sizeof more});
}

/* Takes in bodies, and lets more of them come only once all that may come is here: RFC 9113 6.9.2 begins with 65,535 bytes. */
static void take_bodies(SSL *ssl, void *arg) {
    struct peer *p = arg;
    struct frame f;
    struct buf out = buf_new(SIZE_MAX / 2);
    char preface[PREFACE_BYTES];
    uint32_t window = FIRST_WINDOW_BYTES;
    put_frame(&out, FRAME_SETTINGS, 0, 0, (struct str){0});
    bool open = read_all(ssl, preface, sizeof preface);
    while (open) {
        flush(ssl, &out);
        open = read_frame(ssl, &f);
        if (open && f.type == FRAME_SETTINGS && f.flags != FLAG_ACK) put_frame(&out, FRAME_SETTINGS, FLAG_ACK, 0, (struct str){0});
        if (!open || f.type != FRAME_DATA) continue;
        p->body_bytes += f.size;
        window -= f.size;
        if (f.flags & FLAG_END_STREAM) put_status_200(&out, f.stream), put_body(&out, f.stream, 1, 1);
        if (window) continue;
        window = FIRST_WINDOW_BYTES;
        put_window(&out, 0, window), put_window(&out, f.stream, window);
    }
    buf_free(&out);
}

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
    peer = (struct peer){.frame_bytes = FRAME_BYTES};
    (void)sem_init(&peer.asked, 0, 0), (void)sem_init(&peer.go, 0, 0), (void)sem_init(&peer.sent, 0, 0);
    server = tls_server_new(&api, NULL);
    server->talk = talk;
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

/* What was asked is answered, and all of it has arrived before the client looks. */
static void let_answers_come(void) {
    while (sem_trywait(&peer.asked)) turn(1);
    turn(5);
    (void)sem_post(&peer.go);
    (void)sem_wait(&peer.sent);
}

static void expect_whole(struct got *g) {
    if (!loop_run_until(loop, &g->done, WAIT_MS / 10)) fail_msg("%zu of %zu bytes", g->chunks.len, peer.body_bytes);
    assert_int_equal(g->err.code, 0);
    assert_int_equal(g->chunks.len, peer.body_bytes);
}

/*
 * libcurl 7.88 stops reading a connection when the buffer of one of its requests is full, and goes on with what it has read already only
 * once more comes: a body that fills the buffer while another request is looked after.
 */
static void the_end_of_an_answer_does_not_wait_for_more_to_come(void **state) {
    (void)state;
    struct got quiet[QUIET], list;
    peer.lists = 1;
    open_watches(quiet);
    for (peer.body_bytes = 1000; peer.body_bytes < BODY_BYTES; peer.body_bytes += 5000) {
        ask(&list);
        let_answers_come();
        expect_whole(&list);
        got_free(&list);
    }
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
        let_answers_come();
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
    struct got quiet[QUIET], list;
    peer.lists = 1;
    peer.frame_bytes = SMALL_FRAME_BYTES;
    open_watches(quiet);
    for (size_t frames = 0; frames < FRAMES; frames++) {
        peer.body_bytes = frames * SMALL_FRAME_BYTES + LAST_BYTES;
        ask(&list);
        let_answers_come();
        expect_whole(&list);
        assert_int_equal(list.status, 200);
        got_free(&list);
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
