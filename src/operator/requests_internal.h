/*
 * requests_internal: what requests.c (answers to steps) and requests_write.c (those that write to the API server) share.
 */
#ifndef OPERATOR_REQUESTS_INTERNAL_H
#define OPERATOR_REQUESTS_INTERNAL_H

#include "operator/run.h"

/* The request is done, and there is nothing to say but that. */
void request_answer_true(struct run *r);

/* ctx.apply(object, options), ctx.patch(reference, patch, options), ctx.delete(reference); `args` as the step gave them. */
void request_apply(struct run *r, struct doc_value args);
void request_patch(struct run *r, struct doc_value args);
void request_delete(struct run *r, struct doc_value args);

#endif
