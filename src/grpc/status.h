/*
 * status: what a gRPC server says of a call: its status code and message, as the project's errors.
 *
 * For grpc/call, and through it for those that call. Codes and their meanings: grpc.io, "Status codes".
 */
#ifndef GRPC_STATUS_H
#define GRPC_STATUS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum {
    GRPC_STATUS_ABSENT = -1,
    GRPC_STATUS_OK = 0,
    GRPC_STATUS_UNKNOWN = 2,
    GRPC_STATUS_UNIMPLEMENTED = 12,
    GRPC_STATUS_UNAVAILABLE = 14,
    GRPC_STATUS_UNAUTHENTICATED = 16, /* the highest there is */
};

/* "UNAVAILABLE"; "status 99" for one that is not defined is "UNKNOWN", as the specification wants it read. */
const char *grpc_status_name(int status);

/* What stands for a status that is not OK. */
enum err_code grpc_status_code(int status);

/* The status that an HTTP answer without a grpc-status amounts to (gRPC, "HTTP to gRPC Status Code Mapping"). */
int grpc_status_of_http(int http_status);

/* True when the same call may succeed later without anybody changing it, or the server. */
bool grpc_may_retry(enum err_code code);

/*
 * A grpc-message is percent-encoded UTF-8 of any length. Here it becomes one line of text that fits: `out` (size bytes, NUL included).
 * Control characters become spaces, bytes that are not UTF-8 question marks; escapes that are none stay as they are.
 */
void grpc_message_decode(struct str encoded, char *out, size_t size);

#endif
