/*
 * Shared by list.c and watch.c: a stream fed in one piece and in pieces that the input chooses hands over the same.
 */
#ifndef SPEC_FUZZ_STREAM_H
#define SPEC_FUZZ_STREAM_H

#include "fuzz.h"

#include "doc/stream.h"

/* What was handed over, as text, and how it ended. */
struct stream_outcome {
    struct buf seen;
    int rc;
    struct err err;
};

static inline void stream_note(struct buf *seen, const char *before, struct doc *doc) {
    if (buf_puts(seen, before, NULL) || json_write(doc_root(doc), JSON_COMPACT, seen, NULL) || buf_puts(seen, "\n", NULL)) abort();
}

/* Each piece is a block of its own, so that the sanitizer sees a read past its end. Seed 0: one piece. */
static inline int stream_feed(int (*feed)(void *reader, struct str chunk, struct err *err), void *reader, struct str text, uint32_t seed,
                              struct err *err) {
    int rc = 0;
    for (size_t at = 0, n; !rc && at < text.n; at += n) {
        seed = seed * 1664525u + (seed ? 1013904223u : 0);
        n = seed ? 1 + (seed >> 28 ? (seed >> 24) % 8 : (seed >> 16) % 256) : text.n;
        if (n > text.n - at) n = text.n - at;
        char *piece = malloc(n);
        if (!piece) abort();
        memcpy(piece, text.p + at, n);
        rc = feed(reader, (struct str){piece, n}, err);
        free(piece);
    }
    return rc;
}

typedef void (*stream_reading)(struct str text, const struct projection *p, uint32_t seed, struct stream_outcome *out);

static inline void stream_check(stream_reading read, const uint8_t *data, size_t size) {
    struct str text = fuzz_input(data, size);
    const struct projection *p = fuzz_projection(fuzz_choice(&text, FUZZ_PROJECTIONS));
    uint32_t seed = 1 + fuzz_choice(&text, 255);
    struct stream_outcome whole = {buf_new(FUZZ_MAX_TEXT), 0, {0}}, pieces = whole;
    read(text, p, 0, &whole);
    read(text, p, seed, &pieces);
    /* Of several faults another may show first, as a piece is only read once it is whole. */
    FUZZ_CHECK(!whole.rc == !pieces.rc, "%s / %s", whole.err.msg, pieces.err.msg);
    FUZZ_CHECK(!whole.rc || whole.err.msg[0], "refused without a reason");
    FUZZ_CHECK(str_eq((struct str){whole.seen.data, whole.seen.len}, (struct str){pieces.seen.data, pieces.seen.len}), "%s / %s",
               whole.seen.data, pieces.seen.data);
    buf_free(&whole.seen);
    buf_free(&pieces.seen);
}

#endif
