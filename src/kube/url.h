/*
 * url: the percent-encoding of names in request paths and queries (RFC 3986).
 */
#ifndef KUBE_URL_H
#define KUBE_URL_H

#include "base/buf.h"
#include "base/str.h"

enum { URL_MAX_BYTES = 16 * 1024 }; /* continue tokens and label selectors included */

/* Appends `text`; everything but unreserved characters and ':' is encoded, so the result is one path segment or one query value. */
int url_escape(struct str text, struct buf *out, struct err *err) ERR_MUST_CHECK;

#endif
