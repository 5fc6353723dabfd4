/*
 * message_internal: what message_pack.c and message_unpack.c share: fields of a message by their descriptors. Not for other units.
 */
#ifndef GRPC_MESSAGE_INTERNAL_H
#define GRPC_MESSAGE_INTERNAL_H

#include <protobuf-c/protobuf-c.h>

#include "grpc/message.h"

enum { FIELD_NAME_BYTES = 64 };

/* "parent_object" as "parentObject" (protobuf's JSON mapping). Returns out. */
char *field_json_name(const ProtobufCFieldDescriptor *field, char out[FIELD_NAME_BYTES]);

#endif
