/*
 * policytest: runs the test table of a policy (docs/policies.md, "Test tables") through the engine and the sandbox of production.
 */
#ifndef OPERATOR_POLICYTEST_H
#define OPERATOR_POLICYTEST_H

#include "script/bundle.h"

struct policytest_listener {
    /* One case is over; problem NULL: passed. `found`: what an analyzer reports in it (k8sgpt.Failure), absent for other kinds. */
    void (*result)(const char *name, const char *problem, struct doc_value found, void *arg);
    void (*trace)(struct str message, void *arg); /* what the policy says by ctx.trace; may be NULL */
    void *arg;
};

/* The table at `path` (policy_test.yaml; testdata lies beside it). An error when the table itself is of no use; cases report to the
 * listener. */
int policytest_run(const struct policy *policy, const char *path, const struct policytest_listener *listener,
                   struct err *err) ERR_MUST_CHECK;

#endif
