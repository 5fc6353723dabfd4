/*
 * tenant: one K8sGPT resource: what it wants, what is found for it, and its runs of the seven steps.
 *
 * Tenants share nothing but the operator's caches. A tenant is run when its resource changes, when one of its findings does, when the
 * policies do, and after the time its last run asked for; never twice at once. Changes during a run make one more run.
 */
#ifndef OPERATOR_TENANT_H
#define OPERATOR_TENANT_H

#include "base/hash.h"
#include "operator/filters.h"
#include "operator/status.h"
#include "operator/workqueue.h"

struct k8s_operator;
struct census;
struct contest;
struct polls;
struct run;
struct scrapes;
struct takeover;

struct tenant {
    struct k8s_operator *op;
    char *key; /* "namespace/name" */
    char *ns, *name;
    struct doc *cr; /* as last seen */
    struct findings *findings;
    struct status *status;
    struct doc *written;     /* the resource, as the answer to our last write of the status had it; NULL: none */
    struct contest *contest; /* over the status; NULL: there is none */
    struct choice choice;    /* what the filters selected */
    int64_t interval_s;      /* after which analyzers that ask the world ask again for it; 0: never */

    struct polls *polls;     /* what is asked of others */
    uint64_t report;         /* counts what they report: see reported.h */
    struct scrapes *scrapes; /* what engines show of themselves */
    struct census *census;   /* how many objects there are, as last counted; NULL: nobody asked */

    struct work work;
    struct run *run;           /* under way, or NULL */
    struct takeover *takeover; /* under way, or NULL */

    bool undone; /* somebody else changed the status since we wrote it */
    bool has_chosen;
    bool adopted;    /* Results of an earlier process have been taken over */
    bool ran;        /* a first run is over */
    bool looked;     /* see tenant_has_looked */
    bool taken_over; /* with an election: what the leader before wrote is known */
    bool unrecorded; /* during a shutdown: somebody was told, and no Result says so yet */

    UT_hash_handle hh;
};

/* The status was written, and the resource is this now; NULL: the watch has brought it. */
void tenant_wrote(struct tenant *t, const struct doc *answer);

/* The resource as it is now: our own writes are known before the watch brings them. Borrowed until it changes. */
const struct doc *tenant_current(const struct tenant *t);

/* For a resource that appeared. NULL without memory. */
struct tenant *tenant_new(struct k8s_operator *op, struct doc *cr, struct err *err);
void tenant_free(struct tenant *t); /* a run under way is dropped */

/* The resource changed. Runs, unless nothing but what we wrote ourselves changed. */
void tenant_changed(struct tenant *t, struct doc *cr);

/* Wants a run. */
void tenant_enqueue(struct tenant *t);

/* Takes over the Results that an earlier process left for this resource; once, when they are readable. With an election takeover.h does. */
void tenant_adopt_results(struct tenant *t);

/* Runs the filters' select; *changed: the choice differs from before. A filter that fails leaves the choice as it was; ERR_NOMEM. */
int tenant_choose(struct tenant *t, bool *changed, struct err *err) ERR_MUST_CHECK;

/* None of the analyzers here: others diagnose. What was found before stays until they report. */
void tenant_choose_nothing(struct tenant *t, bool *changed);

/* Analyzers that ask the world do so again after that many seconds, for what this tenant wants to know. */
void tenant_set_interval(struct tenant *t, int64_t seconds);
bool tenant_has_chosen(const struct tenant *t, const char *analyzer);

/* True when every chosen analyzer has looked at everything it can. */
bool tenant_synced(const struct tenant *t);

/* The same, but nobody need wait for those that are stuck. */
bool tenant_settled(const struct tenant *t);

/* True once a first look at everything is over. Until then it is not known what follows from what, and nobody is told anything. */
bool tenant_has_looked(struct tenant *t);

/* For the tenant's findings, `arg` is the tenant: from what those of a group follow; and which of its object are open has changed. */
void tenant_decide(struct group *g, void *arg);
void tenant_opened(const struct group *g, void *arg);

/* A verdict of an analyzer, if the tenant chose it. */
void tenant_verdict(struct tenant *t, const struct verdict *v);
void tenant_swept(struct tenant *t, const char *analyzer);

#endif
