/* protobuf_types: the shapes of messages that protobuf.c reads. */
#ifndef DEVCLUSTER_PROTOBUF_TYPES_H
#define DEVCLUSTER_PROTOBUF_TYPES_H

enum dev_pb_type { PB_TEXT, PB_NUMBER, PB_BOOL, PB_MESSAGE, PB_TEXT_MAP, PB_BYTES_MAP, PB_INT_OR_TEXT };

struct dev_pb_field {
    unsigned number; /* 0 ends a message */
    const char *name;
    enum dev_pb_type type;
    char count; /* '1': zero means absent; '?': a pointer, zero counts; '*': repeated */
    const struct dev_pb_field *message;
};

/* The fields of a top-level kind; NULL: not described. */
const struct dev_pb_field *dev_pb_kind(const char *kind);

#endif
