/*
 * notify: tells people what opened, changed or resolved, once each.
 *
 * What is to be told follows from state, not from a queue: a shown finding that a routed sink has no record of is told as opened; one
 * whose severity differs from the record as changed; a resolved one with a record as resolved, which removes the record. The
 * records live in the group and, through its Result's status, outlive the process: time passing, a moving text or a restart tells nobody
 * anything.
 */
#ifndef OPERATOR_NOTIFY_H
#define OPERATOR_NOTIFY_H

#include "operator/tenant.h"

struct notifier;

struct notifier *notifier_new(struct k8s_operator *op); /* NULL without memory */
void notifier_free(struct notifier *n);

/* Tells what there is to tell about the group. True when a record changed, so that the Result has to follow. */
bool notify_group(struct notifier *n, struct tenant *t, struct group *g);

/* True when nobody is still to be told anything about the group. */
bool notify_delivered(const struct notifier *n, const struct tenant *t, const struct group *g);

/* True while a notification is on its way this moment. */
bool notify_is_sending(const struct notifier *n);

/* Calls back for each notification that could not be delivered: sink and reason. */
void notify_each_undelivered(const struct notifier *n, const struct tenant *t,
                             void (*each)(const char *sink, const char *message, void *arg), void *arg);

/* The routes or the tenant's sinks have changed: who has no record of an open finding is told. */
void notify_again(struct tenant *t);

/* The tenant is going. */
void notify_forget(struct notifier *n, const struct tenant *t);

#endif
