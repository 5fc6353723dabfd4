/*
 * Memory that runs out somewhere in a whole reconcile: a K8sGPT and a fault appear, the Result is written, the fault is mended, the
 * Result goes, the K8sGPT goes. Wherever allocations fail, the operator goes on and ends up where it would have without.
 *
 * The API server is a process of its own, so that only the operator runs short. ALLOC_STRIDE=N, ALLOC_FROM=N choose other allocations
 * than a sample that takes half a minute; ALLOC_STRIDE=1 is every one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/alloc_fault.h"

#include "base/clock.h"
#include "base/log.h"
#include "devcluster/server.h"
#include "doc/json.h"
#include "operator/operator.h"

enum { SAMPLES = 90, WAIT_MS = 20000, TURN_MS = 10, MAX_ANSWER_BYTES = 1 << 20 };

#define CORE "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default"
#define PODS "/api/v1/namespaces/default/pods"

static const char K8SGPT[] = "{\"apiVersion\":\"core.k8sgpt.ai/v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"name\":\"k\","
                             "\"namespace\":\"default\"},\"spec\":{\"analysis\":{\"interval\":\"1s\"}}}";
static const char POD[] = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},"
                          "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}";
static const char PENDING[] =
    "{\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\","
    "\"message\":\"0/3 nodes are available: 3 Insufficient cpu.\",\"lastTransitionTime\":\"2026-03-01T10:00:00Z\"}]}}";
static const char RUNNING[] = "{\"status\":{\"phase\":\"Running\",\"conditions\":null}}";

struct world {
    pid_t server;
    char url[64], origin[16];
    struct kube_config config;
    struct loop *loop;
    struct http_client *http;
    struct metrics *metrics;
    struct kube_client *client;
    struct k8s_operator *op;
    long n;         /* which allocation fails, */
    int64_t for_us; /* and for how long the others after it */
    FILE *log;
};

/* ---- the API server -------------------------------------------------------------------------------------------------------------- */

_Noreturn static void serve(int port_fd) {
    static const char *const crds[] = {"crd/core.k8sgpt.ai_k8sgpts.yaml", "crd/core.k8sgpt.ai_results.yaml",
                                       "crd/core.k8sgpt.ai_mutations.yaml"};
    struct err err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct loop *loop = loop_new(&err);
    struct dev_cluster *c = loop ? dev_server_new(loop, "127.0.0.1:0", &err) : NULL;
    int rc = c ? 0 : 1;
    for (size_t i = 0; !rc && i < sizeof crds / sizeof *crds; i++) rc = dev_server_load(c, crds[i], NULL, &err);
    uint16_t port = rc ? 0 : dev_server_port(c);
    if (rc) fprintf(stderr, "no API server: %s\n", err.msg);
    if (write(port_fd, &port, sizeof port) == sizeof port && port) loop_run(loop);
    _exit(1);
}

static void start_server(struct world *w) {
    int fds[2];
    uint16_t port = 0;
    assert_int_equal(pipe(fds), 0);
    w->server = fork();
    assert_true(w->server >= 0);
    if (!w->server) serve(fds[1]);
    close(fds[1]);
    assert_int_equal(read(fds[0], &port, sizeof port), sizeof port);
    close(fds[0]);
    assert_true(port != 0);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u", port);
}

static size_t collect(char *bytes, size_t size, size_t count, void *arg) {
    return buf_append(arg, bytes, size * count, NULL) ? 0 : size * count;
}

