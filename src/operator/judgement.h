/*
 * judgement: one look at one object: asks the policy in effect, and where that fails the layers below, until one has an answer.
 *
 * A policy that asks the world (remote = true) is suspended meanwhile; the judgement is then over later, or never, where it is dropped or
 * put off as its analyzer asks enough already (turns.h). All others are judged at once. Part of the diagnosis, called by analysis.c.
 */
#ifndef OPERATOR_JUDGEMENT_H
#define OPERATOR_JUDGEMENT_H

#include "operator/diagnosis_internal.h"

struct inquiry;

struct judgement {
    struct analysis *analysis;
    struct doc *object;
    struct reader reader;
    struct script_call call;
    const struct policy *policy; /* whose answer this is; NULL: there was none left to ask */
    struct script_outcome outcome;
    struct doc *failures;    /* what it found, with its evidence; owned; NULL: nothing */
    char *parent;            /* the root owner of an object with failures; owned */
    struct err first;        /* why the policy in effect failed; code 0: it did not */
    struct inquiry *inquiry; /* NULL: nobody may be suspended */
};

/* Looks at the object. What is recorded of reads belongs to the analysis; the end is told by analysis_judged. */
void judgement_begin(struct analysis *a, struct doc *object);

/* Over: frees what it has and, of one that was suspended, itself. */
void judgement_end(struct judgement *j);

/* Gives up one that waits for an answer. NULL: nothing. */
void inquiry_drop(struct inquiry *q);

/* The first request that failed: the answer is not the whole truth. NULL: none failed. */
const struct err *judgement_unanswered(const struct judgement *j);

/* What was not to be had, as neither right nor fault: "" where there was nothing of that. */
const char *judgement_withheld(const struct judgement *j);

bool judgement_has_asked(const struct judgement *j);

/* In analysis.c: the judgement is over; it is ended there. */
void analysis_judged(struct judgement *j);

/* The same, before it came to an end: its turn to ask is yet to come. */
void analysis_put_off(struct judgement *j);

/* It waits for an answer now. */
void analysis_waits(struct analysis *a, const char *what_for);

#endif
