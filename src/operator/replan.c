/* What is watched and which policies run follow what tenants and policy folders want: prepared, then put in use together. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/operator_internal.h"
#include "operator/plan.h"

/* What a plan met while it was prepared nobody was told of. */
static void tell_first_state(const struct k8s_operator *op) {
    struct err err;
    const struct err *why = NULL;
    const struct gvk *gvk = gvk_parse(str_of(K8SGPT_GVK), &err);
    enum reflector_state state = gvk ? cluster_state(op->cluster, gvk, &why) : REFLECTOR_SYNCED;
    operator_tell_unreadable(op, gvk, STR(""), state, why);
}

static void replay_verdict(const struct verdict *v, void *arg) { tenant_verdict(arg, v); }

/* What is known already is told to the tenants that chose only now; those that chose before see nothing new in it. */
static void replay(struct k8s_operator *op, const struct str *names, size_t count) {
    for (struct tenant *t = op->tenants; t; t = t->hh.next) {
        for (size_t i = 0; i < count; i++) {
            diagnosis_replay(op->diagnosis, names[i], replay_verdict, t);
            if (diagnosis_swept(op->diagnosis, names[i])) tenant_swept(t, names[i].p);
        }
    }
}

/*
 * The next bundle and the caches it needs come into use together, for the analyzers that they were planned for: what was chosen
 * meanwhile waits for the next plan. `anew`: what is known does not count.
 */
static void put_in_use(struct k8s_operator *op, bool anew) {
    struct err err;
    struct bundle *old = op->bundle;
    bool new_bundle = op->bundle != op->next_bundle;
    cluster_commit(op->cluster, op->plan);
    op->plan = NULL;
    if (new_bundle) {
        op->bundle = bundle_ref(op->next_bundle);
        policycalls_reset(op->calls);
    }
    if (!anew && diagnosis_uses(op->diagnosis, op->planned, op->planned_count)) {
        replay(op, op->planned, op->planned_count);
    } else if (diagnosis_use(op->diagnosis, op->bundle, op->planned, op->planned_count, &err)) {
        log_error("operator", err.msg);
        operator_look_again(op);
    }
    if (new_bundle) {
        log_info("operator", "policies in use", LOG_S("hash", bundle_hash(op->bundle)));
        bundle_unref(old);
    }
    if (!op->live) tell_first_state(op);
    op->live = true;
    op->serving = op->tenants != NULL;
}

static void plan_ready(void *arg) {
    struct k8s_operator *op = arg;
    bool anew = op->bundle != op->next_bundle || op->looking_again;
    op->looking_again = false;
    put_in_use(op, anew);
    operator_sync_tenants(op);
    for (struct tenant *t = op->tenants; t; t = t->hh.next) {
        tenant_adopt_results(t);
        findings_decide_later(t->findings);
        if (!anew) continue;
        findings_refilter(t->findings);
        notify_again(t);
    }
    operator_enqueue_all(op);
    workqueue_wake(op->queue);
}

/* What a plan is for goes with it: an earlier one that is still under preparation keeps its own until then. */
static void keep_for(struct k8s_operator *op, struct bundle *bundle, struct str *names, size_t count) {
    bundle_ref(bundle);
    bundle_unref(op->next_bundle);
    op->next_bundle = bundle;
    free(op->planned);
    op->planned = names;
    op->planned_count = count;
}

static int prepare(struct k8s_operator *op, struct bundle *bundle, struct err *err) {
    struct plan_wants wants = {0};
    struct str *names = NULL;
    size_t count;
    int rc = plan_analyzers(op, bundle, &names, &count, err);
    if (!rc) rc = plan_wants(op, bundle, names, count, &wants, err);
    if (!rc) {
        op->plan = cluster_prepare(op->cluster, wants.items, wants.count, plan_ready, op, err);
        rc = op->plan ? 0 : (int)err->code;
    }
    plan_wants_free(&wants);
    if (rc)
        free(names);
    else
        keep_for(op, bundle, names, count);
    return rc;
}

bool operator_make_plan(void *arg) {
    struct k8s_operator *op = arg;
    struct err err;
    if (prepare(op, policies_bundle(op->policies), &err)) {
        log_error("operator", "cannot prepare the caches", LOG_S("error", err.msg));
        operator_look_again(op);
    }
    return false;
}

void operator_replan(struct k8s_operator *op) { worker_wake(op->planner); }

/* A plan that is put in use makes the diagnosis start anew, and tenants those that the store has. */
void operator_look_now(void *arg) {
    struct k8s_operator *op = arg;
    log_info("operator", "looking at everything again, as memory had run out");
    op->looking_again = true;
    operator_replan(op);
}

void operator_look_again(struct k8s_operator *op) {
    int64_t now_us = clock_mono_us();
    if (timer_active(op->look_again)) return;
    timer_start(op->look_again, backoff_next(&op->look_again_backoff, now_us));
    backoff_good(&op->look_again_backoff, now_us);
}
