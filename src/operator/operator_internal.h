/*
 * operator_internal: the operator's state, shared by the units that are parts of it.
 */
#ifndef OPERATOR_OPERATOR_INTERNAL_H
#define OPERATOR_OPERATOR_INTERNAL_H

#include "kube/backoff.h"
#include "operator/diagnosis.h"
#include "operator/leader.h"
#include "operator/notify.h"
#include "operator/operator.h"
#include "operator/policies.h"
#include "operator/telemetry.h"
#include "operator/tenant.h"

extern const char K8SGPT_GVK[]; /* "core.k8sgpt.ai/v1alpha1/K8sGPT" */
extern const char RESULT_GVK[];

struct k8s_operator {
    struct operator_options options;
    struct doc *policy_options; /* what ctx.options shows */
    struct cluster *cluster;
    struct deadlines *deadlines;
    struct policycalls *calls;
    struct policies *policies;
    struct diagnosis *diagnosis;
    struct notifier *notifier;
    struct managed *managed; /* what was made for tenants */
    struct telemetry *telemetry;
    struct reads *filter_reads; /* what filters read: evaluations are groups' kept_by */
    struct owners *filter_owners;
    struct reads *cause_reads; /* what correlate policies read: evaluations are groups' caused_by */
    struct owners *cause_owners;

    struct tenant *tenants;
    struct workqueue *queue;   /* tenants that want a run */
    struct leader *leader;     /* NULL: there is no election */
    struct shutdown *shutdown; /* under way, or NULL */

    struct bundle *bundle;      /* in use */
    struct bundle *next_bundle; /* to be used once its caches are ready; may be the one in use */
    struct cluster_plan *plan;  /* under preparation, or NULL */
    struct str *planned;        /* the analyzers that it provides for; the names are of next_bundle */
    size_t planned_count;
    struct worker *planner; /* coalesces wants that change in the same turn */
    bool live;              /* a first plan was committed */
    bool events_denied;     /* as the last answer said */
    bool serving;           /* the committed plan provides what tenants' runs read */

    struct timer *look_again; /* memory ran out */
    struct backoff look_again_backoff;
    bool looking_again;
};

/* What ctx.options shows; the caller's. */
struct doc *operator_policy_options(const struct operator_options *options, struct err *err) ERR_MUST_CHECK;

/* The bundle, or what tenants chose, has changed: caches are prepared for it and then put in use together. */
void operator_replan(struct k8s_operator *op);

/* Something went by unnoticed, as memory ran out: everything is looked at anew, in a second or, where that happens often, later. */
void operator_look_again(struct k8s_operator *op);

bool operator_make_plan(void *arg); /* of a k8s_operator: the work of its planner */
void operator_look_now(void *arg);  /* of a k8s_operator: what its timer for looking again does */

void operator_enqueue_all(struct k8s_operator *op);
void operator_sync_tenants(struct k8s_operator *op); /* tenants are those that the store has, also after a swap of stores */
void operator_tell_unreadable(const struct k8s_operator *op, const struct gvk *gvk, struct str ns, enum reflector_state state,
                              const struct err *err);

struct store *operator_results(const struct k8s_operator *op, struct str ns); /* NULL while those of the namespace are unreadable */

/* False while another replica leads: then nothing is written, told or recorded. And whether people may be told anything new. */
bool operator_may_act(const struct k8s_operator *op);
bool operator_may_tell(const struct k8s_operator *op);

/* The tenant has adopted the Results of the leader before, or could not. */
void takeover_ended(struct tenant *t, const struct err *failure);

/* A run of the tenant is over. `requeue_s` < 0: it asked for no further run. */
void operator_run_ended(struct tenant *t, const struct err *failure, double requeue_s);

/* Records an Event about a K8sGPT resource; best effort. */
void operator_event(struct k8s_operator *op, const struct tenant *t, struct str type, struct str reason, struct str message);

#endif
