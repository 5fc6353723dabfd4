/* Bodies of gRPC answers: whatever comes is a message, or an error that says what is wrong, within the limits. The first byte chooses the
 * method. */
#include "fuzz.h"

#include "grpc/frame.h"
#include "grpc/message.h"

enum { MAX_UNPACKED_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const METHODS[] = {"Analyze", "Query", "Run", "ListIntegrations"};
    if (size == 0) return 0;
    const struct grpc_method *method = grpc_method(str_of(METHODS[data[0] % 4]));
    struct str body = {(const char *)data + 1, size - 1}, bytes;
    struct buf unpacked = buf_new(MAX_UNPACKED_BYTES);
    struct message m = {0};
    struct err err = {0};
    int rc = frame_open(body, STR("gzip"), &unpacked, &bytes, &err);
    if (!rc) rc = message_unpack(method, bytes, &m, &err);
    FUZZ_CHECK(rc == (int)err.code && (!rc || err.msg[0]), "%d, but %d: %s", rc, (int)err.code, err.msg);
    FUZZ_CHECK(!rc == (m.head != NULL), "a message beside an error, or none without");
    message_free(&m);
    buf_free(&unpacked);
    return 0;
}