/* One request of the test's own; the HTTP status. */
static long ask(const struct world *w, const char *method, const char *path, const char *body, struct buf *answer) {
    char url[512];
    long status = 0;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers =
        curl_slist_append(NULL, strcmp(method, "PATCH") ? "Content-Type: application/json" : "Content-Type: application/merge-patch+json");
    assert_true(curl && headers);
    snprintf(url, sizeof url, "%s%s", w->url, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    if (body) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}

/* As ask, while no allocation fails. */
static long request(const struct world *w, const char *method, const char *path, const char *body, struct doc **object) {
    long left = alloc_fault_left, count = alloc_fault_count;
    int64_t until_us = alloc_fault_until_us;
    struct buf answer = buf_new(MAX_ANSWER_BYTES);
    alloc_fault_left = -1;
    alloc_fault_until_us = 0;
    long status = ask(w, method, path, body, &answer);
    if (object) {
        struct err err = {0};
        struct doc_builder *b = doc_builder_new();
        *object = json_decode(b, (struct str){answer.data, answer.len}, NULL, &err);
        doc_builder_free(b);
    }
    buf_free(&answer);
    alloc_fault_left = left;
    alloc_fault_until_us = until_us;
    alloc_fault_count = count;
    return status;
}

static void must(const struct world *w, const char *method, const char *path, const char *body) {
    long status = request(w, method, path, body, NULL);
    if (status / 100 != 2) fail_msg("%s %s: %ld", method, path, status);
}

/* ---- the operator ---------------------------------------------------------------------------------------------------------------- */

static int start_operator(struct world *w, struct err *err) {
    struct operator_options options = {.loop = w->loop,
                                       .engine = "embedded",
                                       .cluster_name = "",
                                       .builtin_dir = "policies",
                                       .lua_dir = "lua",
                                       .version = "1",
                                       .revision = "r",
                                       .no_grace = true};
    w->config = (struct kube_config){.server = w->url, .origin = w->origin};
    if (!(w->metrics = metrics_new())) return ERR_NOMEM;
    if (!(w->http = http_client_new(w->loop, "test", err))) return (int)err->code;
    if (!(w->client = kube_client_new(w->loop, w->http, &w->config, w->metrics, err))) return (int)err->code;
    options.metrics = w->metrics;
    options.writes = w->http;
    options.client = w->client;
    w->op = operator_new(&options, err);
    return w->op ? 0 : (int)err->code;
}

static void end_operator(struct world *w) {
    operator_free(w->op);
    if (w->client) kube_client_free(w->client);
    if (w->http) http_client_free(w->http);
    if (w->metrics) metrics_free(w->metrics);
    w->op = NULL;
    w->client = NULL;
    w->http = NULL;
    w->metrics = NULL;
}

static void show_log(const struct world *w) {
    char line[2048];
    rewind(w->log);
    while (fgets(line, sizeof line, w->log)) fputs(line, stderr);
}

typedef bool (*condition)(const struct world *w);

/* The server is a process of its own, so nothing in this one can announce what it stores. */
static void await(struct world *w, const char *what, condition met) {
    const bool never = false;
    int64_t until_us = clock_mono_us() + WAIT_MS * 1000LL;
    while (!met(w)) {
        if (clock_mono_us() > until_us) {
            alloc_fault_end();
            show_log(w);
            fail_msg("allocation %ld fails, and all for %lld us: %s", w->n, (long long)w->for_us, what);
        }
        (void)loop_run_until(w->loop, &never, TURN_MS);
    }
}

static size_t results(const struct world *w, struct doc **list) {
    struct doc *found = NULL;
    request(w, "GET", CORE "/results", NULL, &found);
    size_t count = doc_len(doc_path(doc_root(found), "items"));
    if (list)
        *list = found;
    else
        doc_unref(found);
    return count;
}

static bool is_ready(const struct world *w) {
    const char *why;
    return operator_ready(w->op, &why);
}

static bool is_analysed(const struct world *w) {
    struct doc *cr = NULL;
    bool ready = false;
    request(w, "GET", CORE "/k8sgpts/k", NULL, &cr);
    struct doc_value conditions = doc_path(doc_root(cr), "status.conditions");
    for (size_t i = 0; i < doc_len(conditions); i++) {
        struct doc_value c = doc_at(conditions, i);
        ready |= str_is(doc_path_str(c, "type"), "Ready") && str_is(doc_path_str(c, "status"), "True");
    }
    doc_unref(cr);
    return ready;
}

static bool has_result(const struct world *w) { return results(w, NULL) == 1; }
static bool has_none(const struct world *w) { return results(w, NULL) == 0; }
static bool is_gone(const struct world *w) { return request(w, "GET", CORE "/k8sgpts/k", NULL, NULL) == 404; }

/* ---- the story ------------------------------------------------------------------------------------------------------------------- */

/* What the undisturbed run writes. */
static struct doc *expected;

static void check_result(const struct world *w) {
    struct doc *list = NULL;
    assert_int_equal(results(w, &list), 1);
    struct doc_value result = doc_at(doc_path(doc_root(list), "items"), 0);
    if (!expected) {
        expected = list;
        return;
    }
    struct doc_value wanted = doc_at(doc_path(doc_root(expected), "items"), 0);
    assert_true(doc_equal(doc_path(result, "spec"), doc_path(wanted, "spec")));
    assert_true(doc_equal(doc_path(result, "metadata.name"), doc_path(wanted, "metadata.name")));
    assert_true(doc_equal(doc_path(result, "metadata.labels"), doc_path(wanted, "metadata.labels")));
    doc_unref(list);
}

static void new_world(struct world *w, long n, int64_t for_us) {
    struct err err;
    *w = (struct world){.n = n, .for_us = for_us, .origin = "test"};
    start_server(w);
    w->log = tmpfile();
    assert_non_null(w->log);
    log_init(w->log, LOG_CONSOLE, LOG_INFO);
    w->loop = loop_new(&err);
    assert_non_null(w->loop);
}

static void free_world(struct world *w) {
    end_operator(w);
    loop_free(w->loop);
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    fclose(w->log);
    kill(w->server, SIGKILL);
    waitpid(w->server, NULL, 0);
}

/* One run; n < 0: nothing fails. The number of allocations. */
static long run(long n, int64_t for_us) {
    struct world w;
    struct err err = {0};
    new_world(&w, n, for_us);
    alloc_fault_count = 0;
    alloc_fault_for_us = for_us;
    if (n >= 0) alloc_fault_after(n);
    while (start_operator(&w, &err)) { /* as the kubelet does */
        assert_true(alloc_fault_hit);
        end_operator(&w);
    }
    await(&w, "the operator does not become ready", is_ready);
    must(&w, "POST", CORE "/k8sgpts", K8SGPT);
    await(&w, "the K8sGPT does not become ready", is_analysed);
    must(&w, "POST", PODS, POD);
    must(&w, "PATCH", PODS "/web/status", PENDING);
    await(&w, "no Result", has_result);
    check_result(&w);
    must(&w, "PATCH", PODS "/web/status", RUNNING);
    await(&w, "the Result does not go", has_none);
    must(&w, "DELETE", CORE "/k8sgpts/k", NULL);
    await(&w, "the K8sGPT does not go", is_gone);
    long count = alloc_fault_count;
    alloc_fault_end();
    free_world(&w);
    return count;
}

static long number_of(const char *variable, long otherwise) {
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : otherwise;
}

static void test_memory_runs_out_somewhere(void **state) {
    (void)state;
    static const long for_us[] = {0, 200, 5000};
    long total = run(-1, 0), stride = number_of("ALLOC_STRIDE", total / SAMPLES);
    print_message("%ld allocations, each %ld-th fails\n", total, stride);
    long i = 0;
    for (long n = number_of("ALLOC_FROM", 0); n < total; n += stride, i++) run(n, number_of("ALLOC_FOR_US", for_us[i % 3]));
    doc_unref(expected);
}

int main(void) {
    alloc_fault_own(true);
    curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_runs_out_somewhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
