/*
 * operator: the controller of K8sGPT resources, as a whole: policies, caches, diagnosis, one tenant a resource, metrics.
 *
 * main wires it to a loop, a cluster and addresses; everything else happens by events on the loop.
 */
#ifndef OPERATOR_OPERATOR_H
#define OPERATOR_OPERATOR_H

#include "kube/cluster.h"
#include "metrics/metrics.h"
#include "net/http_client.h"
#include "net/loop.h"

struct k8s_operator;

struct operator_options {
    struct loop *loop;
    struct http_client *writes; /* by which everything goes that changes something or tells somebody: see leader.h */
    struct kube_client *client; /* its writes go by `writes` too, where replicas elect a leader */
    struct metrics *metrics;
    const char *engine;             /* "deployment" or "embedded": the default of spec.engine.mode */
    const char *engine_address;     /* "HOST:PORT" of the engine for every K8sGPT; NULL: that of its Service */
    const char *cluster_name;       /* goes into identities and notifications; "" for the only cluster */
    const char *builtin_dir;        /* the built-in policies */
    const char *lua_dir;            /* what they require */
    const char *const *policy_dirs; /* the cluster layer; later ones win */
    size_t policy_dir_count;
    const char *const *namespaces; /* the only ones that are watched; none: all are */
    size_t namespace_count;
    const char *version, *revision; /* of this build */
    const char *leader_namespace;   /* of the Lease by which replicas elect a leader; NULL: this is the only one */
    bool no_grace;                  /* --grace 0 */
    bool no_past;                   /* the clock stands still: no failure can be waited for */
    bool result_logging;            /* upstream's --enable-result-logging */
    bool secret_content;            /* analyzers may read what is in Secrets */
    bool no_dynamic_rbac;           /* engines run as a ServiceAccount that an admin made; upstream's K8SGPT_ENABLE_DYNAMIC_RBAC */
};

/* Loads the policies and starts to watch. What cannot work at all (a broken built-in) is an error; an unreachable cluster is not. */
struct k8s_operator *operator_new(const struct operator_options *options, struct err *err) ERR_MUST_CHECK;
void operator_free(struct k8s_operator *op);

/* Reads the policy folders again. `moved`: the client goes to another server or as another user, so that everything is watched anew. */
void operator_reload(struct k8s_operator *op, bool moved);

/* Ends its work in good order, within 2.5 s whoever hangs (see shutdown.h), and calls `stopped` once; then it is to be freed. */
void operator_stop(struct k8s_operator *op, void (*stopped)(void *arg), void *arg);

/* True when policies are loaded, caches are synced (or known to be unreadable), and every object has been looked at once; of
 * a standby, too. *why: what it waits for. */
bool operator_ready(const struct k8s_operator *op, const char **why);

#endif
