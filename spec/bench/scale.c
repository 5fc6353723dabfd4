/*
 * scale: the operator before a large cluster: what it costs to list, decode and diagnose it, to keep it, and to follow its changes.
 *
 *     scale [OPERATOR [pods [changes a second [seconds]]]]      without pods: 100,000; 5,000 changes a second for 10 s
 *
 * The API server is the bench's own (support/server.h) and costs the operator nothing but the reading. CPU is that of the operator's
 * process, user and system; times are those of a wall clock. A change is followed when the request that writes the Result has arrived.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "pods.h"
#include "support/population.h"
#include "support/program.h"
#include "support/server.h"

enum { DEADLINE_S = 300, SETTLE_S = 5, STRIDE = 7919, FAULT_EVERY = 50, HEAL_AFTER_S = 2, MAX_FAULTS = 100000 };

struct bench {
    const char *executable;
    char dir[64];
    int pods, rate, seconds;
    pid_t upstream, operator_pid;
    struct server *server;
};

struct fault {
    int pod, version;
    int64_t sent_us;
};

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "scale: %s\n", what);
    exit(1);
}

static void path_of(const struct bench *b, const char *name, char out[128]) { snprintf(out, 128, "%s/%s", b->dir, name); }

static bool file_has(const char *path, const char *text, char *after, size_t size) {
    struct buf content = buf_new(1 << 28);
    struct err err;
    const char *at = file_read(path, &content, &err) || !content.data ? NULL : strstr(content.data, text);
    if (at && after) snprintf(after, size, "%.*s", (int)strcspn(at + strlen(text), "\"\n/"), at + strlen(text));
    buf_free(&content);
    return at != NULL;
}

static void await_file(const char *path, const char *text, char *after, size_t size) {
    for (int64_t until_us = clock_mono_us() + DEADLINE_S * 1000000LL; clock_mono_us() < until_us; usleep(10000))
        if (file_has(path, text, after, size)) return;
    fail("a program did not start; see its log");
}

/* ---- programs --------------------------------------------------------------------------------------------------------------------- */

static const char K8SGPT[] = "apiVersion: core.k8sgpt.ai/v1alpha1\nkind: K8sGPT\nmetadata: {name: bench, namespace: default}\n"
                             "spec: {engine: {mode: Embedded}, analysis: {interval: 1h}}\n";

static uint16_t start_upstream(struct bench *b) {
    char log[128], cr[128], address[64], executable[512];
    struct err err;
    path_of(b, "upstream.log", log);
    path_of(b, "k8sgpt.yaml", cr);
    need(file_write(cr, str_of(K8SGPT), 0600, &err), &err);
    snprintf(executable, sizeof executable, "%s", b->executable);
    char *argv[] = {executable, "dev-cluster",
                    "--listen", "127.0.0.1:0",
                    "--load",   "crd/core.k8sgpt.ai_k8sgpts.yaml",
                    "--load",   "crd/core.k8sgpt.ai_results.yaml",
                    "--load",   "crd/core.k8sgpt.ai_mutations.yaml",
                    "--load",   cr,
                    NULL};
    b->upstream = program_start(log, argv);
    await_file(log, "http://127.0.0.1:", address, sizeof address);
    return (uint16_t)strtol(address, NULL, 10);
}

static void write_kubeconfig(const struct bench *b, const char *path) {
    char text[512];
    struct err err;
    snprintf(text, sizeof text,
             "apiVersion: v1\nkind: Config\ncurrent-context: b\nclusters: [{name: b, cluster: {server: \"http://127.0.0.1:%d\"}}]\n"
             "users: [{name: b, user: {}}]\ncontexts: [{name: b, context: {cluster: b, user: b}}]\n",
             server_port(b->server));
    need(file_write(path, str_of(text), 0600, &err), &err);
}

static void start_operator(struct bench *b) {
    char log[128], kubeconfig[128], executable[512];
    path_of(b, "operator.log", log);
    path_of(b, "kubeconfig", kubeconfig);
    write_kubeconfig(b, kubeconfig);
    snprintf(executable, sizeof executable, "%s", b->executable);
    char *argv[] = {
        executable, "run", "--engine", "embedded", "--kubeconfig", kubeconfig, "--metrics-bind-address", "0", "--health-probe-bind-address",
        "0",        NULL};
    b->operator_pid = program_start(log, argv);
}

/* A second in which the process neither used a hundredth of a processor nor waited for one. */
static bool rests(const struct bench *b) {
    double before_s = program_cpu_s(b->operator_pid);
    for (int i = 0; i < 20; i++) {
        usleep(50000);
        if (program_is_running(b->operator_pid)) return false;
    }
    return program_cpu_s(b->operator_pid) - before_s < 0.01;
}

/* Until it has all pods and rests; returns its CPU. */
static double await_rest(const struct bench *b) {
    int64_t until_us = clock_mono_us() + DEADLINE_S * 1000000LL;
    while (!server_is_watched(b->server) || !rests(b))
        if (clock_mono_us() > until_us) fail("the operator does not come to rest");
    return program_cpu_s(b->operator_pid);
}

/* ---- figures ---------------------------------------------------------------------------------------------------------------------- */

static void print_memory(const struct bench *b, const char *when) {
    printf("memory, %-28s RSS %6.1f MB, of it anonymous %6.1f MB, peak %6.1f MB\n", when, program_memory_mb(b->operator_pid, "VmRSS"),
           program_memory_mb(b->operator_pid, "RssAnon"), program_memory_mb(b->operator_pid, "VmHWM"));
}

