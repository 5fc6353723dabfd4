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

static bool is_provided(const struct k8s_operator *op, struct str analyzer) {
    for (const struct policy *p = bundle_find(op->next_bundle, POLICY_ANALYZER, analyzer); p; p = p->lower) {
        for (size_t i = 0; i < p->watch_count; i++) {
            const struct gvk *gvk = p->watches[i].gvk;
            if (!secrets_is(gvk) && !cluster_store(op->cluster, gvk)) return false;
        }
    }
    return true;
}

/* What was chosen while the plan was prepared has no caches yet: it waits for the next plan. Returns how many are left. */
static size_t leave_out_unprovided(const struct k8s_operator *op, struct str *names, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (is_provided(op, names[i])) names[kept++] = names[i];
    return kept;
}

/* The next bundle and the caches it needs come into use together. `anew`: what is known does not count. */
static void put_in_use(struct k8s_operator *op, bool anew) {
    struct err err;
    struct bundle *old = op->bundle;
    struct str *names;
    size_t count;
    bool new_bundle = op->bundle != op->next_bundle;
    if (plan_analyzers(op, op->next_bundle, &names, &count, &err)) {
        log_error("operator", err.msg);
        operator_look_again(op);
        return;
    }
    cluster_commit(op->cluster, op->plan);
    op->plan = NULL;
    count = leave_out_unprovided(op, names, count);
    if (new_bundle) {
        op->bundle = bundle_ref(op->next_bundle);
        policycalls_reset(op->calls);
    }
    if (!anew && diagnosis_uses(op->diagnosis, names, count)) {
        replay(op, names, count);
    } else if (diagnosis_use(op->diagnosis, op->bundle, names, count, &err)) {
        log_error("operator", err.msg);
        operator_look_again(op);
    }
    free(names);
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

bool operator_make_plan(void *arg) {
    struct k8s_operator *op = arg;
    struct plan_wants wants = {0};
    struct str *names = NULL;
    size_t count;
    struct err err;
    if (op->next_bundle != policies_bundle(op->policies)) {
        bundle_unref(op->next_bundle);
        op->next_bundle = bundle_ref(policies_bundle(op->policies));
    }
    int rc = plan_analyzers(op, op->next_bundle, &names, &count, &err);
    if (!rc) rc = plan_wants(op, op->next_bundle, names, count, &wants, &err);
    if (!rc) {
        op->plan = cluster_prepare(op->cluster, wants.items, wants.count, plan_ready, op, &err);
        if (!op->plan) rc = err.code;
    }
    if (rc) {
        log_error("operator", "cannot prepare the caches", LOG_S("error", err.msg));
        operator_look_again(op);
    }
    plan_wants_free(&wants);
    free(names);
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
