/*
 * document: documents from text, for the tests of operator.
 */
#ifndef SPEC_OPERATOR_DOCUMENT_H
#define SPEC_OPERATOR_DOCUMENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "doc/json.h"

/* The document of a JSON text (printf); the caller's. */
__attribute__((format(printf, 1, 2))) static inline struct doc *document(const char *format, ...) {
    char text[8192];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof text);
    struct doc_builder *b = doc_builder_new();
    struct err err = {0};
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    doc_builder_free(b);
    if (!doc) fail_msg("%s in %s", err.msg, text);
    return doc;
}

/* Asserts that `have` is the value of this JSON text, whatever the order of its keys. */
static inline void assert_document(struct doc_value have, const char *text) {
    struct doc *want = document("%s", text);
    struct buf b = buf_new(1 << 20);
    struct err err;
    if (!doc_equal(have, doc_root(want))) {
        if (json_write(have, JSON_COMPACT, &b, &err)) fail_msg("not %s", text);
        fail_msg("%s is not %s", b.data, text);
    }
    buf_free(&b);
    doc_unref(want);
}

static inline void assert_str(struct str have, const char *want) {
    if (!str_is(have, want)) fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(have), want);
}

#endif
