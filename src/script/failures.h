/*
 * failures: what an analyzer returned, against the contract (lua/k8sgpt/meta.lua, k8sgpt.Failure). Used by the operator before
 * it believes a run.
 */
#ifndef SCRIPT_FAILURES_H
#define SCRIPT_FAILURES_H

#include "script/policy.h"

/*
 * `failures`: the list that run() returned; absent or empty is a healthy object. ERR_POLICY names the first thing wrong: a rule that
 * is not declared, the same rule and key twice, a field of the wrong type or of no meaning.
 */
int failures_check(const struct policy *policy, struct doc_value failures, struct err *err) ERR_MUST_CHECK;

#endif
