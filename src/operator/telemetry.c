#include "operator/telemetry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "operator/enginepage.h"
#include "operator/operator_internal.h"
#include "operator/scrape.h"

enum family {
    RECONCILE_ERRORS,
    RESULTS,
    RESULTS_BY_TYPE,
    CONTROLLER_TOTAL,
    CONTROLLER_ERRORS,
    CONTROLLER_SECONDS,
    QUEUE_ADDS,
    QUEUE_DEPTH_UPSTREAM,
    QUEUE_SECONDS,
    FINDINGS,
    DETECTION_SECONDS,
    STORE_OBJECTS,
    STORE_BYTES,
    NOTIFICATIONS,
    LAST_ANALYSIS,
    GRPC_REQUESTS,
    QUEUE_DEPTH,
    STEP_SECONDS,
    BUILD_INFO,
    FAMILIES
};

/* The first nine are upstream's and controller-runtime's, with their names, labels and help (promtool objects to some of them). */
static const struct metric_def DEFS[FAMILIES] = {
    [RECONCILE_ERRORS] = {"k8sgpt_reconcile_error_count", "The total number of errors during reconcile", METRIC_COUNTER, {"k8sgpt"}, NULL},
    [RESULTS] = {"k8sgpt_number_of_results", "The total number of results", METRIC_GAUGE, {"object_namespace", "k8sgpt"}, NULL},
    [RESULTS_BY_TYPE] = {"k8sgpt_number_of_results_by_type",
                         "The total number of results by type",
                         METRIC_GAUGE,
                         {"object_namespace", "kind", "name", "k8sgpt"},
                         NULL},
    [CONTROLLER_TOTAL] = {"controller_runtime_reconcile_total",
                          "Total number of reconciliations per controller",
                          METRIC_COUNTER,
                          {"controller", "result"},
                          NULL},
    [CONTROLLER_ERRORS] = {"controller_runtime_reconcile_errors_total",
                           "Total number of reconciliation errors per controller",
                           METRIC_COUNTER,
                           {"controller"},
                           NULL},
    [CONTROLLER_SECONDS] = {"controller_runtime_reconcile_time_seconds",
                            "Length of time per reconciliation per controller",
                            METRIC_HISTOGRAM,
                            {"controller"},
                            NULL},
    [QUEUE_ADDS] = {"workqueue_adds_total", "Total number of adds handled by workqueue", METRIC_COUNTER, {"name"}, NULL},
    [QUEUE_DEPTH_UPSTREAM] = {"workqueue_depth", "Current depth of workqueue", METRIC_GAUGE, {"name"}, NULL},
    [QUEUE_SECONDS] = {"workqueue_queue_duration_seconds",
                       "How long in seconds an item stays in workqueue before being requested",
                       METRIC_HISTOGRAM,
                       {"name"},
                       NULL},
    [FINDINGS] = {"k8sgpt_findings", "Open findings.", METRIC_GAUGE, {"analyzer", "severity", "namespace"}, NULL},
    [DETECTION_SECONDS] =
        {"k8sgpt_finding_detection_seconds", "From reading a watch event to the Result being written.", METRIC_HISTOGRAM, {NULL}, NULL},
    [STORE_OBJECTS] = {"k8sgpt_store_objects", "Objects kept in memory.", METRIC_GAUGE, {"resource"}, NULL},
    [STORE_BYTES] = {"k8sgpt_store_bytes", "Bytes of the objects kept in memory.", METRIC_GAUGE, {"resource"}, NULL},
    [NOTIFICATIONS] = {"k8sgpt_notifications_total", "Notifications by outcome.", METRIC_COUNTER, {"sink", "outcome"}, NULL},
    [LAST_ANALYSIS] = {"k8sgpt_last_analysis_timestamp_seconds",
                       "When the findings of a K8sGPT resource were last known to be current.",
                       METRIC_GAUGE,
                       {"namespace", "k8sgpt"},
                       NULL},
    [GRPC_REQUESTS] = {"k8sgpt_grpc_requests_total",
                       "gRPC calls to engines and custom analyzers, by what became of them.",
                       METRIC_COUNTER,
                       {"method", "peer", "result"},
                       NULL},
    [QUEUE_DEPTH] =
        {"k8sgpt_queue_depth", "K8sGPT resources that wait for a run, and objects that wait for an analysis.", METRIC_GAUGE, {NULL}, NULL},
    [STEP_SECONDS] = {"k8sgpt_reconcile_duration_seconds", "Time a step took, waiting included.", METRIC_HISTOGRAM, {"step"}, NULL},
    [BUILD_INFO] = {"k8sgpt_build_info", "The build that runs.", METRIC_GAUGE, {"version", "revision"}, NULL},
};

struct telemetry {
    struct k8s_operator *op;
    struct metric *families[FAMILIES];
    struct enginefamilies *engines;
};

static const struct str CONTROLLER = {"k8sgpt", 6};

static void put_store(const struct store *store, void *arg) {
    struct telemetry *t = arg;
    const struct resource *known = discovery_known(cluster_discovery(t->op->cluster), store_gvk(store));
    struct str resource = str_of(known ? known->plural : store_gvk(store)->kind);
    metric_set(t->families[STORE_OBJECTS], METRIC_LABELS(resource), (double)store_count(store));
    metric_set(t->families[STORE_BYTES], METRIC_LABELS(resource), (double)store_bytes(store));
}

