/*
 * json: JSON text (RFC 8259) to documents and back.
 *
 * The decoder reads contiguous text in one pass and drops what the projection does not keep while it reads. It refuses what
 * RFC 8259 refuses: bad UTF-8, lone surrogates, control characters in strings, numbers with leading zeros, trailing text; and
 * depth over DOC_MAX_DEPTH. Skipped parts are checked for balance and strings, not for every rule. An integer outside int64, or a
 * number with fraction or exponent, becomes a double.
 */
#ifndef DOC_JSON_H
#define DOC_JSON_H

#include "base/buf.h"
#include "doc/builder.h"
#include "doc/projection.h"

/* The whole of `text` is one value. p NULL: keep everything. NULL with *err ("line 3: …") otherwise. */
struct doc *json_decode(struct doc_builder *b, struct str text, const struct projection *p, struct err *err) ERR_MUST_CHECK;

enum json_step { JSON_DONE, JSON_MORE, JSON_FAILED };

/*
 * Reads one value from the start of `text` into b (no finish). JSON_DONE: *used bytes were the value. JSON_MORE: the text ends
 * inside the value; b is reset, and the caller comes back with more text from the same start. JSON_FAILED: b holds the error.
 */
enum json_step json_read_value(struct doc_builder *b, struct str text, const struct projection_node *node, size_t *used) ERR_MUST_CHECK;

enum json_style {
    JSON_COMPACT,
    JSON_PRETTY,     /* two spaces, a newline at the end */
    JSON_GO_COMPACT, /* compact, with <, >, &, U+2028 and U+2029 escaped as Go's encoding/json does */
};

/* Appends the text of a value. Doubles in the shortest form that reads back; NaN and infinities are ERR_INVALID. */
int json_write(struct doc_value v, enum json_style style, struct buf *out, struct err *err) ERR_MUST_CHECK;

/* Appends `text` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
int json_write_str(struct str text, enum json_style style, struct buf *out, struct err *err) ERR_MUST_CHECK;

#endif
