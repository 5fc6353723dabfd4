/*
 * h2_peer: the other end of a connection by HTTP/2 (RFC 9113), for tls_server.talk: as much of the protocol as the tests' clients speak.
 *
 * The first requests are watches on which nothing happens. Of the others it answers the headers at once, and the bodies together when the
 * test says so, all of them in one write.
 */
#ifndef SPEC_NET_H2_PEER_H
#define SPEC_NET_H2_PEER_H

#include "net/tls_server.h"

#include <semaphore.h>

enum {
    QUIET = 3, /* watches, opened first */
    MOST = 2,  /* lists asked for at a time */
    FRAME_HEADER_BYTES = 9,
    FRAME_BYTES = 16384,
    PREFACE_BYTES = 24,
    FIRST_WINDOW_BYTES = 65535,
};

enum h2_frame_type { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_SETTINGS = 4, FRAME_WINDOW_UPDATE = 8 };
enum h2_frame_flag { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4 };

struct h2_frame {
    uint32_t size, stream;
    uint8_t type, flags;
};

/* What the server's thread and the test tell each other. */
struct h2_peer {
    int lists;        /* answered together */
    const char *body; /* NULL: zeros */
    size_t frame_bytes;
    size_t body_bytes;
    sem_t asked, go, sent;
    int watches; /* opened */
    int waiting;
    uint32_t streams[MOST]; /* of the lists that wait */
};

static inline bool read_all(SSL *ssl, void *out, size_t size) {
    size_t n = 0;
    for (size_t at = 0; at < size; at += n) {
        if (SSL_read_ex(ssl, (char *)out + at, size - at, &n) != 1) return false;
    }
    return true;
}

static inline bool read_frame(SSL *ssl, struct h2_frame *f) {
    uint8_t h[FRAME_HEADER_BYTES], skipped[FRAME_BYTES];
    if (!read_all(ssl, h, sizeof h)) return false;
    *f = (struct h2_frame){.size = (uint32_t)h[0] << 16 | (uint32_t)h[1] << 8 | h[2],
                           .type = h[3],
                           .flags = h[4],
                           .stream = (uint32_t)h[5] << 24 | (uint32_t)h[6] << 16 | (uint32_t)h[7] << 8 | h[8]};
    return f->size <= sizeof skipped && (!f->size || read_all(ssl, skipped, f->size));
}

static inline void put_frame(struct buf *out, enum h2_frame_type type, int flags, uint32_t stream, struct str payload) {
    const char header[FRAME_HEADER_BYTES] = {(char)(payload.n >> 16), (char)(payload.n >> 8), (char)payload.n,     (char)type,  (char)flags,
                                             (char)(stream >> 24),    (char)(stream >> 16),   (char)(stream >> 8), (char)stream};
    if (buf_append(out, header, sizeof header, NULL) || buf_append(out, payload.p, payload.n, NULL)) abort();
}

/* RFC 7541, appendix A: index 8 is ":status: 200". */
static inline void put_status_200(struct buf *out, uint32_t stream) {
    put_frame(out, FRAME_HEADERS, FLAG_END_HEADERS, stream, STR("\x88"));
}

static inline void put_body(struct buf *out, uint32_t stream, const struct h2_peer *p) {
    static const char zeros[FRAME_BYTES];
    for (size_t at = 0, n; at < p->body_bytes; at += n) {
        n = p->body_bytes - at < p->frame_bytes ? p->body_bytes - at : p->frame_bytes;
        const struct str payload = {p->body ? p->body + at : zeros, n};
        put_frame(out, FRAME_DATA, at + n == p->body_bytes ? FLAG_END_STREAM : 0, stream, payload);
    }
}

static inline void flush(SSL *ssl, struct buf *out) {
    if (out->len) (void)SSL_write(ssl, out->data, (int)out->len);
    buf_clear(out);
}

/* A whole connection: calls back for each frame but those of the connection itself; what is put into `out` is sent then. */
static inline void h2_serve(SSL *ssl, void (*on_frame)(SSL *ssl, const struct h2_frame *f, struct buf *out, struct h2_peer *p),
                            struct h2_peer *p) {
    struct h2_frame f;
    struct buf out = buf_new(SIZE_MAX / 2);
    char preface[PREFACE_BYTES];
    put_frame(&out, FRAME_SETTINGS, 0, 0, (struct str){0});
    bool open = read_all(ssl, preface, sizeof preface);
    flush(ssl, &out);
    while (open && read_frame(ssl, &f)) {
        if (f.type == FRAME_SETTINGS && f.flags != FLAG_ACK) put_frame(&out, FRAME_SETTINGS, FLAG_ACK, 0, (struct str){0});
        on_frame(ssl, &f, &out, p);
        flush(ssl, &out);
    }
    buf_free(&out);
}

static inline void answer_lists(SSL *ssl, struct buf *out, struct h2_peer *p) {
    for (int i = 0; i < p->waiting; i++) put_status_200(out, p->streams[i]);
    flush(ssl, out);
    (void)sem_post(&p->asked);
    (void)sem_wait(&p->go);
    for (int i = 0; i < p->waiting; i++) put_body(out, p->streams[i], p);
    flush(ssl, out);
    p->waiting = 0;
    (void)sem_post(&p->sent);
}

static inline void on_request(SSL *ssl, const struct h2_frame *f, struct buf *out, struct h2_peer *p) {
    if (f->type != FRAME_HEADERS) return;
    if (p->watches < QUIET) {
        p->watches++;
        put_status_200(out, f->stream);
        return;
    }
    p->streams[p->waiting++] = f->stream;
    if (p->waiting == p->lists) answer_lists(ssl, out, p);
}

static inline void h2_talk(SSL *ssl, void *arg) { h2_serve(ssl, on_request, arg); }

static inline void h2_peer_init(struct h2_peer *p) {
    *p = (struct h2_peer){.lists = 1, .frame_bytes = FRAME_BYTES};
    (void)sem_init(&p->asked, 0, 0), (void)sem_init(&p->go, 0, 0), (void)sem_init(&p->sent, 0, 0);
}

/* What was asked is answered, and all of it has arrived before the client looks. */
static inline void h2_peer_answer(struct h2_peer *p) {
    while (sem_trywait(&p->asked)) turn(1);
    turn(5);
    (void)sem_post(&p->go);
    (void)sem_wait(&p->sent);
}

#endif
