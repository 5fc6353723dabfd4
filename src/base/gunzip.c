#include "base/gunzip.h"

#include <stdint.h>
#include <zlib.h>

enum {
    PIECE_BYTES = 16 << 10,
    GZIP_ONLY = 16 + MAX_WBITS, /* inflateInit2: a gzip header is wanted */
};

static int inflate_all(z_stream *z, struct buf *out, struct err *err) {
    unsigned char piece[PIECE_BYTES];
    int state = Z_OK;
    while (state == Z_OK) {
        z->next_out = piece;
        z->avail_out = sizeof piece;
        state = inflate(z, Z_NO_FLUSH); /* Z_BUF_ERROR: all was read, and its end is missing */
        int rc = buf_append(out, piece, sizeof piece - z->avail_out, err);
        if (rc) return rc;
    }
    if (state == Z_STREAM_END && z->avail_in == 0) return 0;
    return state == Z_MEM_ERROR ? err_set(err, ERR_NOMEM, "no memory to unpack") : err_set(err, ERR_SYNTAX, "it is not gzip, or cut off");
}

int gunzip(struct str packed, struct buf *out, struct err *err) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n};
    if (inflateInit2(&z, GZIP_ONLY) != Z_OK) return err_set(err, ERR_NOMEM, "no memory to unpack");
    int rc = inflate_all(&z, out, err);
    (void)inflateEnd(&z);
    return rc;
}