static int count_findings(const struct bench *b) {
    char log[128];
    struct buf content = buf_new(1 << 30);
    struct err err;
    int n = 0;
    path_of(b, "operator.log", log);
    need(file_read(log, &content, &err), &err);
    for (const char *at = content.data; at && (at = strstr(at, "\"finding opened\"")); at++) n++;
    buf_free(&content);
    return n;
}

static void measure_start(struct bench *b) {
    int64_t start_us = clock_mono_us();
    start_operator(b);
    double cpu_s = await_rest(b);
    double system_s = program_system_s(b->operator_pid);
    printf("list, decode, diagnose, write: %.2f s of CPU (%.2f user, %.2f system), %.1f us a pod, within %.1f s\n", cpu_s, cpu_s - system_s,
           system_s, cpu_s * 1e6 / b->pods, (double)(clock_mono_us() - start_us) / 1e6 - 1);
    printf("%.0f MB of pods (%.1f KB each), %d findings told\n", (double)server_pod_bytes(b->server) / 1e6,
           (double)server_pod_bytes(b->server) / 1e3 / b->pods, count_findings(b));
    print_memory(b, "at rest");
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_latencies(const struct bench *b, const struct fault *faults, int count) {
    static double ms[MAX_FAULTS];
    int n = 0;
    for (int i = 0; i < count; i++) {
        int64_t at_us = server_written(b->server, faults[i].pod);
        if (at_us) ms[n++] = (double)(at_us - faults[i].sent_us) / 1e3;
    }
    if (!n) fail("no fault was told");
    qsort(ms, (size_t)n, sizeof *ms, by_value);
    printf("fault -> Result written, %d of %d: p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, worst %.1f ms\n", n, count, ms[n / 2], ms[n * 9 / 10],
           ms[n * 99 / 100], ms[n - 1]);
}

static void sleep_until(int64_t us) {
    int64_t left_us = us - clock_mono_us();
    if (left_us > 0) usleep((useconds_t)left_us);
}

static void change(const struct bench *b, int pod, int version, bool faulty) {
    if (!server_change_pod(b->server, pod, version, faulty)) fail("nobody watches pods");
}

static void break_pod(const struct bench *b, struct fault *fault, int pod, int version) {
    *fault = (struct fault){pod, version, clock_mono_us()};
    server_await(b->server, pod);
    change(b, pod, version, true);
}

/* Every pod of those that are not broken now and then gets another number of restarts; some are broken, and mended after a while. */
static int send_changes(const struct bench *b, struct fault *faults) {
    int count = 0, healed = 0, total = b->rate * b->seconds;
    int64_t start_us = clock_mono_us();
    for (int n = 0; n < total; n++) {
        int pod = (int)((int64_t)n * STRIDE % b->pods), version = n + 1;
        sleep_until(start_us + (int64_t)n * 1000000 / b->rate);
        if (n % FAULT_EVERY == 0 && count < MAX_FAULTS && count * FAULT_EVERY < b->pods && !population_is_faulty(pod))
            break_pod(b, &faults[count++], pod, version);
        else if (healed < count && clock_mono_us() - faults[healed].sent_us > HEAL_AFTER_S * 1000000LL)
            change(b, faults[healed++].pod, version, false);
        else
            change(b, pod, version, population_is_faulty(pod));
    }
    printf("%d changes a second wanted; %d changes of pods in %.2f s, %.0f a second\n", b->rate, total,
           (double)(clock_mono_us() - start_us) / 1e6, total / ((double)(clock_mono_us() - start_us) / 1e6));
    return count;
}

static void measure_changes(const struct bench *b) {
    static struct fault faults[MAX_FAULTS];
    double before_s = program_cpu_s(b->operator_pid);
    int count = send_changes(b, faults);
    double sent_s = program_cpu_s(b->operator_pid);
    int64_t end_us = clock_mono_us();
    double rest_s = await_rest(b);
    print_latencies(b, faults, count);
    printf("a change costs %.1f us of CPU; after the last one %.3f s of CPU were left to do (rest after %.0f s)\n",
           (sent_s - before_s) * 1e6 / (b->rate * b->seconds), rest_s - sent_s, (double)(clock_mono_us() - end_us) / 1e6 - 1);
    print_memory(b, "after the changes");
}

int main(int argc, char **argv) {
    struct bench b = {.executable = argc > 1 ? argv[1] : "build/k8sgpt-operator",
                      .pods = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 100000,
                      .rate = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 5000,
                      .seconds = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 10};
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(b.dir, sizeof b.dir, "/tmp/k8sgpt-bench-XXXXXX");
    if (!mkdtemp(b.dir)) fail("cannot make a folder in /tmp");
    b.server = server_new(b.pods, start_upstream(&b));
    printf("%d pods, %d services, %d ReplicaSets\n", b.pods, population_count(POPULATION_SERVICES, b.pods),
           population_count(POPULATION_REPLICASETS, b.pods));
    measure_start(&b);
    if (b.rate) measure_changes(&b);
    program_stop(b.operator_pid);
    program_stop(b.upstream);
    static const char *const files[] = {"upstream.log", "operator.log", "kubeconfig", "k8sgpt.yaml"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        path_of(&b, files[i], path);
        unlink(path);
    }
    rmdir(b.dir);
    return 0;
}
