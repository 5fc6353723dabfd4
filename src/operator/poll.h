/*
 * poll: what one K8sGPT asks other processes by gRPC, again and again: custom analyzers, an engine.
 *
 * A step names all of it (ctx.poll). Each is asked on its own: at its interval while it answers, sooner and ever more rarely while it does
 * not, always with a deadline, so that one that hangs holds up nobody. An answer wants a run of the tenant, which takes it; so does a
 * failure that is another than before. Questions leave by the client for what only a leader may send.
 */
#ifndef OPERATOR_POLL_H
#define OPERATOR_POLL_H

#include "doc/builder.h"
#include "operator/tenant.h"

struct polls;

struct polls *polls_new(struct tenant *t); /* NULL without memory */
void polls_free(struct polls *p);          /* NULL: nothing */

/*
 * From now on these are asked, and no others: an array of {name, target, method, request, interval, timeout, maxBytes} (meta.lua,
 * k8sgpt.Poll). One that is as before goes on; one that differs is asked at once. ERR_INVALID names what is wrong, and all is as before.
 */
int polls_set(struct polls *p, struct doc_value wanted, struct err *err) ERR_MUST_CHECK;

/* Nothing is asked any more, and no answer kept, until polls_set. */
void polls_stop(struct polls *p);

bool polls_has(const struct polls *p, const char *name);

/* An array: of each its k8sgpt.PollState. */
void polls_put(const struct polls *p, struct doc_builder *b);

/* The next part of an answer that nobody has taken yet (k8sgpt.PollAnswer); after the last one it is gone. *out NULL: there is none.
 * *first: it begins with this part. */
int polls_take(struct polls *p, struct str name, struct doc **out, size_t *items, bool *first, struct err *err) ERR_MUST_CHECK;

#endif
