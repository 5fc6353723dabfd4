#include "grpc/frame.h"

#include "base/gunzip.h"

int frame_begin(struct buf *out, size_t n, struct err *err) {
    const unsigned char prefix[GRPC_FRAME_BYTES] = {0, (unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
                                                    (unsigned char)n};
    return buf_append(out, prefix, sizeof prefix, err);
}

static int unpack(struct str packed, struct buf *out, struct err *err) {
    int rc = gunzip(packed, out, err);
    if (rc == ERR_LIMIT) return err_prefix(err, "unpacked, the answer is too large");
    return rc ? err_prefix(err, "the answer says that it is gzip") : 0;
}

int frame_open(struct str body, struct str encoding, struct buf *unpacked, struct str *message, struct err *err) {
    const unsigned char *p = (const unsigned char *)body.p;
    if (body.n < GRPC_FRAME_BYTES) return err_set(err, ERR_SERVER, "the answer has no message, but %zu bytes", body.n);
    size_t n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4], there = body.n - GRPC_FRAME_BYTES;
    if (there < n) return err_set(err, ERR_SERVER, "the answer was cut: %zu of %zu bytes of its message came", there, n);
    if (there > n) return err_set(err, ERR_SERVER, "the answer has %zu bytes after its message, where one message is expected", there - n);
    if (p[0] > 1) return err_set(err, ERR_SERVER, "the answer begins with the flag %u, which has no meaning", p[0]);
    *message = (struct str){body.p + GRPC_FRAME_BYTES, n};
    if (p[0] == 0) return 0;
    if (!str_is(encoding, "gzip"))
        return err_set(err, ERR_UNSUPPORTED, "the answer is packed by \"" STR_FMT "\", only gzip is understood", STR_ARG(encoding));
    int rc = unpack(*message, unpacked, err);
    *message = (struct str){unpacked->data, unpacked->len};
    return rc;
}
