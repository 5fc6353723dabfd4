/*
 * policycall: one call of a policy by the operator: budgets, metrics, and the breaker.
 *
 * The breaker protects the process from a policy that fails every time: after BREAKER_FAILURES failures in a row the policy is
 * tripped and is not run again until the bundle changes. What stands in for it is the caller's business (the layer below).
 */
#ifndef OPERATOR_POLICYCALL_H
#define OPERATOR_POLICYCALL_H

#include <stdbool.h>

#include "metrics/metrics.h"
#include "operator/reader.h"
#include "script/call.h"

enum { BREAKER_FAILURES = 5 };

struct policycalls;

/* Borrows metrics (NULL: none are kept) and options (what ctx.options shows). NULL without memory. */
struct policycalls *policycalls_new(struct metrics *metrics, const struct doc *options);
void policycalls_free(struct policycalls *c);

/* Forgets every failure: a new bundle is in use. */
void policycalls_reset(struct policycalls *c);

/* Runs call->policy; host, host_arg and options of `call` are filled in. The outcome's values are the caller's. */
void policycalls_run(struct policycalls *c, struct script_call *call, struct reader *reader, struct script_outcome *out);

/* For calls that may be suspended: fills in as above; the caller starts and resumes, and reports each end here. */
void policycalls_prepare(struct policycalls *c, struct script_call *call, struct reader *reader);
void policycalls_finished(struct policycalls *c, const struct policy *policy, const struct script_outcome *out);

bool policycalls_tripped(const struct policycalls *c, const struct policy *policy);

/* The policy to call in place of `policy`: itself, or the first below it that is not tripped; NULL when none is left. */
const struct policy *policycalls_effective(const struct policycalls *c, const struct policy *policy);

/* Calls back for each tripped policy, with the message of its last failure. */
void policycalls_each_tripped(const struct policycalls *c, void (*each)(const struct policy *policy, const char *message, void *arg),
                              void *arg);

/* Calls back for each policy that ever failed, with how often it did and the message of its last failure. */
void policycalls_each_failed(const struct policycalls *c,
                             void (*each)(const struct policy *policy, size_t times, const char *message, void *arg), void *arg);

#endif
