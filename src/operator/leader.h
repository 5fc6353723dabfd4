/*
 * leader: whether this process may act, where several replicas run: write to the cluster and tell anybody anything.
 *
 * Who holds the Lease acts. All that acts goes by one HTTP client (operator_options.writes), which lets nothing out beyond the
 * moment until which the Lease is held for sure; what needs no request (the log sink) asks leader_may_act. Used by the operator only.
 */
#ifndef OPERATOR_LEADER_H
#define OPERATOR_LEADER_H

#include "kube/client.h"

struct leader;

extern const char LEADER_LEASE[]; /* the Lease's name */

struct leader_options {
    struct loop *loop;
    struct kube_client *client;
    struct http_client *writes;
    struct metrics *metrics;
    const char *ns;           /* of the Lease */
    void (*begun)(void *arg); /* it leads from now on */
    void (*ended)(void *arg); /* it does not any more, and is a standby again; nothing is under way any more */
    void *arg;
};

/* A standby at first. Borrows all but `ns` for its life. */
struct leader *leader_new(const struct leader_options *options, struct err *err) ERR_MUST_CHECK;
void leader_free(struct leader *l); /* NULL: nothing */

/* The client goes to another server from now on: a standby there. */
void leader_restart(struct leader *l);

/* By the clock: false as soon as the Lease may be another's. */
bool leader_may_act(const struct leader *l);

/* Acts no more and lets go of the Lease; `done` is called once, not from within. Neither begun nor ended is called any more. */
void leader_release(struct leader *l, void (*done)(void *arg), void *arg);

#endif
