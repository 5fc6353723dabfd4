/*
 * random_json: random JSON text from a seed, for the property tests of doc.
 *
 * Names come from a small set, so that projections hit and objects share keys; texts hold escapes, characters of every UTF-8 length
 * and what looks like structure.
 */
#ifndef DOC_RANDOM_JSON_H
#define DOC_RANDOM_JSON_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

enum { RANDOM_NAMES = 8 };
static const char *const random_names[RANDOM_NAMES] = {"a",           "b",           "c.d/e",         "metadata",
                                                       "annotations", "k8sgpt.ai/x", "managedFields", "long-name-over-sixteen-bytes"};

static inline unsigned random_below(unsigned n) { return (unsigned)rand() % n; }

static inline void random_puts(struct buf *out, const char *text) {
    if (buf_puts(out, text, NULL)) abort();
}

static inline void random_string(struct buf *out) {
    static const char *const parts[] = {"a",
                                        "0123456789abcdef",
                                        "\\\"",
                                        "\\\\",
                                        "\\/",
                                        "\\n\\t\\b\\f\\r",
                                        "\\u00e9",
                                        "\\ud83d\\ude00",
                                        "{[",
                                        "]}",
                                        ",:",
                                        "\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        " ",
                                        "\x7f"};
    random_puts(out, "\"");
    for (unsigned n = random_below(random_below(10) ? 6 : 60); n; n--) random_puts(out, parts[random_below(sizeof parts / sizeof *parts)]);
    random_puts(out, "\"");
}

static inline void random_scalar(struct buf *out) {
    static const char *const scalars[] = {"null",       "true",       "false",      "0",   "-1",      "134217727", "134217728",
                                          "-134217728", "-134217729", "2147483648", "0.5", "-2.25e3", "1E-2",      "123456789.125"};
    if (random_below(3) == 0)
        random_string(out);
    else
        random_puts(out, scalars[random_below(sizeof scalars / sizeof *scalars)]);
}

static inline void random_space(struct buf *out) {
    static const char *const spaces[] = {"", "", "", "", " ", "\n", "\t ", "\r\n"};
    random_puts(out, spaces[random_below(8)]);
}

static inline void random_value(struct buf *out, int depth);

/* Names without repetition: a walk through the set from a random start. */
static inline void random_object(struct buf *out, int depth) {
    unsigned start = random_below(RANDOM_NAMES), n = random_below(RANDOM_NAMES);
    random_puts(out, "{");
    random_space(out);
    for (unsigned i = 0; i < n; i++) {
        if (i) random_puts(out, ",");
        random_space(out);
        random_puts(out, "\"");
        random_puts(out, random_names[(start + i) % RANDOM_NAMES]);
        random_puts(out, "\"");
        random_space(out);
        random_puts(out, ":");
        random_value(out, depth - 1);
    }
    random_puts(out, "}");
}

static inline void random_array(struct buf *out, int depth) {
    unsigned n = random_below(5);
    random_puts(out, "[");
    for (unsigned i = 0; i < n; i++) {
        if (i) random_puts(out, ",");
        random_value(out, depth - 1);
    }
    random_space(out);
    random_puts(out, "]");
}

static inline void random_value(struct buf *out, int depth) {
    random_space(out);
    unsigned kind = depth > 0 ? random_below(4) : 3;
    if (kind < 2)
        random_object(out, depth);
    else if (kind == 2)
        random_array(out, depth);
    else
        random_scalar(out);
    random_space(out);
}

/* A text of its own, with one value; the caller frees the buffer. */
static inline struct buf random_json(int depth) {
    struct buf out = buf_new(16 * 1024 * 1024);
    random_object(&out, depth);
    return out;
}

#endif
