/*
 * json_reader: the decoder's parts, shared by json and stream. For the files of this folder only.
 *
 * Every reading function returns true and moves p past what it read, or returns false: then either `more` is set (the text
 * ended and is not final) or the builder failed.
 */
#ifndef DOC_JSON_READER_H
#define DOC_JSON_READER_H

#include "doc/builder_internal.h"
#include "doc/json.h"
#include "doc/json_scan.h"
#include "doc/projection_internal.h"

struct json_reader {
    const char *p;
    const char *end;
    struct doc_builder *b;
    bool final; /* nothing comes after `end` */
    bool more;
    bool is_object;               /* the value is a whole Kubernetes object: its apiVersion and kind become atoms */
    struct str api_version, kind; /* given to the outermost object where it has none; empty: leave it as it is */
};

/* One value, into the builder, or nowhere when node is NULL. */
bool json_value(struct json_reader *r, const struct projection_node *node);

/* Moves p past white space to a byte that is there. */
bool json_space(struct json_reader *r);

/* json_read_value with a reader that has been set up for `text`. */
enum json_step json_run(struct json_reader *r, struct str text, const struct projection_node *node, size_t *used);

/* White space and then this byte. */
bool json_expect(struct json_reader *r, char c);

/* The rest of a string with more to it than ASCII: `p` is where its first special byte is. */
bool json_string_rest(struct json_reader *r, const char *p, struct str *out);

/* The string whose opening quote is at p. `out` lies in the text or in the builder's scratch: until the next string. */
static inline bool json_string(struct json_reader *r, struct str *out) {
    const char *start = r->p + 1, *p = json_find_special(start, r->end);
    if (p == r->end || *p != '"') return json_string_rest(r, p, out);
    *out = (struct str){start, (size_t)(p - start)};
    r->p = p + 1;
    return true;
}

/* The number at p, into the builder unless `skip`. */
bool json_number(struct json_reader *r, bool skip);

/* Calls it a syntax error at p; returns false. */
bool json_fail(struct json_reader *r, const char *what);

/* The text ends at p: more is wanted, or it is an error; returns false. */
bool json_cut(struct json_reader *r);

/* Bytes of the UTF-8 sequence at p (RFC 3629), 0 when it is bad, SIZE_MAX when `end` cuts off what may be a good one. */
size_t json_utf8_len(const char *p, const char *end);

bool json_is_utf8(struct str text);

#endif
