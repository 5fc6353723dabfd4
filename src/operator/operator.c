#include "operator/operator.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/builder.h"
#include "operator/managed.h"
#include "operator/operator_internal.h"
#include "operator/run.h"
#include "operator/shutdown.h"
#include "operator/takeover.h"

const char K8SGPT_GVK[] = "core.k8sgpt.ai/v1alpha1/K8sGPT";
const char RESULT_GVK[] = "core.k8sgpt.ai/v1alpha1/Result";

enum { LONGEST_WAIT_S = 1000 }; /* however rarely a tenant asks for a run */

static bool is_kind(const struct gvk *gvk, const char *text) { return str_is(str_of(text), gvk->text); }

static struct store *store_of(const struct k8s_operator *op, const char *kind, struct str ns) {
    struct err err;
    const struct gvk *gvk = gvk_parse(str_of(kind), &err);
    return gvk && cluster_state_in(op->cluster, gvk, ns, NULL) == REFLECTOR_SYNCED ? cluster_store(op->cluster, gvk) : NULL;
}

struct store *operator_results(const struct k8s_operator *op, struct str ns) {
    return store_of(op, RESULT_GVK, ns);
}

/* ---- tenants ------------------------------------------------------------------------------------------------------------------ */

static struct tenant *tenant_of(const struct k8s_operator *op, const struct doc *cr) {
    struct str ns = doc_path_str(doc_root(cr), "metadata.namespace"), name = doc_path_str(doc_root(cr), "metadata.name");
    for (struct tenant *t = op->tenants; t; t = t->hh.next)
        if (str_is(ns, t->ns) && str_is(name, t->name)) return t;
    return NULL;
}

static void k8sgpt_changed(struct k8s_operator *op, struct doc *cr) {
    struct tenant *t = tenant_of(op, cr);
    struct err err;
    if (t) {
        tenant_changed(t, cr);
        return;
    }
    if (!tenant_new(op, cr, &err)) {
        log_error("operator", err.msg);
        operator_look_again(op);
    }
    managed_share_changed(op->managed, doc_path_str(doc_root(cr), "metadata.namespace"));
    operator_replan(op);
}

static void k8sgpt_deleted(struct k8s_operator *op, const struct doc *cr) {
    struct tenant *t = tenant_of(op, cr);
    if (!t) return;
    log_info("operator", "K8sGPT is gone", LOG_S("k8sgpt", t->key));
    telemetry_tenant_gone(op->telemetry, t);
    tenant_free(t);
    managed_share_changed(op->managed, doc_path_str(doc_root(cr), "metadata.namespace"));
    operator_replan(op);
}

/* A Result that somebody else changed or deleted is written again; our own writes come back here too and change nothing. */
static void result_changed(struct k8s_operator *op, const struct doc *before, struct doc *after) {
    struct doc_value labels = doc_path(doc_root(after ? after : before), "metadata.labels");
    struct str ns = doc_str(doc_get(labels, STR("k8sgpts.k8sgpt.ai/namespace"))),
               name = doc_str(doc_get(labels, STR("k8sgpts.k8sgpt.ai/name")));
    for (struct tenant *t = op->tenants; t; t = t->hh.next) {
        if (!str_is(ns, t->ns) || !str_is(name, t->name)) continue;
        struct group *g = findings_by_result(t->findings, doc_path_str(doc_root(after ? after : before), "metadata.name"));
        if (g) group_result_changed(g, after);
    }
}

/* Tenants are those that the store has: after a swap of stores nobody told of what changed between. */
void operator_sync_tenants(struct k8s_operator *op) {
    struct store *store = store_of(op, K8SGPT_GVK, STR(""));
    struct tenant *t, *next;
    struct doc *cr;
    if (!store) return;
    HASH_ITER(hh, op->tenants, t, next)
    if (store_of(op, K8SGPT_GVK, str_of(t->ns)) && !store_get(store, str_of(t->ns), str_of(t->name))) k8sgpt_deleted(op, t->cr);
    for (size_t i = 0; (cr = store_next(store, &i));) k8sgpt_changed(op, cr);
}

/* ---- runs --------------------------------------------------------------------------------------------------------------------- */

