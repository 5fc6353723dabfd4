/*
 * buf: a byte buffer that grows up to a limit fixed at birth.
 *
 * Everything that collects bytes from outside (an HTTP body, a watch line, a policy file) collects them in a buf, so that no
 * peer can make the process grow without bound: an append past the limit fails with ERR_LIMIT and leaves the buffer as it was.
 * Used by net, doc and script; knows nothing of them.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/err.h"

struct buf {
    char *data;       /* NUL-terminated once anything was appended; owned */
    size_t len;       /* bytes in use, without the NUL */
    size_t cap;       /* bytes allocated */
    size_t max_bytes; /* limit of len */
};

/* An empty buffer that may hold at most max_bytes; allocates nothing. Release with buf_free. */
struct buf buf_new(size_t max_bytes);

/* Appends n bytes. ERR_LIMIT past max_bytes, ERR_NOMEM without memory; on error the buffer is unchanged. */
int buf_append(struct buf *b, const void *bytes, size_t n, struct err *err) ERR_MUST_CHECK;

/* Appends a C string, and a formatted one; as buf_append. */
int buf_puts(struct buf *b, const char *text, struct err *err) ERR_MUST_CHECK;
int buf_printf(struct buf *b, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4))) ERR_MUST_CHECK;

/* Forgets the content and keeps the memory. */
void buf_clear(struct buf *b);

/* Drops the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);

/* Hands the bytes over (len in *len_out, may be NULL) and empties the buffer. The caller frees them; NULL when empty. */
char *buf_take(struct buf *b, size_t *len_out);

/* Releases the bytes; the buffer is empty and usable again. */
void buf_free(struct buf *b);

#endif
