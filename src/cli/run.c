/* run: the operator. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/dynamic_rbac.h"
#include "cli/heap.h"
#include "cli/local_mode.h"
#include "cli/namespaces.h"
#include "cli/pages.h"
#include "cli/paths.h"
#include "cli/verbs.h"
#include "kube/config.h"
#include "operator/operator.h"

static const char HELP[] =
    "Usage: k8sgpt-operator [run] [flags]\n"
    "\n"
    "Watches K8sGPT resources, diagnoses the cluster for each, and keeps Results, metrics and notifications.\n"
    "\n"
    "Flags:\n"
    "  --kubeconfig FILE                 how to reach the cluster (default: $KUBECONFIG, the pod's account, ~/.kube/config)\n"
    "  --context NAME                    context of the kubeconfig\n"
    "  --engine deployment|embedded      who diagnoses where a K8sGPT does not say (default deployment)\n"
    "  --engine-address HOST:PORT        ask the engine there, not by the Service of each K8sGPT (default with LOCAL_MODE: "
    "localhost:8080)\n"
    "  --policy-dir DIR                  policies of this cluster: a folder or a mounted ConfigMap (repeatable; later ones win)\n"
    "  --builtin-policies DIR            the policies to start from, instead of those that came with this executable\n"
    "  --watch-namespace NS              the only namespaces to look into, where rights are by namespace (repeatable, or NS,NS; default "
    "all)\n"
    "  --cluster-name NAME               goes into identities and notifications, where several clusters share a channel\n"
    "  --metrics-bind-address ADDR       /metrics (default :8080; 0: off)\n"
    "  --health-probe-bind-address ADDR  /healthz and /readyz (default :8081; 0: off)\n"
    "  --enable-result-logging           log every Result as it is written\n"
    "  --secret-content                  let analyzers that say so read what is in Secrets (certificates of Ingresses, configurations)\n"
    "  --grace 0                         report every failure at once and resolve it at once (default: as the rules say)\n"
    "  --log-format json|console         (default json)\n"
    "  --log-level debug|info|warn|error (default info)\n"
    "  --now TIME                        fix the clock (RFC 3339; for tests); grace counts from a fault's own time only\n"
    "  --leader-elect                    of several replicas only the one that holds a Lease acts; the others stand by, warm\n"
    "  --leader-election-namespace NS    where the Lease is (default: the pod's namespace, or that of the kubeconfig's context)\n"
    "  -h, --help                        this text\n"
    "\n"
    "Examples:\n"
    "  k8sgpt-operator run --engine embedded\n"
    "  k8sgpt-operator run --engine embedded --kubeconfig ~/.kube/config --context staging --policy-dir ./overrides\n"
    "  k8sgpt-operator run --engine embedded --watch-namespace shop,billing\n";

enum { MAX_POLICY_DIRS = 32 };

struct settings {
    const char *kubeconfig, *context, *engine, *engine_address, *builtin, *cluster_name, *metrics_address, *health_address, *now,
        *leader_namespace;
    const char *policy_dirs[MAX_POLICY_DIRS];
    size_t policy_dir_count;
    struct namespaces namespaces;
    enum log_format log_format;
    enum log_level log_level;
    bool result_logging, secret_content, no_grace, leader_elect;
};

/* ---- flags -------------------------------------------------------------------------------------------------------------------- */

enum flag {
    F_KUBECONFIG = 256,
    F_CONTEXT,
    F_ENGINE,
    F_ENGINE_ADDRESS,
    F_POLICY_DIR,
    F_BUILTIN,
    F_WATCH_NAMESPACE,
    F_CLUSTER,
    F_METRICS,
    F_HEALTH,
    F_RESULT_LOGGING,
    F_SECRET_CONTENT,
    F_GRACE,
    F_LOG_FORMAT,
    F_LOG_LEVEL,
    F_NOW,
    F_LEADER_ELECT,
    F_LEADER_NAMESPACE,
    F_IGNORED,
};

