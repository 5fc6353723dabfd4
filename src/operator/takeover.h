/*
 * takeover: what a tenant does as a standby, and how it passes to a process that begins to lead.
 *
 * A standby reads, chooses analyzers and diagnoses: it knows what is wrong, and says so to nobody. When it begins to lead it knows of each
 * Result what the leader before it wrote last, as the API server has it and not as a watch may have it later: who was told of what stands
 * there. Then it runs the steps, which publish what differs. Called by the operator in place of a run.
 */
#ifndef OPERATOR_TAKEOVER_H
#define OPERATOR_TAKEOVER_H

#include "operator/operator_internal.h"

/* In place of a run while another leads. */
int takeover_prepare(struct tenant *t, struct err *err) ERR_MUST_CHECK;

/* In place of a run, before the first one as leader: reads the Results and adopts them. Its end is told by takeover_ended. */
int takeover_start(struct tenant *t, struct err *err) ERR_MUST_CHECK;
void takeover_drop(struct takeover *k); /* NULL: nothing */

/* Stops what the tenant has under way. It says no more, and knows nothing more of what it said: another leads. */
void takeover_stand_by(struct tenant *t);

#endif
