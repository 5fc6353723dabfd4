/* analyze: one diagnosis, of a cluster or of a snapshot. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/connection.h"
#include "cli/heap.h"
#include "cli/oneshot_flags.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "kube/snapshot.h"
#include "operator/oneshot.h"

static const char HELP[] =
    "Usage: k8sgpt-operator analyze [flags]\n"
    "\n"
    "Looks at a cluster once, or at a snapshot of one, and says what is wrong with it, by the policies that the operator runs.\n"
    "\n"
    "Flags:\n"
    "  --from FILE|DIR|-       a snapshot: objects as kubectl or the verb snapshot writes them, YAML or JSON, one or many documents, "
    "lists,\n"
    "                          an object a line; of a folder its .yaml, .yml, .json and .jsonl; \"-\": standard input (repeatable)\n"
    "  --kubeconfig FILE       how to reach the cluster (default: $KUBECONFIG, the pod's account, ~/.kube/config)\n"
    "  --context NAME          context of the kubeconfig\n"
    "  --timeout DURATION      give up reading the cluster after that (default 2m)\n"
    "  --filter NAME           this analyzer instead of the core set; +NAME and -NAME change the core set (repeatable)\n"
    "  --namespace NAME        only objects of this namespace and those without one; * stands for any characters (repeatable)\n"
    "  --selector SELECTOR     only objects with such labels, as app=web,tier in (a,b),!old\n"
    "  --now TIME              the clock for ages and grace times, RFC 3339 (default of a snapshot: the newest moment that it tells of)\n"
    "  --grace DURATION        grace time of every rule, as 30s, 5m, 1h; 0: none (default: as the rules say)\n"
    "  --policy-dir DIR        policies of your own: a folder, or a mounted ConfigMap (repeatable; later ones win)\n"
    "  --builtin-policies DIR  the policies to start from, instead of those that came with this executable\n"
    "  -o NAME                 text, json (upstream's), junit, sarif, or a report policy of your own (default text)\n"
    "  --secret-content        let analyzers that say so read what is in Secrets of the cluster; of a snapshot they read what it has\n"
    "  --anonymize             show masks in place of names\n"
    "  --exit-zero             end with 0 also where something is wrong\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit code: 0 nothing is wrong, 1 something is, 2 wrong usage, 3 a policy failed, 4 the cluster or snapshot could not be read, or\n"
    "not all that was needed of it, or the report not be written.\n"
    "\n"
    "Examples:\n"
    "  k8sgpt-operator analyze --context staging --namespace 'team-*'\n"
    "  k8sgpt-operator analyze --filter Pod --filter Service -o sarif > cluster.sarif\n"
    "  kubectl get pods,events,replicasets,deployments -A -o json | k8sgpt-operator analyze --from - --filter Pod -o json\n";

enum { EXIT_HEALTHY, EXIT_PROBLEMS, EXIT_USAGE, EXIT_POLICY, EXIT_CLUSTER };

enum { MAX_REPORT_BYTES = 256 * 1024 * 1024, TIMEOUT_S = 120 };

struct settings {
    struct flag_values from, filters, namespaces, policy_dirs;
    const char *kubeconfig, *context, *selector, *now, *builtin, *output;
    int64_t grace_s; /* < 0: as the rules say */
    int64_t timeout_s;
    bool secret_content, anonymize, exit_zero;
};

/* ---- flags -------------------------------------------------------------------------------------------------------------------- */

enum flag {
    F_FROM = 256,
    F_KUBECONFIG,
    F_CONTEXT,
    F_TIMEOUT,
    F_FILTER,
    F_NAMESPACE,
    F_SELECTOR,
    F_NOW,
    F_GRACE,
    F_POLICY_DIR,
    F_BUILTIN,
    F_SECRET_CONTENT,
    F_ANONYMIZE,
    F_EXIT_ZERO,
};