/* The zap flags are upstream's; encoder and level mean the same as ours, the rest has no counterpart. */
static const struct option FLAGS[] = {
    {"kubeconfig", required_argument, NULL, F_KUBECONFIG},
    {"context", required_argument, NULL, F_CONTEXT},
    {"engine", required_argument, NULL, F_ENGINE},
    {"engine-address", required_argument, NULL, F_ENGINE_ADDRESS},
    {"policy-dir", required_argument, NULL, F_POLICY_DIR},
    {"builtin-policies", required_argument, NULL, F_BUILTIN},
    {"watch-namespace", required_argument, NULL, F_WATCH_NAMESPACE},
    {"cluster-name", required_argument, NULL, F_CLUSTER},
    {"metrics-bind-address", required_argument, NULL, F_METRICS},
    {"health-probe-bind-address", required_argument, NULL, F_HEALTH},
    {"enable-result-logging", optional_argument, NULL, F_RESULT_LOGGING},
    {"secret-content", optional_argument, NULL, F_SECRET_CONTENT},
    {"grace", required_argument, NULL, F_GRACE},
    {"log-format", required_argument, NULL, F_LOG_FORMAT},
    {"zap-encoder", required_argument, NULL, F_LOG_FORMAT},
    {"log-level", required_argument, NULL, F_LOG_LEVEL},
    {"zap-log-level", required_argument, NULL, F_LOG_LEVEL},
    {"now", required_argument, NULL, F_NOW},
    {"leader-elect", optional_argument, NULL, F_LEADER_ELECT},
    {"leader-election-namespace", required_argument, NULL, F_LEADER_NAMESPACE},
    {"zap-devel", optional_argument, NULL, F_IGNORED},
    {"zap-stacktrace-level", required_argument, NULL, F_IGNORED},
    {"zap-time-encoding", required_argument, NULL, F_IGNORED},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int usage(const char *what, const char *value) { return verb_usage("run", what, value); }

/* The index of value in a NULL-terminated list, or -1. */
static int one_of(const char *value, const char *const *list) {
    for (int i = 0; list[i]; i++)
        if (!strcmp(value, list[i])) return i;
    return -1;
}

static bool is_true(const char *value) { return !value || !strcmp(value, "true") || !strcmp(value, "1"); }

static int take_log(struct settings *s, int flag, const char *value) {
    static const char *const formats[] = {"console", "json", NULL}, *const levels[] = {"debug", "info", "warn", "error", NULL};
    int i = one_of(value, flag == F_LOG_FORMAT ? formats : levels);
    if (i < 0)
        return usage(flag == F_LOG_FORMAT ? "--log-format is json or console, not " : "--log-level is debug, info, warn or error, not ",
                     value);
    if (flag == F_LOG_FORMAT)
        s->log_format = (enum log_format)(i == 0 ? LOG_CONSOLE : LOG_JSON);
    else
        s->log_level = (enum log_level)i;
    return 0;
}

static int take_namespaces(struct settings *s, const char *list) {
    struct err err;
    return namespaces_add(&s->namespaces, list, &err) ? usage("--watch-namespace: ", err.msg) : 0;
}

static int take_checked(struct settings *s, int flag, const char *value) {
    static const char *const engines[] = {"deployment", "embedded", NULL};
    struct stat st;
    switch (flag) {
    case F_ENGINE:
        if (one_of(value, engines) < 0) return usage("--engine is deployment or embedded, not ", value);
        s->engine = value;
        return 0;
    case F_POLICY_DIR:
        if (s->policy_dir_count == MAX_POLICY_DIRS) return usage("too many --policy-dir", NULL);
        if (stat(value, &st) || !S_ISDIR(st.st_mode)) return usage("--policy-dir: there is no folder ", value);
        s->policy_dirs[s->policy_dir_count++] = value;
        return 0;
    case F_WATCH_NAMESPACE: return take_namespaces(s, value);
    case F_GRACE:
        if (strcmp(value, "0")) return usage("--grace is 0 or left out, not ", value);
        s->no_grace = true;
        return 0;
    default: return take_log(s, flag, value);
    }
}

static int take(struct settings *s, int flag, const char *value) {
    switch (flag) {
    case F_KUBECONFIG: s->kubeconfig = value; return 0;
    case F_CONTEXT: s->context = value; return 0;
    case F_ENGINE_ADDRESS: s->engine_address = value; return 0;
    case F_BUILTIN: s->builtin = value; return 0;
    case F_CLUSTER: s->cluster_name = value; return 0;
    case F_METRICS: s->metrics_address = value; return 0;
    case F_HEALTH: s->health_address = value; return 0;
    case F_NOW: s->now = value; return 0;
    case F_RESULT_LOGGING: s->result_logging = is_true(value); return 0;
    case F_SECRET_CONTENT: s->secret_content = is_true(value); return 0;
    case F_LEADER_ELECT: s->leader_elect = is_true(value); return 0;
    case F_LEADER_NAMESPACE: s->leader_namespace = value; return 0;
    case F_IGNORED: return 0;
    default: return take_checked(s, flag, value);
    }
}

/* -1: go on; else the exit code. */
static int read_flags(struct settings *s, int argc, char **argv) {
    int flag, rc;
    optind = 0;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, "h", FLAGS, NULL)) != -1) {
        if (flag == '?') return usage("unknown or incomplete flag ", argv[optind - 1]);
        if (flag == 'h') return fputs(HELP, stdout), 0;
        if ((rc = take(s, flag, optarg))) return rc;
    }
    if (optind < argc) return usage("unexpected argument ", argv[optind]);
    int64_t now_ms;
    if (!s->now) return -1;
    if (!clock_parse(str_of(s->now), &now_ms)) return usage("--now takes a time such as 2026-03-01T10:10:00Z, not ", s->now);
    clock_fix_wall(now_ms);
    return -1;
}