static void put_group(struct group *g, void *arg) {
    struct telemetry *t = arg;
    struct str ns = str_of(g->ns), cr = findings_identity(g->all)->cr_name;
    char full[512];
    if (!group_is_open(g)) return;
    if (*g->as_name)
        snprintf(full, sizeof full, "%s", g->as_name);
    else
        snprintf(full, sizeof full, "%.250s%s%.250s", g->ns, *g->ns ? "/" : "", g->name);
    metric_add(t->families[RESULTS], METRIC_LABELS(ns, cr), 1);
    metric_add(t->families[RESULTS_BY_TYPE], METRIC_LABELS(ns, str_of(*g->as_kind ? g->as_kind : g->kind), str_of(full), cr), 1);
    for (size_t i = 0; i < g->count; i++)
        if (finding_is_shown(&g->findings[i]))
            metric_add(t->families[FINDINGS], METRIC_LABELS(str_of(g->analyzer), str_of(severity_name(g->findings[i].severity)), ns), 1);
}

/* Gauges are what there is now: read at each exposition, so that series go with what they describe. What a standby knows the leader tells:
 * sums over the replicas count nothing twice. */
static void collect(void *arg) {
    static const enum family on_demand[] = {STORE_OBJECTS, STORE_BYTES, RESULTS, RESULTS_BY_TYPE, FINDINGS};
    struct telemetry *t = arg;
    const struct k8s_operator *op = t->op;
    for (size_t i = 0; i < sizeof on_demand / sizeof *on_demand; i++) metric_clear(t->families[on_demand[i]]);
    if (op->cluster) cluster_each_store(op->cluster, put_store, t);
    enginefamilies_clear(t->engines);
    for (const struct tenant *tenant = operator_may_act(op) ? op->tenants : NULL; tenant; tenant = tenant->hh.next) {
        findings_each(tenant->findings, put_group, t);
        scrapes_put(tenant->scrapes, t->engines);
    }
    size_t waiting = op->queue ? workqueue_depth(op->queue) : 0;
    metric_set(t->families[QUEUE_DEPTH_UPSTREAM], &CONTROLLER, (double)waiting);
    metric_set(t->families[QUEUE_DEPTH], NULL, (double)(waiting + (op->diagnosis ? diagnosis_pending(op->diagnosis) : 0)));
}

struct telemetry *telemetry_new(struct k8s_operator *op, struct metrics *metrics) {
    struct telemetry *t = calloc(1, sizeof *t);
    if (!t || !(t->engines = enginefamilies_new(metrics))) {
        free(t);
        return NULL;
    }
    t->op = op;
    for (int i = 0; i < FAMILIES; i++) t->families[i] = metrics_define(metrics, &DEFS[i]);
    metric_set(t->families[BUILD_INFO], METRIC_LABELS(str_of(op->options.version), str_of(op->options.revision)), 1);
    metrics_on_collect(metrics, collect, t);
    return t;
}

void telemetry_free(struct telemetry *t) {
    if (!t) return;
    metrics_off_collect(t->op->options.metrics, t);
    enginefamilies_free(t->engines);
    free(t);
}

void telemetry_enqueued(struct telemetry *t) { metric_add(t->families[QUEUE_ADDS], &CONTROLLER, 1); }

void telemetry_dequeued(struct telemetry *t, int64_t waited_us) {
    metric_observe(t->families[QUEUE_SECONDS], &CONTROLLER, (double)waited_us / 1e6);
}

void telemetry_step(struct telemetry *t, const char *step, int64_t duration_us) {
    metric_observe(t->families[STEP_SECONDS], METRIC_LABELS(str_of(step)), (double)duration_us / 1e6);
}

void telemetry_run(struct telemetry *t, const struct tenant *tenant, bool failed, int64_t duration_us) {
    metric_add(t->families[CONTROLLER_TOTAL], METRIC_LABELS(CONTROLLER, failed ? STR("error") : STR("success")), 1);
    metric_observe(t->families[CONTROLLER_SECONDS], &CONTROLLER, (double)duration_us / 1e6);
    metric_add(t->families[CONTROLLER_ERRORS], &CONTROLLER, failed ? 1 : 0);
    metric_add(t->families[RECONCILE_ERRORS], METRIC_LABELS(str_of(tenant->name)), failed ? 1 : 0);
}

void telemetry_result_written(struct telemetry *t, int64_t noticed_us) {
    if (noticed_us) metric_observe(t->families[DETECTION_SECONDS], NULL, (double)(clock_mono_us() - noticed_us) / 1e6);
}

void telemetry_notified(struct telemetry *t, struct str sink, const char *outcome) {
    metric_add(t->families[NOTIFICATIONS], METRIC_LABELS(sink, str_of(outcome)), 1);
}

void telemetry_asked(struct telemetry *t, const char *method, const char *peer, const struct err *err) {
    const char *result = err->code ? err_code_name(err->code) : "OK";
    metric_add(t->families[GRPC_REQUESTS], METRIC_LABELS(str_of(method), str_of(peer), str_of(result)), 1);
}

void telemetry_analysed(struct telemetry *t, const struct tenant *tenant) {
    metric_set(t->families[LAST_ANALYSIS], METRIC_LABELS(str_of(tenant->ns), str_of(tenant->name)), (double)clock_wall_ms() / 1e3);
}

void telemetry_tenant_gone(struct telemetry *t, const struct tenant *tenant) {
    metric_remove(t->families[LAST_ANALYSIS], METRIC_LABELS(str_of(tenant->ns), str_of(tenant->name)));
    for (const struct tenant *other = t->op->tenants; other; other = other->hh.next)
        if (other != tenant && str_is(str_of(other->name), tenant->name)) return; /* upstream's label has no namespace */
    metric_remove(t->families[RECONCILE_ERRORS], METRIC_LABELS(str_of(tenant->name)));
}