static const struct option FLAGS[] = {
    {"from", required_argument, NULL, F_FROM},
    {"kubeconfig", required_argument, NULL, F_KUBECONFIG},
    {"context", required_argument, NULL, F_CONTEXT},
    {"timeout", required_argument, NULL, F_TIMEOUT},
    {"filter", required_argument, NULL, F_FILTER},
    {"namespace", required_argument, NULL, F_NAMESPACE},
    {"selector", required_argument, NULL, F_SELECTOR},
    {"now", required_argument, NULL, F_NOW},
    {"grace", required_argument, NULL, F_GRACE},
    {"policy-dir", required_argument, NULL, F_POLICY_DIR},
    {"builtin-policies", required_argument, NULL, F_BUILTIN},
    {"output", required_argument, NULL, 'o'},
    {"secret-content", no_argument, NULL, F_SECRET_CONTENT},
    {"anonymize", no_argument, NULL, F_ANONYMIZE},
    {"exit-zero", no_argument, NULL, F_EXIT_ZERO},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int usage(const char *what, const char *value) { return verb_usage("analyze", what, value); }

static int add(struct flag_values *list, const char *value) { return flag_take("analyze", list, value); }

static int take_checked(struct settings *s, int flag, const char *value) {
    int64_t now_ms;
    if (flag == F_GRACE)
        return flag_duration(value, &s->grace_s) ? 0 : usage("--grace takes a duration such as 30s, 5m, 1h or 0, not ", value);
    if (flag == F_TIMEOUT)
        return flag_duration(value, &s->timeout_s) && s->timeout_s ? 0 : usage("--timeout takes a duration such as 30s or 5m, not ", value);
    if (!clock_parse(str_of(value), &now_ms)) return usage("--now takes a time such as 2026-03-01T10:10:00Z, not ", value);
    s->now = value;
    return 0;
}

static int take(struct settings *s, int flag, const char *value) {
    switch (flag) {
    case F_FROM: return add(&s->from, value);
    case F_FILTER: return add(&s->filters, value);
    case F_NAMESPACE: return add(&s->namespaces, value);
    case F_POLICY_DIR: return flag_take_folder("analyze", &s->policy_dirs, value);
    case F_KUBECONFIG: s->kubeconfig = value; return 0;
    case F_CONTEXT: s->context = value; return 0;
    case F_SELECTOR: s->selector = value; return 0;
    case F_BUILTIN: s->builtin = value; return 0;
    case F_SECRET_CONTENT: s->secret_content = true; return 0;
    case F_ANONYMIZE: s->anonymize = true; return 0;
    case F_EXIT_ZERO: s->exit_zero = true; return 0;
    case 'o': s->output = value; return 0;
    default: return take_checked(s, flag, value);
    }
}

/* -1: go on; else the exit code. */
static int read_flags(struct settings *s, int argc, char **argv) {
    int flag, rc;
    optind = 0;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, "ho:", FLAGS, NULL)) != -1) {
        if (flag == '?') return usage("unknown or incomplete flag ", argv[optind - 1]);
        if (flag == 'h') return fputs(HELP, stdout), 0;
        if ((rc = take(s, flag, optarg))) return rc;
    }
    if (optind < argc) return usage("unexpected argument ", argv[optind]);
    if (s->from.count && (s->kubeconfig || s->context))
        return usage("--from is a snapshot: --kubeconfig and --context do not go with it", NULL);
    return -1;
}

/* ---- what is handed to policies ----------------------------------------------------------------------------------------------- */

/* Whether escapes are shown as colours (no-color.org). */
static bool shows_colours(void) {
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (!no || !*no) && terminal && strcmp(terminal, "dumb") != 0;
}

static void put_about(struct doc_builder *b, const struct settings *s, const char *server) {
    const char *file = s->from.count == 1 && strcmp(s->from.items[0], "-") != 0 ? s->from.items[0] : NULL;
    const char *source = server ? server : file ? file : s->from.count == 1 ? "standard input" : "several files";
    doc_begin_object(b);
    doc_pair_str(b, "source", s->anonymize ? STR("") : str_of(source));
    if (file) doc_pair_str(b, "file", str_of(file));
    doc_pair_str(b, "version", str_of(version_text()));
    doc_pair_bool(b, "anonymize", s->anonymize);
    doc_pair_bool(b, "colour", shows_colours());
    doc_end_object(b);
}

/* ---- the diagnosis ------------------------------------------------------------------------------------------------------------ */

struct job {
    struct settings settings;
    struct bundle *bundle;
    struct connection connection; /* of a cluster */
    struct cluster *offline;      /* of a snapshot */
    struct snapshot snapshot;
    struct doc *cr;
    struct oneshot *oneshot;
    struct progress progress;
};

static int fail(struct job *j, int code, const struct err *err) {
    progress_end(&j->progress);
    fprintf(stderr, "analyze: %s\n", err->msg);
    return code;
}

static int read_snapshot(struct job *j, struct err *err) {
    const struct settings *s = &j->settings;
    int rc = 0;
    for (size_t i = 0; !rc && i < s->from.count; i++) {
        progress_say(&j->progress, s->from.items[i]);
        rc = snapshot_read(&j->snapshot, s->from.items[i], j->offline, err);
    }
    if (rc) return rc;
    snapshot_finish(&j->snapshot, j->offline);
    if (!s->now && j->snapshot.newest_ms) clock_fix_wall(j->snapshot.newest_ms);
    return 0;
}

static void reading(void *arg) { progress_say(arg, "reading the cluster"); }

static int open_cluster(struct job *j, struct err *err) {
    const struct settings *s = &j->settings;
    bool live = s->from.count == 0;
    int rc = live ? connection_open(&j->connection, s->kubeconfig, s->context, err) : 0;
    if (!rc && !live && !(j->offline = cluster_new_offline())) rc = err_set(err, ERR_NOMEM, "no memory for a cluster");
    struct oneshot_options options = {
        .loop = j->connection.loop,
        .cluster = live ? j->connection.cluster : j->offline,
        .bundle = j->bundle,
        .cr = j->cr,
        .grace_s = s->grace_s,
        .timeout_ms = s->timeout_s * 1000,
        .secret_content = s->secret_content,
        .waiting = reading,
        .arg = &j->progress,
    };
    if (!rc && !(j->oneshot = oneshot_new(&options, err))) rc = (int)err->code;
    return rc || live ? rc : read_snapshot(j, err);
}

