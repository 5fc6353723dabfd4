/*
 * latency: the operator as a whole, beside the embedded API server: start-up to ready, memory, and the time from a fault's write to its
 * Result being seen by a watch.
 *
 *     latency [OPERATOR [pods [faults]]]      without pods: 1,000, then 10,000
 *
 * The clock of a fault starts when the PATCH is handed to the HTTP client and stops when the Result's ADDED event has been read,
 * so it holds two hops through the API server that are not the operator's.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "doc/json.h"
#include "doc/stream.h"
#include "kube/client.h"
#include "net/loop.h"
#include "pods.h"

enum { DEADLINE_MS = 30000, MAX_FAULTS = 10000, IDLE_MS = 3000 };

struct bench {
    const char *executable;
    char dir[64];
    int pods, faults;
    pid_t server_pid, operator_pid;
    struct loop *loop;
    struct http_client *http;
    struct kube_config *config;
    struct kube_client *client;
    struct resource pod;
    bool answered, seen;
    int status;
    char wanted[128]; /* the pod whose Result is awaited */
    double latency_ms[MAX_FAULTS];
};

static void fail(const char *what) {
    fprintf(stderr, "latency: %s\n", what);
    exit(1);
}

static void path_of(const struct bench *b, const char *name, char out[128]) { snprintf(out, 128, "%s/%s", b->dir, name); }

static pid_t spawn(const struct bench *b, const char *log, char *const *argv) {
    char path[128];
    path_of(b, log, path);
    pid_t pid = fork();
    if (pid < 0) fail("cannot fork");
    if (pid > 0) return pid;
    if (!freopen(path, "w", stdout) || dup2(1, 2) < 0) _exit(127);
    execv(argv[0], argv);
    _exit(127);
}

