/*
 * copy: a part of a document as a document of its own.
 */
#ifndef DOC_COPY_H
#define DOC_COPY_H

#include "doc/builder.h"
#include "doc/projection.h"

/* A deep copy of v (absent: null); the caller's. NULL with *err without memory. */
struct doc *doc_copy(struct doc_value v, struct err *err) ERR_MUST_CHECK;

/* What p keeps of it. */
struct doc *doc_copy_kept(struct doc_value v, const struct projection *p, struct err *err) ERR_MUST_CHECK;

#endif