void operator_run_ended(struct tenant *t, const struct err *failure, double requeue_s) {
    t->ran = true;
    shutdown_look(t->op->shutdown);
    if (failure) {
        int64_t wait_ms = work_failed(&t->work, failure->retry_after_s * 1000LL);
        if (operator_may_act(t->op))
            log_error("operator", "run failed", LOG_S("k8sgpt", t->key), LOG_S("error", failure->msg), LOG_I("retryAfterMs", wait_ms));
        return;
    }
    if (t->looked && findings_any_dirty(t->findings)) tenant_enqueue(t);
    work_done(&t->work, requeue_s >= 0 && isfinite(requeue_s) ? (int64_t)(fmin(requeue_s, LONGEST_WAIT_S) * 1000) : -1);
}

/* The conditions go on from what the resource says now: times of transition are the leader's before. */
static int renew_status(struct tenant *t, struct err *err) {
    struct status *status = status_new(t->cr);
    if (!status) return err_set(err, ERR_NOMEM, "no memory for a status");
    status_free(t->status);
    t->status = status;
    return 0;
}

void takeover_ended(struct tenant *t, const struct err *failure) {
    struct err err;
    int rc = renew_status(t, &err);
    t->taken_over = !rc && !failure;
    if (!rc && failure) rc = run_refuse(t, STR("TakeoverFailed"), failure, &err);
    if (rc || t->taken_over) operator_run_ended(t, rc ? &err : NULL, rc ? -1 : 0);
}

bool operator_may_act(const struct k8s_operator *op) { return !op->leader || leader_may_act(op->leader); }

bool operator_may_tell(const struct k8s_operator *op) { return operator_may_act(op) && !op->shutdown; }

static void leading_begun(void *arg) { operator_enqueue_all(arg); }

static void leading_ended(void *arg) {
    struct k8s_operator *op = arg;
    for (struct tenant *t = op->tenants; t; t = t->hh.next) takeover_stand_by(t);
    operator_enqueue_all(op);
}

/* Of a standby it says that the tenant is looked after. */
static void turn_without_run(struct tenant *t) {
    t->ran = true;
    work_done(&t->work, -1);
}

static bool may_run(void *arg) {
    const struct k8s_operator *op = arg;
    return op->serving;
}

/* What a tenant's turn is: with an election, and while the operator stops, not always a run. */
static void start_turn(struct work *w, void *arg) {
    const struct k8s_operator *op = arg;
    struct tenant *t = (struct tenant *)((char *)w - offsetof(struct tenant, work));
    struct err err;
    bool leads = operator_may_act(op), over = !leads || (op->shutdown && !t->unrecorded);
    int rc = !leads ? takeover_prepare(t, &err) : over ? 0 : op->leader && !t->taken_over ? takeover_start(t, &err) : run_start(t, &err);
    if (rc)
        operator_run_ended(t, &err, -1);
    else if (over)
        turn_without_run(t);
}

static void run_wanted(void *arg) {
    const struct k8s_operator *op = arg;
    telemetry_enqueued(op->telemetry);
}

static void run_taken(int64_t waited_us, void *arg) {
    const struct k8s_operator *op = arg;
    telemetry_dequeued(op->telemetry, waited_us);
}

void operator_enqueue_all(struct k8s_operator *op) {
    for (struct tenant *t = op->tenants; t; t = t->hh.next) tenant_enqueue(t);
}

/* ---- what happens --------------------------------------------------------------------------------------------------------------- */

static const char *advice(const struct k8s_operator *op, enum reflector_state state) {
    if (state != REFLECTOR_DENIED) return "cannot read a kind; what needs it is inactive until it can be read";
    return op->options.namespace_count
               ? "may not read a kind; what needs it is inactive there: grant the operator list and watch on it"
               : "may not read a kind; what needs it is inactive: grant the operator list and watch on it, or where it has "
                 "rights in some namespaces only, name them by --watch-namespace";
}

void operator_tell_unreadable(const struct k8s_operator *op, const struct gvk *gvk, struct str ns, enum reflector_state state,
                              const struct err *err) {
    if (is_kind(gvk, K8SGPT_GVK) && state == REFLECTOR_MISSING)
        log_error("operator", "the API server has no K8sGPT resource: install the CRDs (kubectl apply -f crd/)");
    else if (state != REFLECTOR_SYNCED && err && err->code)
        log_warn("operator", advice(op, state), LOG_S("kind", gvk->text), LOG_T("namespace", ns), LOG_S("error", err->msg));
}

