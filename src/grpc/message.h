/*
 * message: protobuf messages as documents, and documents as messages.
 *
 * The messages are those of proto/k8sgpt.proto; names are those of protobuf's JSON form (parent_object is parentObject). For grpc/call
 * alone. What comes from a peer is bounded: by what may be allocated for one message, and by what a document may hold.
 */
#ifndef GRPC_MESSAGE_H
#define GRPC_MESSAGE_H

#include "base/buf.h"
#include "doc/doc.h"

/* One method of a service: what goes in, what comes out. */
struct grpc_method {
    const char *path; /* "/schema.v1.ServerAnalyzerService/Analyze" */
    const char *name; /* "Analyze" */
    const struct ProtobufCMessageDescriptor *request, *response;
    const char *items; /* the repeated message of the answer that is handed out one by one, as there may be many; NULL: none */
};

/* NULL: there is none of that name ("Analyze"). */
const struct grpc_method *grpc_method(struct str name);

/* Appends the request that `v` describes (absent: an empty one). ERR_INVALID names a field that is unknown or of the wrong type. */
int message_pack(const struct grpc_method *method, struct doc_value v, struct buf *out, struct err *err) ERR_MUST_CHECK;

/* What an answer says: `head` without the items, and those. Owned; message_free releases it. */
struct message {
    struct doc *head;
    struct doc **items;
    size_t item_count;
};

/*
 * Fields that are not set are there with their default, messages that are not set are absent. ERR_SYNTAX: these bytes are no such message,
 * or a text of it is not UTF-8; ERR_LIMIT: too much for one message, or too many items. `out` is empty on error.
 */
int message_unpack(const struct grpc_method *method, struct str bytes, struct message *out, struct err *err) ERR_MUST_CHECK;
void message_free(struct message *m);

#endif
