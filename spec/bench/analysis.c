/*
 * analysis: what a read of a view costs, and the diagnosis of one healthy pod by the built-in analyzer, its reads recorded.
 *
 *     analysis [pods]      from the root of the checkout; prints the best and the median of several runs
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "doc/json.h"
#include "operator/diagnosis.h"
#include "operator/plan.h"
#include "pods.h"

enum { RUNS = 9, READS = 100000, FUEL = 1000 * 1000 * 1000 };

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_runs(const char *what, double *values, const char *unit) {
    qsort(values, RUNS, sizeof *values, by_value);
    printf("%-44s best %7.1f %s, median %7.1f %s\n", what, values[0], unit, values[RUNS / 2], unit);
}

static struct bundle *load(const char *dir) {
    struct bundle_source source = {dir, LAYER_BUILTIN};
    struct bundle_options options = {.lua_dir = "lua", .sources = &source, .source_count = 1};
    struct bundle_problems problems = {0};
    struct err err = {0};
    struct bundle *bundle = bundle_load(&options, &problems, &err);
    need(bundle ? 0 : 1, &err);
    bundle_problems_free(&problems);
    return bundle;
}

static struct doc *pod_document(int i) {
    struct buf text = buf_new(1 << 20);
    struct doc_builder *b = doc_builder_new();
    struct err err = {0};
    put_pod(&text, i);
    put(&text, "");
    /* The generator makes items of a list: name the object. */
    struct buf object = buf_new(1 << 20);
    need(buf_printf(&object, &err, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",%s", text.data + 1), &err);
    struct doc *doc = json_decode(b, (struct str){object.data, object.len}, NULL, &err);
    need(doc ? 0 : 1, &err);
    doc_builder_free(b);
    buf_free(&text);
    buf_free(&object);
    return doc;
}

/* ---- reads ------------------------------------------------------------------------------------------------------------------------ */

static const struct script_host NO_HOST = {0};

static double run_ns(const struct policy *policy, const struct doc *pod) {
    struct script_call call = {.policy = policy, .function = "run", .args = {{pod, NULL}}, .arg_count = 1, .host = &NO_HOST, .fuel = FUEL};
    struct script_outcome out;
    int64_t start_us = cpu_us();
    script_run(&call, &out);
    double ns = (double)(cpu_us() - start_us) * 1e3 / READS;
    need(out.result == SCRIPT_OK ? 0 : 1, &out.err);
    doc_unref(out.values);
    return ns;
}

static struct bundle *policy_reading(const char *expression) {
    char dir[] = "/tmp/k8sgpt-bench-XXXXXX", path[256], text[1024];
    struct err err;
    if (!mkdtemp(dir)) exit(1);
    snprintf(
        text, sizeof text,
        "local function run(_, pod)\n  local status, x = pod.status, nil\n  local container = status.containerStatuses[1]\n  for _ = 1, %d "
        "do x = %s end\n  return {}\nend\n"
        "return { api = 1, kind = \"analyzer\", name = \"Bench\", description = \"x\", watches = { \"v1/Pod\" }, fields = { \"status\" },\n"
        "  rules = { x = { severity = \"low\" } }, run = run }\n",
        READS, expression);
    snprintf(path, sizeof path, "%s/analyzers.Bench.lua", dir);
    need(file_write(path, str_of(text), 0600, &err), &err);
    struct bundle *bundle = load(dir);
    unlink(path);
    rmdir(dir);
    return bundle;
}

static void measure_read(const char *what, const char *expression, const struct doc *pod) {
    struct bundle *empty = policy_reading("_"), *reading = policy_reading(expression);
    const struct policy *without = bundle_find(empty, POLICY_ANALYZER, STR("Bench")),
                        *with = bundle_find(reading, POLICY_ANALYZER, STR("Bench"));
    double ns[RUNS];
    for (int i = 0; i < RUNS; i++) ns[i] = run_ns(with, pod) - run_ns(without, pod);
    print_runs(what, ns, "ns");
    bundle_unref(empty);
    bundle_unref(reading);
}

/* ---- diagnosis -------------------------------------------------------------------------------------------------------------------- */

static void ignore_verdict(const struct verdict *v, void *arg) {
    (void)v;
    (void)arg;
}

static void ignore_sweep(const struct policy *analyzer, void *arg) {
    (void)analyzer;
    (void)arg;
}

static struct cluster *offline_cluster(const struct policy *policy, int pods) {
    struct cluster *cluster = cluster_new_offline();
    struct plan_wants wants = {0};
    struct err err = {0};
    need(plan_policy_wants(policy, &wants, &err), &err);
    struct cluster_plan *plan = cluster_prepare(cluster, wants.items, wants.count, NULL, NULL, &err);
    need(plan ? 0 : 1, &err);
    cluster_commit(cluster, plan);
    plan_wants_free(&wants);
    for (int i = 0; i < pods; i++) {
        struct doc *pod = pod_document(i);
        need(cluster_load(cluster, pod, &err), &err);
        doc_unref(pod);
    }
    return cluster;
}

static void measure_diagnosis(int pods) {
    struct bundle *bundle = load("policies");
    const struct policy *policy = bundle_find(bundle, POLICY_ANALYZER, STR("Pod"));
    struct cluster *cluster = offline_cluster(policy, pods);
    const struct store *store = cluster_store(cluster, policy->watches[0].gvk);
    printf("%-44s %zu bytes of document, 8 to 16 of store\n", "a pod, as the Pod analyzer declares it",
           store_bytes(store) / store_count(store));
    struct policycalls *calls = policycalls_new(NULL, NULL);
    struct diagnosis_listener listener = {.verdict = ignore_verdict, .swept = ignore_sweep};
    struct err err = {0};
    struct diagnosis *diagnosis = diagnosis_new(NULL, cluster, calls, NULL, &listener, &err);
    const struct str name = STR("Pod");
    double us[RUNS];
    need(diagnosis ? 0 : 1, &err);
    for (int i = 0; i < RUNS; i++) {
        need(diagnosis_use(diagnosis, bundle, &name, 1, &err), &err);
        int64_t start_us = cpu_us();
        diagnosis_finish(diagnosis);
        us[i] = (double)(cpu_us() - start_us) / pods;
    }
    print_runs("one healthy pod's analysis, reads recorded", us, "us");
    diagnosis_free(diagnosis);
    policycalls_free(calls);
    cluster_free(cluster);
    bundle_unref(bundle);
}

int main(int argc, char **argv) {
    int pods = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;
    struct doc *pod = pod_document(0);
    measure_read("view read, scalar (a boolean)", "container.ready", pod);
    measure_read("view read, short string", "status.phase", pod);
    measure_read("view read, sub-object", "status.conditions", pod);
    measure_diagnosis(pods);
    doc_unref(pod);
    return 0;
}