static void object_changed(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    struct k8s_operator *op = arg;
    struct doc *now = after ? doc_ref(after) : NULL;
    if (is_kind(store_gvk(store), K8SGPT_GVK)) now ? k8sgpt_changed(op, now) : k8sgpt_deleted(op, before);
    if (is_kind(store_gvk(store), RESULT_GVK)) result_changed(op, before, now);
    diagnosis_object_changed(op->diagnosis, store, before, after);
    reads_object_changed(op->filter_reads, store, before, after);
    reads_object_changed(op->cause_reads, store, before, after);
    doc_unref(now);
}

static void state_changed(const struct gvk *gvk, struct str ns, enum reflector_state state, const struct err *err, void *arg) {
    struct k8s_operator *op = arg;
    operator_tell_unreadable(op, gvk, ns, state, err);
    if (is_kind(gvk, K8SGPT_GVK) && state == REFLECTOR_SYNCED) operator_sync_tenants(op);
    if (is_kind(gvk, RESULT_GVK) && state == REFLECTOR_SYNCED)
        for (struct tenant *t = op->tenants; t; t = t->hh.next) tenant_adopt_results(t);
    diagnosis_state_changed(op->diagnosis, gvk);
    reads_state_changed(op->filter_reads, gvk);
    reads_state_changed(op->cause_reads, gvk);
    operator_enqueue_all(op);
}

static void filter_touched(struct evaluation *e, void *arg) {
    (void)arg;
    group_refilter_later((struct group *)((char *)e - offsetof(struct group, kept_by)));
}

static void correlate_touched(struct evaluation *e, void *arg) {
    (void)arg;
    group_decide_later((struct group *)((char *)e - offsetof(struct group, caused_by)));
}

static void verdict(const struct verdict *v, void *arg) {
    const struct k8s_operator *op = arg;
    for (struct tenant *t = op->tenants; t; t = t->hh.next) tenant_verdict(t, v);
}

static void swept(const struct policy *analyzer, void *arg) {
    const struct k8s_operator *op = arg;
    for (struct tenant *t = op->tenants; t; t = t->hh.next) tenant_swept(t, analyzer->name);
}

static void diagnosis_changed(void *arg) { operator_enqueue_all(arg); }

static void diagnosis_lost(void *arg) { operator_look_again(arg); }

/* The shortest of those who want to know. */
static int64_t interval_s(const struct policy *analyzer, void *arg) {
    const struct k8s_operator *op = arg;
    int64_t shortest = 0;
    for (const struct tenant *t = op->tenants; t; t = t->hh.next)
        if (t->interval_s && tenant_has_chosen(t, analyzer->name) && (!shortest || t->interval_s < shortest)) shortest = t->interval_s;
    return shortest;
}

static void policies_loaded(struct bundle *bundle, void *arg) {
    (void)bundle;
    operator_replan(arg);
    operator_enqueue_all(arg);
}

static void policies_refused(const char *why, void *arg) {
    struct k8s_operator *op = arg;
    for (struct tenant *t = op->tenants; t; t = t->hh.next) operator_event(op, t, STR("Warning"), STR("PolicyInvalid"), str_of(why));
    operator_enqueue_all(op);
}

