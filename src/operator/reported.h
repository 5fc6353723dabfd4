/*
 * reported: findings that no policy of ours made: what custom analyzers and engines report of objects.
 *
 * A step turns answers into objects with failures (ctx.report) and says when that was all of it (ctx.reported); then what was not reported
 * again is over. Findings are otherwise like any other: identity, filters, causes, Results, news.
 */
#ifndef OPERATOR_REPORTED_H
#define OPERATOR_REPORTED_H

#include "operator/tenant.h"

/* A new report begins: what was said so far of objects is of an earlier one. */
void reported_begin(struct tenant *t);

/*
 * An array of k8sgpt.Reported (meta.lua). ERR_INVALID names what is wrong with one; those before it are taken in. An analyzer that the
 * tenant chose among our own is refused: two would judge the same objects.
 */
int reported_take(struct tenant *t, struct doc_value objects, struct err *err) ERR_MUST_CHECK;

/* That was all: what `of` says of other objects ({analyzers} or all, those in `except` left out) is over. */
void reported_end(struct tenant *t, struct doc_value of);

#endif
