/*
 * reader: answers what a running policy asks, from the caches of one cluster, and records it.
 */
#ifndef OPERATOR_READER_H
#define OPERATOR_READER_H

#include "operator/owners.h"
#include "operator/secrets.h"
#include "script/call.h"

struct findings;

struct reader {
    struct cluster *cluster;
    struct owners *owners;
    struct secrets *secrets;         /* NULL: Secrets are read from the stores like anything else (offline) or not at all */
    const struct findings *findings; /* what ctx.findings_of tells of; NULL: nothing */
    struct reads *reads;             /* with `evaluation`: where reads are recorded; NULL: nowhere (steps) */
    struct evaluation *evaluation;
    int64_t again_at_ms;                          /* out: the earliest moment a ctx.after becomes true; 0: none */
    const char *policy;                           /* name, for log lines */
    void (*trace)(struct str message, void *arg); /* NULL: traces are dropped */
    void *trace_arg;

    const struct doc **held; /* documents kept alive for a task that may be suspended */
    size_t held_count, held_cap;
    bool hold;
};

extern const struct script_host READER_HOST; /* its arg is a struct reader * */

/* Lets go of what was held; the reader can be used again. */
void reader_release(struct reader *r);

/* The path to the root owner as "Kind/namespace/name" in a new string, "" without owner. ERR_TIMEOUT: not known yet. */
int reader_root_owner(struct reader *r, const struct doc *object, char **out, struct err *err) ERR_MUST_CHECK;

#endif
