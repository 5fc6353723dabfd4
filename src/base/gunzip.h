/* gunzip: unpacks what gzip packed (RFC 1952). Used for answers by gRPC and for configurations in Secrets. */
#ifndef BASE_GUNZIP_H
#define BASE_GUNZIP_H

#include "base/buf.h"
#include "base/str.h"

/* Appends to out what one gzip member holds, which has to be all of packed. ERR_LIMIT past the limit of out, ERR_SYNTAX where it is no
 * gzip, cut off or not all of it, ERR_NOMEM. After an error out may hold a part. */
int gunzip(struct str packed, struct buf *out, struct err *err) ERR_MUST_CHECK;

#endif
