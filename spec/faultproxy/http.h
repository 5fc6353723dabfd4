/*
 * http: where a message of HTTP/1.1 ends, and what its head says (RFC 9112). Bytes come in pieces of any size.
 */
#ifndef FAULTPROXY_HTTP_H
#define FAULTPROXY_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Length of the head at the start of `bytes`, its empty line included; 0: it is not whole yet. */
size_t http_head_len(struct str bytes);

/* The three words of its first line: method, target, version or version, status, reason (which may be of several words). */
bool http_start(struct str head, struct str words[3]);

/* The value of a header; absent where there is none. `name` in any case. */
struct str http_field(struct str head, const char *name);

/* Whether the header line that starts `line` has that name. */
bool http_field_is(struct str line, const char *name);

struct http_body {
    enum { BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_END } framing;
    enum { CHUNK_SIZE, CHUNK_REST_OF_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER } part; /* of a chunked one */
    uint64_t left;                                                                           /* bytes of the body, or of this chunk */
    unsigned line_len;                                                                       /* of this trailer line */
    bool whole;
    bool broken; /* it is no message of HTTP/1.1 */
};

/* of_request: without a length it is empty; an answer goes on until the connection ends (RFC 9112 6.3). */
void http_body_begin(struct http_body *body, struct str head, bool of_request);

/* Takes bytes up to a border and returns how many; `content` is what of them is content, perhaps nothing. Call it until all are taken or it
 * is whole. */
size_t http_body_take(struct http_body *body, struct str bytes, struct str *content);

#endif