/* ---- the process -------------------------------------------------------------------------------------------------------------- */

struct process {
    struct settings settings;
    struct paths paths;
    struct loop *loop;
    struct heap *heap;
    struct http_client *http, *writes;
    struct kube_config *config;
    struct kube_client *client;
    struct metrics *metrics;
    struct k8s_operator *operator;
    struct pages *pages;
    bool stopping;
};

static void stopped(void *arg) {
    const struct process *p = arg;
    loop_stop(p->loop);
}

/* A second signal does not wait. */
static void stop(int signum, void *arg) {
    struct process *p = arg;
    log_info("run", "stopping", LOG_S("signal", strsignal(signum)));
    if (p->stopping)
        loop_stop(p->loop);
    else
        operator_stop(p->operator, stopped, p);
    p->stopping = true;
}

/* True when requests go elsewhere, or as somebody else, from now on. Where nothing changed, files and plugins are still asked anew. */
static bool take_config(struct process *p) {
    struct kube_config *config = NULL;
    struct err err;
    int rc = kube_config_load(p->settings.kubeconfig, p->settings.context, &config, &err);
    if (!rc) rc = kube_client_use(p->client, config, &err);
    if (rc) {
        log_error("run", "keeping the configuration in use", LOG_S("error", err.msg));
        kube_config_free(config);
        return false;
    }
    bool moved = !kube_config_equal(p->config, config);
    kube_config_free(p->config);
    p->config = config;
    return moved;
}

static void reload(int signum, void *arg) {
    struct process *p = arg;
    bool moved = take_config(p);
    log_info("run", "configuration and policies were read again", LOG_S("signal", strsignal(signum)), LOG_S("server", p->config->server),
             LOG_S("moved", moved ? "yes" : "no"));
    operator_reload(p->operator, moved);
}

