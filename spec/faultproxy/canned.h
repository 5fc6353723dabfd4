/*
 * canned: answers that the proxy gives in place of a server.
 */
#ifndef FAULTPROXY_CANNED_H
#define FAULTPROXY_CANNED_H

#include "base/buf.h"
#include "flow.h"

/* The whole answer that a fault of kind answer asks for, with what is in its file, or a Status object as Kubernetes sends (API conventions:
 * "Response Status Kind"). */
struct buf canned_answer(const struct fault *fault);

/* Passes content on as a chunk, and after it, where it is the last, the end of the body (RFC 9112 7.1). */
void canned_chunk(struct flow *to, struct str content, bool last);

#endif
