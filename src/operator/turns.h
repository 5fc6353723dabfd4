/*
 * turns: which analyses may ask the world now, which wait in line, and when each asks again.
 *
 * Of one analyzer a few ask at the same time; the others wait in the order in which they came, so that each has its turn and an analyzer
 * whose answers do not come holds up no other. Those whose last answer did not come have turns of their own, so that they hold up none of
 * the rest either. Who waits keeps nothing but its place: its policy is asked from the start when its turn
 * comes. An analysis that has asked does so again after the interval of whoever wants to see it (diagnosis_listener), after a failure
 * sooner: after 10 s, then twice that, and so on up to the interval. Part of the diagnosis.
 */
#ifndef OPERATOR_TURNS_H
#define OPERATOR_TURNS_H

#include "operator/diagnosis_internal.h"

struct inquiry;

enum { TURNS_AT_ONCE = 4, DOUBTFUL_AT_ONCE = 2 }; /* of one analyzer; of those that had no answer last time */

/* True: the analysis may ask, as part of this inquiry, until turn_end. False: it is in line. ERR_NOMEM counts as that too. */
bool turn_take(struct analysis *a, struct inquiry *q);

/* The analysis asks nobody any more; the next in line is put into the queue. */
void turn_end(struct analysis *a);

/* What waits for an answer; NULL: nothing. */
struct inquiry *turn_inquiry(const struct analysis *a);

/* Something it read has changed while it waits for an answer: it is to be looked at again after that. And whether that was so; forgets it.
 */
void turn_is_stale(struct analysis *a);
bool turn_was_stale(struct analysis *a);

/* When to ask again, wall ms: it has just asked, and failed or not. 0: never, nobody wants to know. */
int64_t turn_again_ms(struct analysis *a, bool failed);

/* The interval of the analyzer has become shorter: nobody waits longer than that. */
void turn_no_later(struct analysis *a, int64_t interval_ms);

/* Forgets the analysis, wherever it stands. `pass`: others may come in its place. */
void turn_forget(struct analysis *a, bool pass);

#endif