static int start_operator(struct process *p, struct err *err) {
    const struct settings *s = &p->settings;
    struct operator_options options = {
        .loop = p->loop,
        .writes = p->writes,
        .client = p->client,
        .metrics = p->metrics,
        .engine = s->engine,
        .no_dynamic_rbac = !dynamic_rbac(),
        .engine_address = s->engine_address,
        .cluster_name = s->cluster_name,
        .builtin_dir = p->paths.policies,
        .lua_dir = p->paths.lua,
        .policy_dirs = s->policy_dirs,
        .policy_dir_count = s->policy_dir_count,
        .namespaces = (const char *const *)s->namespaces.names,
        .namespace_count = s->namespaces.count,
        .version = version_text(),
        .revision = version_revision(),
        .no_grace = s->no_grace,
        .no_past = s->now != NULL,
        .result_logging = s->result_logging,
        .secret_content = s->secret_content,
        .leader_namespace = !s->leader_elect      ? NULL
                            : s->leader_namespace ? s->leader_namespace
                                                  : p->config->namespace_,
    };
    p->operator= operator_new(&options, err);
    return p->operator? 0 : err->code;
}

static int start(struct process *p, struct err *err) {
    const struct settings *s = &p->settings;
    int rc = paths_find(s->builtin, &p->paths, err);
    if (!rc) rc = kube_config_load(s->kubeconfig, s->context, &p->config, err);
    if (rc) return rc;
    if (!(p->loop = loop_new(err))) return err->code;
    if (!(p->heap = heap_new(p->loop))) return err_set(err, ERR_NOMEM, "no memory for a timer");
    if (!(p->metrics = metrics_new())) return err_set(err, ERR_NOMEM, "no memory for metrics");
    metrics_define_process(p->metrics);
    char agent[128];
    snprintf(agent, sizeof agent, "k8sgpt-operator/%s (%s)", version_text(), version_revision());
    if (!(p->http = http_client_new(p->loop, agent, err))) return err->code;
    if (!(p->writes = http_client_new(p->loop, agent, err))) return err->code;
    if (!(p->client = kube_client_new(p->loop, p->http, p->config, p->metrics, err))) return err->code;
    kube_client_write_by(p->client, p->writes);
    rc = start_operator(p, err);
    if (!rc) rc = pages_open(p->loop, p->metrics, p->operator, s->metrics_address, s->health_address, &p->pages, err);
    if (!rc) rc = loop_on_signal(p->loop, SIGTERM, stop, p, err);
    if (!rc) rc = loop_on_signal(p->loop, SIGINT, stop, p, err);
    if (!rc) rc = loop_on_signal(p->loop, SIGHUP, reload, p, err);
    return rc;
}

static void end(struct process *p) {
    pages_free(p->pages);
    operator_free(p->operator);
    if (p->client) kube_client_free(p->client);
    http_client_free(p->writes);
    http_client_free(p->http);
    if (p->metrics) metrics_free(p->metrics);
    heap_free(p->heap);
    if (p->loop) loop_free(p->loop);
    if (p->config) kube_config_free(p->config);
    paths_free(&p->paths);
    namespaces_free(&p->settings.namespaces);
}

int cli_run(int argc, char **argv) {
    struct process p = {.settings = {
                            .engine = "deployment",
                            .cluster_name = "",
                            .metrics_address = ":8080",
                            .health_address = ":8081",
                            .log_format = LOG_JSON,
                            .log_level = LOG_INFO,
                        }};
    local_mode(&p.settings.engine_address, &p.settings.metrics_address, &p.settings.health_address);
    int code = read_flags(&p.settings, argc, argv);
    if (code >= 0) {
        namespaces_free(&p.settings.namespaces);
        return code;
    }
    log_init(stdout, p.settings.log_format, p.settings.log_level);
    signal(SIGPIPE, SIG_IGN);
    struct err err;
    int rc = start(&p, &err);
    if (rc)
        log_error("run", "cannot start", LOG_S("error", err.msg));
    else {
        log_info("run", "started", LOG_S("version", version_text()), LOG_S("server", p.config->server), LOG_S("engine", p.settings.engine));
        loop_run(p.loop);
    }
    end(&p);
    return rc ? 1 : 0;
}
