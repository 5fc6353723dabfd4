/*
 * question: what a step wants to know of a peer by gRPC, as the step says it: {target, method, request, timeout, maxBytes} (meta.lua,
 * k8sgpt.Question). For poll.c, which asks again and again, and requests_call.c, which asks once.
 */
#ifndef OPERATOR_QUESTION_H
#define OPERATOR_QUESTION_H

#include "grpc/call.h"

/* ERR_INVALID: what is wrong, after `who` ("ctx.poll: engine"). */
int question_check(struct doc_value v, const char *who, struct err *err) ERR_MUST_CHECK;

/* One that was checked, but for done and arg. Borrows v. */
struct grpc_request question_request(struct doc_value v);

#endif
