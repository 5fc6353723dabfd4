/*
 * plan: what the cluster has to provide: the union of what policies in use read, for the resources that there are.
 */
#ifndef OPERATOR_PLAN_H
#define OPERATOR_PLAN_H

#include "operator/operator_internal.h"

struct plan_wants {
    struct cluster_want *items;
    size_t count, cap;
};

/* Wants of this bundle. Without tenants only K8sGPT itself is read. The caller frees with plan_wants_free. */
int plan_wants(const struct k8s_operator *op, struct bundle *bundle, const struct str *analyzers, size_t count, struct plan_wants *out,
               struct err *err) ERR_MUST_CHECK;
int plan_policy_wants(const struct policy *p, struct plan_wants *out,
                      struct err *err) ERR_MUST_CHECK; /* adds those of one policy and the layers below it */
/*
 * Adds what correlate policies read of the kinds that are wanted already: findings are about kinds that analyzers read, so of others they
 * need nothing, and nobody has to list all pods for them.
 */
int plan_correlate_wants(const struct bundle *bundle, struct plan_wants *out, struct err *err) ERR_MUST_CHECK;
void plan_wants_free(struct plan_wants *w);

/*
 * Calls back for each policy of the bundle that reads while K8sGPTs choose these analyzers. `widens` false: of kinds that no other policy
 * reads it needs nothing. A return that is not 0 ends it, and is returned.
 */
int plan_each_reader(const struct bundle *bundle, const struct str *analyzers, size_t count,
                     int (*each)(const struct policy *p, bool widens, void *arg, struct err *err), void *arg,
                     struct err *err) ERR_MUST_CHECK;

/* Secrets are looked up one by one, see secrets.h. */
void plan_leave_out_secrets(struct plan_wants *w);

/* Where Secrets are listed all the same, nothing is kept of them but metadata and type, whatever a policy declares. */
int plan_blind_secrets(struct plan_wants *w, struct err *err) ERR_MUST_CHECK;

/* Names of all analyzers that some tenant chose and the bundle has; borrowed from the bundle. *out is the caller's to free. */
int plan_analyzers(const struct k8s_operator *op, struct bundle *bundle, struct str **out, size_t *count, struct err *err) ERR_MUST_CHECK;

#endif
