/*
 * ask: what remote analyzers ask of the world: what no cache holds.
 *
 * A request is {op, args} as ctx made it (script/ctx_ask.c); ask.c has the list of ops. Each has a deadline, and what it brings a limit.
 * What is not there is an answer too (null); what could not be asked is a failure, and never taken for "not there". Nothing is kept:
 * contents of Secrets and logs live as long as the run that asked for them. Called by inquiry.c, and by the tables of tests.
 */
#ifndef OPERATOR_ASK_H
#define OPERATOR_ASK_H

#include "kube/cluster.h"
#include "script/policy.h"

/* Of whom is asked, and what may be. Of a cluster that is not connected: what was loaded into it. */
struct asks {
    struct cluster *cluster;
    struct aws *aws;     /* NULL: of a cluster that is not connected */
    bool secret_content; /* analyzers may read what is in Secrets; those of an offline cluster they may read anyway */
};

enum ask_result {
    ASK_ANSWERED,
    ASK_WITHHELD, /* the way this process was started, or what a snapshot lacks: nobody failed */
    ASK_FAILED,
};

struct ask_answer {
    enum ask_result result;
    struct doc *doc; /* of ASK_ANSWERED; NULL: there is no such thing */
    struct err err;  /* of the others */
};

struct ask; /* a request under way */

/* Called once, never from within ask_start; the answer is borrowed, and the request is gone. */
typedef void (*ask_done)(const struct ask_answer *answer, void *arg);

/* Starts one, to be over within timeout_ms. NULL: *now is the answer already, its document the caller's. */
struct ask *ask_start(const struct asks *all, struct doc_value request, int64_t timeout_ms, ask_done done, void *arg,
                      struct ask_answer *now);

/* Gives it up; `done` is not called any more. NULL: nothing. */
void ask_drop(struct ask *ask);

/* Why a policy has nobody to ask, for people; NULL: there is somebody. What is in Secrets is withheld when it is asked for. */
const char *asks_lack(const struct asks *all, const struct policy *policy);

#endif
