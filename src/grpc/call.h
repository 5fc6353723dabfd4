/*
 * call: one unary gRPC call, over the one HTTP client.
 *
 * The operator asks K8sGPT engines and custom analyzers this way. A call ends by its deadline, whatever the peer does; what comes back is
 * bounded; and an answer counts only when it is whole: HTTP 200, gRPC's content type, one message, and a status after it. Wire:
 * gRPC over HTTP2 (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md).
 */
#ifndef GRPC_CALL_H
#define GRPC_CALL_H

#include "doc/doc.h"
#include "grpc/message.h"
#include "grpc/status.h"
#include "net/http_client.h"

struct grpc_call;

struct grpc_answer {
    /*
     * ERR_NONE, or one line: "Analyze at 10.0.0.1:8080: UNKNOWN: exhausted API quota". The code of a status: grpc_status_code; of a peer
     * that broke off, kept silent or answered too much: as http_client; ERR_SERVER: an answer that is none, ERR_UNSUPPORTED also of a peer
     * that does not speak gRPC or has no such method.
     */
    struct err err;
    bool retry;             /* worth asking again later */
    int status;             /* the peer's, GRPC_STATUS_ABSENT: it gave none */
    struct message message; /* of a good answer; released after `done`: who takes it leaves an empty one */
    int64_t duration_us;
};

struct grpc_request {
    const char *target; /* "http://HOST:PORT" or "https://HOST:PORT" */
    const struct grpc_method *method;
    struct doc_value message;                            /* absent: an empty one */
    const struct http_tls *tls;                          /* of https; borrowed until the call is done; NULL: defaults */
    int64_t timeout_ms;                                  /* of the whole call, > 0; the peer is told */
    size_t max_bytes;                                    /* of an answer, unpacked; 0: 4 MiB, as most gRPC clients have it */
    void (*done)(struct grpc_answer *answer, void *arg); /* once, never from within grpc_send */
    void *arg;
};

/* NULL with *err when it cannot be sent (ERR_INVALID: the target or the message); `done` is not called then. */
struct grpc_call *grpc_send(struct http_client *client, const struct grpc_request *request, struct err *err) ERR_MUST_CHECK;

/* `done` is called with ERR_CANCELLED, from the loop. */
void grpc_cancel(struct grpc_call *call);

/* Nobody wants the answer any more: cancels, and `done` is not called. NULL: nothing. */
void grpc_drop(struct grpc_call *call);

#endif
