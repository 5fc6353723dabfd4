/*
 * json_skip: finds the end of a value without reading it, from text in pieces of any size.
 *
 * The decoder skips with it what the projection drops, and the streams find with it the end of an item that a chunk cuts in two:
 * the state goes from piece to piece, so that every byte is looked at once. It checks that strings have no control characters, the
 * depth, and at the end that as many brackets open as close: not before, as then the cuts would decide. UTF-8 is left to the caller,
 * whom has_high tells.
 */
#ifndef DOC_JSON_SKIP_H
#define DOC_JSON_SKIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum json_skip_step { SKIP_DONE, SKIP_MORE, SKIP_UNBALANCED, SKIP_CONTROL, SKIP_DEEP };

struct json_skip {
    enum { SKIP_FRESH, SKIP_INSIDE, SKIP_STRING, SKIP_SCALAR } kind; /* what the value is, once its first byte is seen */
    bool in_string;
    bool escaped;  /* the next byte is behind a backslash */
    bool has_high; /* a byte beyond ASCII was seen */
    int depth;     /* open braces and brackets */
    int brackets;  /* of these, brackets */
    int max_depth;
};

/* For one value, of at most this depth. */
struct json_skip json_skip_new(int max_depth);

/* Goes on with `text`. SKIP_DONE: the value ended with *used bytes of it. SKIP_MORE: all of it was looked at. A number at the outermost
 * level ends before the first byte that cannot belong to it. */
enum json_skip_step json_skip_feed(struct json_skip *s, struct str text, size_t *used);

/* Whether it is one value, with nothing but space around it. A number that nothing follows may go on. */
bool json_is_whole(struct str text);

#endif
