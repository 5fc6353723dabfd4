/*
 * docmatch: whether a document is as a test table wants it.
 */
#ifndef OPERATOR_DOCMATCH_H
#define OPERATOR_DOCMATCH_H

#include <stdbool.h>

#include "base/buf.h"
#include "doc/doc.h"

/*
 * Objects are compared in the keys that are wanted (null: must be absent), lists item by item and in number, scalars by value. True when
 * `have` is so; else the first difference is appended to *why: "expect.0.text is "a", not "b"".
 */
bool docmatch(struct doc_value have, struct doc_value want, const char *path, struct buf *why);

#endif
