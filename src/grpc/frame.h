/*
 * frame: the body of a unary answer: one message behind five bytes (gRPC, "Length-Prefixed-Message"), maybe compressed.
 */
#ifndef GRPC_FRAME_H
#define GRPC_FRAME_H

#include "base/buf.h"
#include "base/str.h"

enum { GRPC_FRAME_BYTES = 5 };

/* Appends the prefix of a message of n bytes. */
int frame_begin(struct buf *out, size_t n, struct err *err) ERR_MUST_CHECK;

/*
 * The one message of `body`: *message points into it, or, where it was compressed, into `unpacked`, whose limit bounds what it unpacks to.
 * `encoding`: the field grpc-encoding. ERR_SERVER: no frame, a part of one, or more than one; ERR_UNSUPPORTED: compressed otherwise than
 * by gzip; ERR_SYNTAX: no gzip; ERR_LIMIT.
 */
int frame_open(struct str body, struct str encoding, struct buf *unpacked, struct str *message, struct err *err) ERR_MUST_CHECK;

#endif