static void stop(pid_t pid) {
    if (pid <= 0) return;
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

/* ---- input ---------------------------------------------------------------------------------------------------------------------- */

static void write_file(const struct bench *b, const char *name, const struct buf *content) {
    char path[128];
    struct err err;
    path_of(b, name, path);
    need(file_write(path, (struct str){content->data, content->len}, 0600, &err), &err);
}

static void write_pods(const struct bench *b) {
    struct buf list = buf_new((size_t)1 << 30);
    put(&list, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[");
    for (int i = 0; i < b->pods; i++) {
        if (i) put(&list, ",");
        put_pod(&list, i);
    }
    put(&list, "]}");
    write_file(b, "pods.json", &list);
    buf_free(&list);
}

/* ---- the cluster ---------------------------------------------------------------------------------------------------------------- */

static bool file_has(const struct bench *b, const char *name, const char *text, char *after, size_t size) {
    char path[128];
    struct buf content = buf_new(1 << 20);
    struct err err;
    path_of(b, name, path);
    const char *at = file_read(path, &content, &err) || !content.data ? NULL : strstr(content.data, text);
    if (at && after) snprintf(after, size, "%.*s", (int)strcspn(at + strlen(text), "\"\n"), at + strlen(text));
    buf_free(&content);
    return at != NULL;
}

static void await_file(const struct bench *b, const char *name, const char *text, char *after, size_t size) {
    for (int64_t until_us = clock_mono_us() + DEADLINE_MS * 1000LL; clock_mono_us() < until_us; usleep(500))
        if (file_has(b, name, text, after, size)) return;
    fail("a program did not start; see its log");
}

static void start_server(struct bench *b) {
    char kubeconfig[128], pods[128], operator[512];
    path_of(b, "kubeconfig", kubeconfig);
    path_of(b, "pods.json", pods);
    snprintf(operator, sizeof operator, "%s", b->executable);
    char *argv[] = {operator,
                    "dev-cluster",
                    "--listen",
                    "127.0.0.1:0",
                    "--kubeconfig-out",
                    kubeconfig,
                    "--load",
                    "crd/core.k8sgpt.ai_k8sgpts.yaml",
                    "--load",
                    "crd/core.k8sgpt.ai_results.yaml",
                    "--load",
                    "crd/core.k8sgpt.ai_mutations.yaml",
                    "--load",
                    "samples/valid_k8sgpt.yaml",
                    "--load",
                    pods,
                    NULL};
    b->server_pid = spawn(b, "server.log", argv);
    await_file(b, "server.log", "http://", NULL, 0);
    struct err err;
    need(kube_config_load(kubeconfig, NULL, &b->config, &err), &err);
}

static void start_operator(struct bench *b) {
    char kubeconfig[128], operator[512];
    path_of(b, "kubeconfig", kubeconfig);
    snprintf(operator, sizeof operator, "%s", b->executable);
    char *argv[] =
        {operator, "run", "--engine", "embedded", "--kubeconfig", kubeconfig, "--metrics-bind-address", "0", "--health-probe-bind-address",
         "127.0.0.1:0",   NULL};
    b->operator_pid = spawn(b, "operator.log", argv);
}

/* ---- requests ------------------------------------------------------------------------------------------------------------------- */

static void probed(const struct http_response *response, void *arg) {
    struct bench *b = arg;
    b->status = response->status;
    b->answered = true;
}

static int probe(struct bench *b, const char *url) {
    struct http_request request = {.method = "GET", .url = url, .timeout_ms = 1000, .on_done = probed, .arg = b};
    struct err err;
    b->answered = false;
    b->status = 0;
    if (http_send(b->http, &request, &err)) loop_run_until(b->loop, &b->answered, 2000);
    return b->status;
}

static double await_ready(struct bench *b, int64_t from_us) {
    char address[128], url[160];
    await_file(b, "operator.log", "\"what\":\"health\",\"address\":\"", address, sizeof address);
    snprintf(url, sizeof url, "http://%s/readyz", address);
    while (probe(b, url) != 200)
        if (clock_mono_us() - from_us > DEADLINE_MS * 1000LL) fail("the operator does not become ready");
    return (double)(clock_mono_us() - from_us) / 1e3;
}

static int result_event(enum watch_type type, struct doc *object, void *arg, struct err *err) {
    struct bench *b = arg;
    (void)err;
    if (type == WATCH_ADDED && b->wanted[0] && str_is(doc_path_str(doc_root(object), "spec.name"), b->wanted)) b->seen = true;
    return 0;
}

static int result_chunk(struct str chunk, void *arg, struct err *err) { return watch_reader_feed(arg, chunk, err); }

static void watch_ended(const struct err *err, void *arg) {
    (void)arg;
    if (err->code != ERR_CANCELLED) fail(err->msg);
}

static void patched(struct doc *object, const struct err *err, void *arg) {
    (void)object;
    (void)arg;
    if (err && err->code) fail(err->msg);
}

/* ---- figures -------------------------------------------------------------------------------------------------------------------- */

static long status_kb(pid_t pid, const char *field) {
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, field, strlen(field))) kb = strtol(line + strlen(field) + 1, NULL, 10);
    if (f) fclose(f);
    return kb;
}

static void print_memory(const struct bench *b, const char *when) {
    printf("memory, %-22s RSS %5.1f MB, of it anonymous %4.1f MB\n", when, (double)status_kb(b->operator_pid, "VmRSS") / 1024,
           (double)status_kb(b->operator_pid, "RssAnon") / 1024);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void make_fault(struct bench *b, int i, const struct doc *patch) {
    char name[64], ns[32];
    struct err err;
    snprintf(name, sizeof name, "shop-frontend-7d4b9c6f5-%05d", i);
    snprintf(ns, sizeof ns, "shop-%d", i % PODS_NAMESPACES);
    snprintf(b->wanted, sizeof b->wanted, "%s/%s", ns, name);
    b->seen = false;
    struct kube_request request = {.verb = KUBE_MERGE_PATCH,
                                   .resource = &b->pod,
                                   .ns = str_of(ns),
                                   .name = str_of(name),
                                   .subresource = "status",
                                   .body = doc_root(patch),
                                   .done = patched,
                                   .arg = b};
    int64_t start_us = clock_mono_us();
    need(kube_send(b->client, &request, NULL, &err), &err);
    if (!loop_run_until(b->loop, &b->seen, DEADLINE_MS)) fail("a fault did not become a Result");
    b->latency_ms[i] = (double)(clock_mono_us() - start_us) / 1e3;
}

static void measure_faults(struct bench *b) {
    static const char fault[] =
        "{\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"app-0\",\"ready\":false,\"restartCount\":0,\"image\":\"x\","
        "\"imageID\":\"\",\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"Back-off pulling image\"}}}]}}";
    struct err err;
    struct doc_builder *builder = doc_builder_new();
    struct doc *patch = builder ? json_decode(builder, str_of(fault), NULL, &err) : NULL;
    if (!patch) fail("no memory");
    for (int i = 0; i < b->faults; i++) make_fault(b, i, patch);
    qsort(b->latency_ms, (size_t)b->faults, sizeof *b->latency_ms, by_value);
    printf("fault -> Result, %d faults: p50 %.2f ms, p99 %.2f ms, worst %.2f ms\n", b->faults, b->latency_ms[b->faults / 2],
           b->latency_ms[b->faults * 99 / 100], b->latency_ms[b->faults - 1]);
    doc_unref(patch);
    doc_builder_free(builder);
}

static void idle(struct bench *b) {
    bool never = false;
    loop_run_until(b->loop, &never, IDLE_MS);
}

static void run(struct bench *b) {
    struct err err;
    int64_t start_us = clock_mono_us();
    start_operator(b);
    printf("start-up to ready: %.0f ms\n", await_ready(b, start_us));
    idle(b);
    print_memory(b, "idle");

    struct projection *whole = projection_whole();
    struct watch_reader *reader = whole ? watch_reader_new(whole, result_event, b) : NULL;
    struct kube_stream_request watch = {.path = "/apis/core.k8sgpt.ai/v1alpha1/results?watch=1",
                                        .resource = "results",
                                        .verb = "watch",
                                        .timeout_ms = -1,
                                        .on_chunk = result_chunk,
                                        .done = watch_ended,
                                        .arg = reader};
    struct kube_call *call;
    if (!reader) fail("no memory");
    need(kube_stream(b->client, &watch, &call, &err), &err);
    measure_faults(b);
    idle(b);
    print_memory(b, "after the faults");
    kube_cancel(call);
    idle(b);
    watch_reader_free(reader);
    projection_unref(whole);
}

static void set_up(struct bench *b) {
    struct err err;
    snprintf(b->dir, sizeof b->dir, "/tmp/k8sgpt-bench-XXXXXX");
    if (!mkdtemp(b->dir)) fail("cannot make a folder in /tmp");
    write_pods(b);
    start_server(b);
    b->loop = loop_new(&err);
    b->http = b->loop ? http_client_new(b->loop, "bench", &err) : NULL;
    b->client = b->http ? kube_client_new(b->loop, b->http, b->config, NULL, &err) : NULL;
    if (!b->client) fail(err.msg);
    b->pod = (struct resource){gvk_parse(STR("v1/Pod"), &err), "pods", true, true, true};
}

static void tear_down(struct bench *b) {
    stop(b->operator_pid);
    stop(b->server_pid);
    kube_client_free(b->client);
    http_client_free(b->http);
    loop_free(b->loop);
    kube_config_free(b->config);
    static const char *const files[] = {"pods.json", "server.log", "operator.log", "kubeconfig"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        path_of(b, files[i], path);
        unlink(path);
    }
    rmdir(b->dir);
}

static void measure(const char *executable, int pods, int faults) {
    static struct bench b;
    b = (struct bench){.executable = executable, .pods = pods, .faults = faults};
    if (faults > pods || faults > MAX_FAULTS || faults < 1) fail("faults: 1 to the number of pods");
    printf("%d pods\n", pods);
    set_up(&b);
    run(&b);
    tear_down(&b);
}

int main(int argc, char **argv) {
    const char *executable = argc > 1 ? argv[1] : "build/k8sgpt-operator";
    int faults = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 300;
    setvbuf(stdout, NULL, _IOLBF, 0); /* children must not inherit unwritten lines */
    if (argc > 2) {
        measure(executable, (int)strtol(argv[2], NULL, 10), faults);
    } else {
        measure(executable, 1000, faults);
        measure(executable, 10000, faults);
    }
    return 0;
}