bool operator_ready(const struct k8s_operator *op, const char **why) {
    bool settled = true;
    for (const struct tenant *t = op->tenants; t; t = t->hh.next) settled &= t->ran && (!t->has_chosen || tenant_settled(t));
    *why = !op->live                                   ? "caches are syncing"
           : !store_of(op, K8SGPT_GVK, STR(""))        ? "K8sGPT resources cannot be read"
           : op->plan || (op->tenants && !op->serving) ? "caches are syncing"
           : !settled                                  ? "the first diagnosis is under way"
                                                       : "";
    return !**why;
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

struct doc *operator_policy_options(const struct operator_options *o, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for options");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "engine", str_of(o->engine));
    doc_pair_str(b, "engineAddress", str_of(o->engine_address));
    doc_pair_str(b, "cluster", str_of(o->cluster_name));
    doc_pair_bool(b, "resultLogging", o->result_logging);
    doc_pair_bool(b, "dynamicRbac", !o->no_dynamic_rbac);
    doc_key(b, STR("namespaces"));
    doc_begin_array(b);
    for (size_t i = 0; i < o->namespace_count; i++) doc_put_str(b, str_of(o->namespaces[i]));
    doc_end_array(b);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

static int make_parts(struct k8s_operator *op, struct err *err) {
    const struct operator_options *o = &op->options;
    struct policies_options policies = {
        o->loop, o->metrics, o->builtin_dir, o->lua_dir, o->policy_dirs, o->policy_dir_count, policies_loaded, policies_refused, op};
    struct workqueue_owner queue = {may_run, start_turn, run_wanted, run_taken, op};
    struct diagnosis_listener listener = {verdict, swept, diagnosis_changed, diagnosis_lost, interval_s, op};
    if (!(op->policy_options = operator_policy_options(o, err))) return err->code;
    if (!(op->policies = policies_new(&policies, err))) return err->code;
    if (!(op->cluster = cluster_new(o->loop, o->client, o->metrics, err))) return err->code;
    err_set(err, ERR_NOMEM, "no memory for the operator");
    if (!(op->telemetry = telemetry_new(op, o->metrics))) return err->code;
    if (!(op->deadlines = deadlines_new(o->loop))) return err->code;
    if (!(op->calls = policycalls_new(o->metrics, op->policy_options))) return err->code;
    if (!(op->filter_reads = reads_new(filter_touched, op))) return err->code;
    if (!(op->filter_owners = owners_new(o->loop, op->cluster, op->filter_reads))) return err->code;
    if (!(op->cause_reads = reads_new(correlate_touched, op))) return err->code;
    if (!(op->cause_owners = owners_new(o->loop, op->cluster, op->cause_reads))) return err->code;
    if (!(op->notifier = notifier_new(op))) return err->code;
    if (!(op->managed = managed_new(op))) return err->code;
    if (!(op->queue = workqueue_new(o->loop, &queue))) return err->code;
    if (!(op->look_again = timer_new(o->loop, operator_look_now, op))) return err->code;
    if (!(op->planner = worker_new(o->loop, operator_make_plan, op))) return err->code;
    if (!(op->diagnosis = diagnosis_new(o->loop, op->cluster, op->calls, op->deadlines, &listener, err))) return err->code;
    if (o->secret_content) diagnosis_permit_secret_content(op->diagnosis);
    struct leader_options leader = {o->loop, o->client, o->writes, o->metrics, o->leader_namespace, leading_begun, leading_ended, op};
    if (o->leader_namespace && !(op->leader = leader_new(&leader, err))) return err->code;
    owners_share(op->cause_owners, diagnosis_owners(op->diagnosis));
    op->bundle = bundle_ref(policies_bundle(op->policies));
    op->next_bundle = bundle_ref(op->bundle);
    return 0;
}

struct k8s_operator *operator_new(const struct operator_options *options, struct err *err) {
    struct k8s_operator *op = calloc(1, sizeof *op);
    if (!op) {
        err_set(err, ERR_NOMEM, "no memory for the operator");
        return NULL;
    }
    op->options = *options;
    if (make_parts(op, err)) {
        operator_free(op);
        return NULL;
    }
    cluster_on_change(op->cluster, object_changed, op);
    cluster_on_state(op->cluster, state_changed, op);
    cluster_watch_only(op->cluster, options->namespaces, options->namespace_count);
    operator_replan(op);
    return op;
}

void operator_reload(struct k8s_operator *op, bool moved) {
    policies_reload(op->policies);
    if (moved && op->leader) leader_restart(op->leader);
    if (moved) cluster_restart(op->cluster);
    if (moved) managed_restart(op->managed);
}

void operator_stop(struct k8s_operator *op, void (*stopped)(void *arg), void *arg) {
    op->shutdown = shutdown_start(op, stopped, arg);
    if (!op->shutdown) stopped(arg);
}

void operator_free(struct k8s_operator *op) {
    if (!op) return;
    struct tenant *t, *next;
    shutdown_free(op->shutdown);
    op->shutdown = NULL;
    leader_free(op->leader);
    op->leader = NULL;
    if (op->cluster) {
        cluster_on_change(op->cluster, NULL, NULL);
        cluster_on_state(op->cluster, NULL, NULL);
    }
    HASH_ITER(hh, op->tenants, t, next) tenant_free(t);
    managed_free(op->managed);
    diagnosis_free(op->diagnosis);
    timer_free(op->look_again);
    worker_free(op->planner);
    workqueue_free(op->queue);
    notifier_free(op->notifier);
    owners_free(op->filter_owners);
    reads_free(op->filter_reads);
    owners_free(op->cause_owners);
    reads_free(op->cause_reads);
    policycalls_free(op->calls);
    deadlines_free(op->deadlines);
    telemetry_free(op->telemetry);
    cluster_free(op->cluster);
    bundle_unref(op->bundle);
    bundle_unref(op->next_bundle);
    free(op->planned);
    policies_free(op->policies);
    doc_unref(op->policy_options);
    free(op);
}
