/*
 * shutdown: the end of an operator in good order, within STOP_MS.
 *
 * No run and no delivery begins any more. Those under way may finish, so that what was told is also recorded, for FINISH_MS; then
 * nothing is sent any more, and the Lease is let go of. A server or a sink that hangs changes nothing about the times.
 */
#ifndef OPERATOR_SHUTDOWN_H
#define OPERATOR_SHUTDOWN_H

#include "operator/operator_internal.h"

enum { FINISH_MS = 1500, RELEASE_MS = 1000, STOP_MS = FINISH_MS + RELEASE_MS };

/* Calls `stopped` once, from the loop. NULL without memory. */
struct shutdown *shutdown_start(struct k8s_operator *op, void (*stopped)(void *arg), void *arg);
void shutdown_free(struct shutdown *s); /* NULL: nothing */

/* Something is over: perhaps nothing is under way any more. NULL: nothing. */
void shutdown_look(struct shutdown *s);

#endif
