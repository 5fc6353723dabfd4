/* snapshot: writes down of a cluster what policies read. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/connection.h"
#include "cli/oneshot_flags.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "kube/snapshot.h"
#include "operator/oneshot.h"

static const char HELP[] =
    "Usage: k8sgpt-operator snapshot [flags]\n"
    "\n"
    "Writes down what policies read of a cluster, an object a line, for analyze --from: the fields that they declare and no others, "
    "nothing\n"
    "of managedFields, and of Secrets only which there are.\n"
    "\n"
    "Flags:\n"
    "  --kubeconfig FILE       how to reach the cluster (default: $KUBECONFIG, the pod's account, ~/.kube/config)\n"
    "  --context NAME          context of the kubeconfig\n"
    "  --timeout DURATION      give up reading the cluster after that (default 2m)\n"
    "  --filter NAME           what this analyzer reads, instead of what any does; +NAME and -NAME change the core set (repeatable)\n"
    "  --policy-dir DIR        policies of your own: a folder, or a mounted ConfigMap (repeatable; later ones win)\n"
    "  --builtin-policies DIR  the policies to start from, instead of those that came with this executable\n"
    "  -o FILE                 where to write (default: standard output)\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit code: 0 done, 1 it could not be written, 2 wrong usage, 3 a policy does not load, 4 the cluster could not be read, or not all\n"
    "that was wanted of it: what is missing is said on standard error and in the snapshot.\n"
    "\n"
    "Examples:\n"
    "  k8sgpt-operator snapshot -o shop.jsonl && k8sgpt-operator analyze --from shop.jsonl\n"
    "  k8sgpt-operator snapshot --context staging --filter Pod | gzip > pods.jsonl.gz\n";

enum { EXIT_FAILED = 1, EXIT_USAGE, EXIT_POLICY, EXIT_CLUSTER };

enum { MAX_SNAPSHOT_BYTES = 1024 * 1024 * 1024, TIMEOUT_S = 120 };

struct settings {
    struct flag_values filters, policy_dirs;
    const char *kubeconfig, *context, *builtin, *file;
    int64_t timeout_s;
};

enum flag { F_KUBECONFIG = 256, F_CONTEXT, F_TIMEOUT, F_FILTER, F_POLICY_DIR, F_BUILTIN };

static const struct option FLAGS[] = {
    {"kubeconfig", required_argument, NULL, F_KUBECONFIG},
    {"context", required_argument, NULL, F_CONTEXT},
    {"timeout", required_argument, NULL, F_TIMEOUT},
    {"filter", required_argument, NULL, F_FILTER},
    {"policy-dir", required_argument, NULL, F_POLICY_DIR},
    {"builtin-policies", required_argument, NULL, F_BUILTIN},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int usage(const char *what, const char *value) { return verb_usage("snapshot", what, value); }

static int add(struct flag_values *list, const char *value) { return flag_take("snapshot", list, value); }

static int take(struct settings *s, int flag, const char *value) {
    switch (flag) {
    case F_KUBECONFIG: s->kubeconfig = value; return 0;
    case F_CONTEXT: s->context = value; return 0;
    case F_FILTER: return add(&s->filters, value);
    case F_POLICY_DIR: return flag_take_folder("snapshot", &s->policy_dirs, value);
    case F_BUILTIN: s->builtin = value; return 0;
    case 'o': s->file = value; return 0;
    default:
        return flag_duration(value, &s->timeout_s) && s->timeout_s ? 0 : usage("--timeout takes a duration such as 30s or 5m, not ", value);
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
    return optind < argc ? usage("unexpected argument ", argv[optind]) : -1;
}

struct job {
    struct settings settings;
    struct bundle *bundle;
    struct connection connection;
    struct doc *cr;
    struct oneshot *oneshot;
    struct progress progress;
    bool unread; /* something that was wanted is not in it */
};

static int fail(struct job *j, int code, const struct err *err) {
    progress_end(&j->progress);
    fprintf(stderr, "snapshot: %s\n", err->msg);
    return code;
}

static void tell_unread(const struct store *store, void *arg) {
    struct job *j = arg;
    const struct err *why = NULL;
    const struct gvk *gvk = store_gvk(store);
    enum reflector_state state = cluster_state(j->connection.cluster, gvk, &why);
    if (state == REFLECTOR_SYNCED || state == REFLECTOR_MISSING) return;
    fprintf(stderr, "snapshot: %s could not be read: %s\n", gvk->text, why ? why->msg : "there was no time for it");
    j->unread = true;
}

static int write_out(const struct job *j, struct err *err) {
    struct buf text = buf_new(MAX_SNAPSHOT_BYTES);
    int rc = snapshot_write(j->connection.cluster, &text, err);
    if (!rc && j->settings.file)
        rc = file_write(j->settings.file, (struct str){text.data, text.len}, 0600, err);
    else if (!rc && (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout)))
        rc = err_set(err, ERR_IO, "cannot write the snapshot");
    buf_free(&text);
    return rc;
}

static void reading(void *arg) { progress_say(arg, "reading the cluster"); }

static int snapshot(struct job *j) {
    const struct settings *s = &j->settings;
    struct err err;
    if (!(j->cr = flag_cr(&s->filters, NULL, NULL, &err))) return fail(j, EXIT_FAILED, &err);
    if (!(j->bundle = flag_policies(s->builtin, &s->policy_dirs, 0, &err))) return fail(j, EXIT_POLICY, &err);
    if (connection_open(&j->connection, s->kubeconfig, s->context, &err)) return fail(j, EXIT_CLUSTER, &err);
    struct oneshot_options options = {
        .loop = j->connection.loop,
        .cluster = j->connection.cluster,
        .bundle = j->bundle,
        .cr = j->cr,
        .timeout_ms = s->timeout_s * 1000,
        .waiting = reading,
        .arg = &j->progress,
    };
    if (!(j->oneshot = oneshot_new(&options, &err))) return fail(j, EXIT_FAILED, &err);
    int rc = oneshot_capture(j->oneshot, s->filters.count == 0, &err);
    if (rc) return fail(j, rc == ERR_NOT_FOUND ? EXIT_USAGE : rc == ERR_POLICY ? EXIT_POLICY : EXIT_CLUSTER, &err);
    progress_end(&j->progress);
    cluster_each_store(j->connection.cluster, tell_unread, j);
    if (write_out(j, &err)) return fail(j, EXIT_FAILED, &err);
    return j->unread ? EXIT_CLUSTER : 0;
}

int cli_snapshot(int argc, char **argv) {
    struct job j = {.settings = {.timeout_s = TIMEOUT_S}, .progress = progress_begin("snapshot")};
    int code = read_flags(&j.settings, argc, argv);
    if (code >= 0) return code;
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    code = snapshot(&j);
    oneshot_free(j.oneshot);
    connection_close(&j.connection);
    bundle_unref(j.bundle);
    doc_unref(j.cr);
    return code;
}
