/*
 * policytest_internal: one case of a test table, shared by policytest.c (tables and the world of a case) and policytest_kinds.c (how a
 * policy of each kind is tried and judged) and policytest_correlate.c (the findings that are open).
 */
#ifndef OPERATOR_POLICYTEST_INTERNAL_H
#define OPERATOR_POLICYTEST_INTERNAL_H

#include "base/buf.h"
#include "operator/findings.h"
#include "operator/policycall.h"

/* One case on its way. */
struct trial {
    const struct policy *policy;
    const char *dir;
    struct doc_value table, row;
    struct cluster *cluster;
    struct owners *owners;
    struct reads *reads;
    struct policycalls *calls;
    struct reader reader;
    struct script_outcome outcome;
    struct findings *findings; /* that are open; NULL: not asked for */
    struct doc *parts[4];      /* arguments cut out of the table */
    size_t part_count;
    bool unanswered;  /* a request of a remote analyzer failed, as the case wants */
    struct doc *open; /* what an analyzer found that is open now; NULL: it was not asked */
    int64_t now_ms;
    struct buf why;
};

/* A field of the case, or where it has none, of the table. */
struct doc_value trial_field(const struct trial *t, const char *name);

/* Says why the case fails; returns false. */
bool trial_complain(struct trial *t, const char *text);

/* Runs the policy as its kind wants, and compares. */
bool trial_run(struct trial *t, const struct policy *policy);

/* For policytest_kinds.c: calls a function of the policy; and whether it ended as the case says. */
void trial_call(struct trial *t, const struct policy *policy, const char *function, const struct script_arg *args, size_t count);
bool trial_failed_as_expected(struct trial *t);

/* A case of a correlate policy: `input` is what it is asked about, `findings` are open, `expect` is the one it names, or null. */
bool trial_correlate(struct trial *t, const struct policy *policy);

#endif
