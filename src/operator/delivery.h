/*
 * delivery: notifications that travel: HTTP requests that sink policies asked for, sent until they are delivered or given up.
 *
 * One delivery is one finding's news for one sink of one K8sGPT. At most MAX_FLYING of a sink are under way at once and each has a
 * deadline, so that a sink that hangs holds up nobody. What may pass (no answer, 429, 5xx, or what the policy says) is tried again with
 * growing pauses or when Retry-After says; anything else is given up and shown. A URL that comes from a Secret is fetched for each attempt
 * and kept nowhere.
 */
#ifndef OPERATOR_DELIVERY_H
#define OPERATOR_DELIVERY_H

#include "operator/tenant.h"

struct deliveries;

enum delivery_end { DELIVERY_DONE, DELIVERY_FAILED };

/* What is to be delivered; all copied. */
struct delivery_order {
    struct tenant *tenant;
    const char *group_id, *finding_id, *change;
    enum severity severity;
    struct str sink;                    /* the name that the route gave */
    const struct policy *policy;        /* whose `response` judges the answer; the delivery holds its bundle */
    struct doc_value request;           /* {method, url, headers, body} */
    struct str secret_name, secret_key; /* where the URL is; empty: in the request */
};

/* `over` is called once for each accepted order that ends while its tenant lives: with ref (may be empty), or why it failed. */
typedef void (*delivery_over)(const struct delivery_order *order, enum delivery_end end, struct str ref, const char *why, void *arg);

struct deliveries *deliveries_new(struct k8s_operator *op, delivery_over over, void *arg); /* NULL without memory */
void deliveries_free(struct deliveries *d);

int deliveries_add(struct deliveries *d, const struct delivery_order *order, struct err *err) ERR_MUST_CHECK;

/* True while news of this finding for this sink is on its way; and whether anything of the group is. */
bool deliveries_has(const struct deliveries *d, const struct tenant *t, const char *finding_id, struct str sink);
bool deliveries_any(const struct deliveries *d, const char *group_id, const struct tenant *t);

bool deliveries_are_flying(const struct deliveries *d); /* an attempt is under way */

void deliveries_forget(struct deliveries *d, const struct tenant *t);

/* Calls back for each delivery that is being tried again: sink and reason. */
void deliveries_each_waiting(const struct deliveries *d, const struct tenant *t,
                             void (*each)(const char *sink, const char *message, void *arg), void *arg);

#endif
