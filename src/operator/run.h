/*
 * run: one pass of a tenant through the seven steps.
 *
 * The driver knows the order of the steps and nothing of what they do. A step is a coroutine that asks for things
 * (requests.c answers: apply, findings, publish, …); while an answer is under way other tenants go on. A run ends after the last step, when
 * a step ends it, or when one fails; then the status is written if it differs.
 */
#ifndef OPERATOR_RUN_H
#define OPERATOR_RUN_H

#include "operator/operator_internal.h"

/* Something a run waits for. What answers it keeps it and calls run_answer; when the run is dropped, `run` is NULL by then. */
struct wait {
    struct run *run;
    void (*drop)(struct wait *w); /* the run is gone: release, or detach from what is under way */
};

/* Starts a run; its end is told by operator_run_ended. */
int run_start(struct tenant *t, struct err *err) ERR_MUST_CHECK;
void run_drop(struct run *r);

/* A run that fails for `why` before its first step: the condition Ready says so. */
int run_refuse(struct tenant *t, struct str reason, const struct err *why, struct err *err) ERR_MUST_CHECK;

struct tenant *run_tenant(const struct run *r);

/* The answer to the request at hand, from within its handler or later: a value, or nil and a message where `failure` is given. */
void run_answer(struct run *r, const struct doc *answer, const struct err *failure);

/* The step may spend so many instructions more: for what it is handed to work on. */
void run_grant(struct run *r, int64_t fuel);

/* The run now waits for w (one at a time); run_answer ends that. */
void run_wait(struct run *r, struct wait *w);

/* Answers a request of a step: {op, args}. In requests.c. */
void request_handle(struct run *r, struct doc_value request);

#endif