static struct doc *make_report(const struct job *j, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a report");
        return NULL;
    }
    put_about(b, &j->settings, j->connection.config ? j->connection.config->server : NULL);
    struct doc *about = doc_builder_finish(b, err), *report = about ? oneshot_report(j->oneshot, about, err) : NULL;
    doc_builder_free(b);
    doc_unref(about);
    return report;
}

static int print_report(const struct job *j, struct err *err) {
    struct buf text = buf_new(MAX_REPORT_BYTES);
    struct doc *report = make_report(j, err);
    int rc = report ? oneshot_render(j->oneshot, str_of(j->settings.output), report, &text, err) : (int)err->code;
    if (!rc && (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout)))
        rc = err_set(err, ERR_IO, "cannot write the report: %m");
    doc_unref(report);
    buf_free(&text);
    return rc;
}

/* What could not be looked at counts for more than what was found: it may be worse. */
static int verdict(const struct job *j) {
    if (oneshot_failing(j->oneshot)) return EXIT_POLICY;
    if (oneshot_unread(j->oneshot)) return EXIT_CLUSTER;
    return oneshot_problems(j->oneshot) && !j->settings.exit_zero ? EXIT_PROBLEMS : EXIT_HEALTHY;
}

/* A report of anything else says so in its parameters, and is another verb's. */
static bool is_of_diagnosis(const struct policy *report) {
    return report && doc_type(doc_path(doc_root(report->params), "about")) == DOC_ABSENT;
}

static int refuse_report(const struct job *j) {
    const char *separator = "";
    fprintf(stderr, "analyze: -o: there is no report %s; there are", j->settings.output);
    for (size_t i = 0; i < bundle_count(j->bundle, POLICY_REPORT); i++) {
        const struct policy *report = bundle_at(j->bundle, POLICY_REPORT, i);
        if (!is_of_diagnosis(report)) continue;
        fprintf(stderr, "%s %s", separator, report->name);
        separator = ",";
    }
    fputs("\n", stderr);
    return EXIT_USAGE;
}

/* A slip would pass for a healthy namespace. */
static int check_namespaces(const struct job *j, struct err *err) {
    const struct flag_values *wanted = &j->settings.namespaces;
    for (size_t i = 0; i < wanted->count; i++) {
        const char *name = wanted->items[i];
        if (!strchr(name, '*') && !oneshot_has_namespace(j->oneshot, str_of(name)))
            return err_set(err, ERR_NOT_FOUND, "--namespace: there is no namespace %.100s in what was read", name);
    }
    return 0;
}

/* What a look needs: nothing is told, written or run by steps. */
static const unsigned KINDS = 1u << POLICY_ANALYZER | 1u << POLICY_CORRELATE | 1u << POLICY_FILTER | 1u << POLICY_REPORT;

static int analyze(struct job *j) {
    const struct settings *s = &j->settings;
    int64_t now_ms;
    struct err err;
    if (s->now && clock_parse(str_of(s->now), &now_ms)) clock_fix_wall(now_ms);
    if (!(j->cr = flag_cr(&s->filters, &s->namespaces, s->selector, &err))) return usage(err.msg, NULL);
    if (!(j->bundle = flag_policies(s->builtin, &s->policy_dirs, KINDS, &err))) return fail(j, EXIT_POLICY, &err);
    if (!is_of_diagnosis(bundle_find(j->bundle, POLICY_REPORT, str_of(s->output)))) return refuse_report(j);
    if (open_cluster(j, &err)) return fail(j, EXIT_CLUSTER, &err);
    int rc = oneshot_read(j->oneshot, &err);
    if (!rc) rc = check_namespaces(j, &err);
    if (rc) return fail(j, rc == ERR_NOT_FOUND ? EXIT_USAGE : rc == ERR_POLICY ? EXIT_POLICY : EXIT_CLUSTER, &err);
    progress_say(&j->progress, "looking at what was read");
    rc = oneshot_diagnose(j->oneshot, &err);
    progress_end(&j->progress);
    if (!rc) rc = print_report(j, &err);
    if (rc) return fail(j, rc == ERR_IO ? EXIT_CLUSTER : EXIT_POLICY, &err);
    return verdict(j);
}

int cli_analyze(int argc, char **argv) {
    /* Static and never given back: the process ends here, and to take apart what it holds piece by piece would only take time. */
    static struct job j;
    j = (struct job){.settings = {.grace_s = -1, .timeout_s = TIMEOUT_S, .output = "text"}, .progress = progress_begin("analyze")};
    int code = read_flags(&j.settings, argc, argv);
    if (code >= 0) return code;
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    heap_of_one_look();
    j.snapshot = snapshot_new();
    return analyze(&j);
}
