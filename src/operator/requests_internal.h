/*
 * requests_internal: what requests.c (answers to steps), requests_write.c (those that ask the API server), requests_managed.c (what
 * there has to be beside Results), requests_count.c (how many objects there are), requests_poll.c and requests_call.c (what peers say)
 * share.
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

/* ctx.poll(list), ctx.scrape(list), ctx.answer(name), ctx.report(objects), ctx.reported(options). */
void request_poll(struct run *r, struct doc_value args);
void request_scrape(struct run *r, struct doc_value args);
void request_answer(struct run *r, struct doc_value args);
void request_report(struct run *r, struct doc_value args);
void request_reported(struct run *r, struct doc_value args);

/* ctx.call(question). */
void request_call(struct run *r, struct doc_value args);

/* ctx.fetch(reference). */
void request_fetch(struct run *r, struct doc_value args);

/* ctx.render(size), ctx.managed(). */
void request_render(struct run *r, struct doc_value args);
void request_managed(struct run *r, struct doc_value args);

/* ctx.count(kinds, namespace). */
void request_count(struct run *r, struct doc_value args);

#endif
