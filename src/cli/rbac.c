/* rbac: the roles that the operator needs, without a cluster. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/namespaces.h"
#include "cli/oneshot_flags.h"
#include "cli/verbs.h"
#include "doc/builder.h"
#include "operator/oneshot.h"

static const char HELP[] =
    "Usage: k8sgpt-operator rbac [flags]\n"
    "\n"
    "Prints the roles that the operator needs, and their bindings, ready to apply: what the policies in use read, and what it asks for\n"
    "itself; no more than that, and nothing by a wildcard. No cluster is asked.\n"
    "\n"
    "Flags:\n"
    "  --filter NAME           for K8sGPTs with this analyzer instead of the core set; +NAME and -NAME change the core set (repeatable)\n"
    "  --engine NAME           embedded or deployment, as run has it (default: either, as a K8sGPT may choose)\n"
    "  --namespace NS          in these namespaces only, as run --watch-namespace has them (repeatable, or NS,NS; default all)\n"
    "  --leader-elect          with a leader election\n"
    "  --leader-election-namespace NS\n"
    "                          where the Lease is (default: the namespace of the service account)\n"
    "  --service-account NS:NAME\n"
    "                          whom the roles are given to (default k8sgpt-operator-system:k8sgpt-operator-controller-manager)\n"
    "  --policy-dir DIR        policies of your own: a folder, or a mounted ConfigMap (repeatable; later ones win)\n"
    "  --builtin-policies DIR  the policies to start from, instead of those that came with this executable\n"
    "  -o yaml|json            yaml, with who needs what, or a List in JSON (default yaml)\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit code: 0 done, 1 it could not be written, 2 wrong usage, 3 a policy does not load or failed.\n"
    "\n"
    "Examples:\n"
    "  k8sgpt-operator rbac --engine embedded | kubectl apply -f -\n"
    "  k8sgpt-operator rbac --filter Pod --filter Deployment --namespace shop,billing --service-account tools:k8sgpt\n";

enum { EXIT_FAILED = 1, EXIT_USAGE, EXIT_POLICY };

enum { MAX_OUTPUT_BYTES = 4 * 1024 * 1024 };

struct settings {
    struct flag_values filters, policy_dirs;
    struct namespaces namespaces;
    struct str account_ns, account_name, election_ns; /* election_ns empty: the account's */
    const char *engine, *builtin, *output;
    bool elects;
};

/* ---- flags -------------------------------------------------------------------------------------------------------------------- */

enum flag { F_FILTER = 256, F_ENGINE, F_NAMESPACE, F_ELECT, F_ELECTION_NAMESPACE, F_ACCOUNT, F_POLICY_DIR, F_BUILTIN };

static const struct option FLAGS[] = {
    {"filter", required_argument, NULL, F_FILTER},
    {"engine", required_argument, NULL, F_ENGINE},
    {"namespace", required_argument, NULL, F_NAMESPACE},
    {"leader-elect", no_argument, NULL, F_ELECT},
    {"leader-election-namespace", required_argument, NULL, F_ELECTION_NAMESPACE},
    {"service-account", required_argument, NULL, F_ACCOUNT},
    {"policy-dir", required_argument, NULL, F_POLICY_DIR},
    {"builtin-policies", required_argument, NULL, F_BUILTIN},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int usage(const char *what, const char *value) { return verb_usage("rbac", what, value); }

static int add(struct flag_values *list, const char *value) { return flag_take("rbac", list, value); }

static bool is(const char *value, const char *name) { return !strcmp(value, name); }

static int take_namespaces(struct settings *s, const char *list) {
    struct err err;
    return namespaces_add(&s->namespaces, list, &err) ? usage("--namespace: ", err.msg) : 0;
}

static int take_election(struct settings *s, const char *value) {
    s->elects = true;
    s->election_ns = str_of(value);
    return namespaces_is_name(s->election_ns) ? 0 : usage("--leader-election-namespace takes the name of a namespace, not ", value);
}

/* The name of a ServiceAccount may be longer than that of a namespace and have dots, but nobody gives it such a name. */
static int take_account(struct settings *s, const char *value) {
    bool two = str_cut(str_of(value), ':', &s->account_ns, &s->account_name);
    if (two && namespaces_is_name(s->account_ns) && namespaces_is_name(s->account_name)) return 0;
    return usage("--service-account takes NAMESPACE:NAME, not ", value);
}

static int take(struct settings *s, int flag, const char *value) {
    switch (flag) {
    case F_FILTER: return add(&s->filters, value);
    case F_POLICY_DIR: return flag_take_folder("rbac", &s->policy_dirs, value);
    case F_BUILTIN: s->builtin = value; return 0;
    case F_NAMESPACE: return take_namespaces(s, value);
    case F_ELECT: s->elects = true; return 0;
    case F_ELECTION_NAMESPACE: return take_election(s, value);
    case F_ACCOUNT: return take_account(s, value);
    case F_ENGINE:
        s->engine = value;
        return is(value, "embedded") || is(value, "deployment") ? 0 : usage("--engine is embedded or deployment, not ", value);
    default: s->output = value; return is(value, "yaml") || is(value, "json") ? 0 : usage("-o is yaml or json, not ", value);
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

/* ---- the roles ---------------------------------------------------------------------------------------------------------------- */

struct job {
    struct settings settings;
    struct bundle *bundle;
    struct cluster *offline; /* with nothing in it */
    struct doc *cr;
    struct oneshot *oneshot;
};

static int fail(int code, const struct err *err) {
    fprintf(stderr, "rbac: %s\n", err->msg);
    return code;
}

static void put_about(struct doc_builder *b, const struct settings *s) {
    doc_begin_object(b);
    doc_pair_str(b, "version", str_of(version_text()));
    doc_pair_str(b, "format", str_of(s->output));
    doc_key(b, STR("namespaces"));
    doc_begin_array(b);
    for (size_t i = 0; i < s->namespaces.count; i++) doc_put_str(b, str_of(s->namespaces.names[i]));
    doc_end_array(b);
    doc_pair_str(b, "electionNamespace", s->election_ns.n ? s->election_ns : s->account_ns);
    doc_key(b, STR("account"));
    doc_begin_object(b);
    doc_pair_str(b, "namespace", s->account_ns);
    doc_pair_str(b, "name", s->account_name);
    doc_end_object(b);
    doc_end_object(b);
}

static struct doc *needs_of(const struct job *j, struct err *err) {
    const struct settings *s = &j->settings;
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a list of rights");
        return NULL;
    }
    put_about(b, s);
    struct doc *about = doc_builder_finish(b, err);
    unsigned engines = !s->engine ? ENGINE_EMBEDDED | ENGINE_DEPLOYMENT : is(s->engine, "embedded") ? ENGINE_EMBEDDED : ENGINE_DEPLOYMENT;
    struct doc *needs = about ? oneshot_rights(j->oneshot, about, engines, s->elects, err) : NULL;
    doc_builder_free(b);
    doc_unref(about);
    return needs;
}

static int print_roles(struct job *j) {
    struct buf text = buf_new(MAX_OUTPUT_BYTES);
    struct err err;
    struct doc *needs = needs_of(j, &err);
    int rc = needs ? oneshot_render(j->oneshot, STR("rbac"), needs, &text, &err) : (int)err.code;
    int code = rc ? fail(EXIT_POLICY, &err) : 0;
    if (!rc && (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout))) {
        fputs("rbac: cannot write the roles\n", stderr);
        code = EXIT_FAILED;
    }
    doc_unref(needs);
    buf_free(&text);
    return code;
}

static int rbac(struct job *j) {
    const struct settings *s = &j->settings;
    struct err err;
    if (!(j->cr = flag_cr(&s->filters, NULL, NULL, &err))) return fail(EXIT_FAILED, &err);
    if (!(j->bundle = flag_policies(s->builtin, &s->policy_dirs, 0, &err))) return fail(EXIT_POLICY, &err);
    if (!(j->offline = cluster_new_offline())) return fail(EXIT_FAILED, &(struct err){.msg = "no memory for a cluster"});
    struct oneshot_options options = {.cluster = j->offline, .bundle = j->bundle, .cr = j->cr};
    if (!(j->oneshot = oneshot_new(&options, &err))) return fail(EXIT_FAILED, &err);
    int rc = oneshot_read(j->oneshot, &err);
    return rc ? fail(rc == ERR_NOT_FOUND ? EXIT_USAGE : EXIT_POLICY, &err) : print_roles(j);
}

int cli_rbac(int argc, char **argv) {
    struct job j = {.settings = {
                        .account_ns = STR("k8sgpt-operator-system"),
                        .account_name = STR("k8sgpt-operator-controller-manager"),
                        .output = "yaml",
                    }};
    int code = read_flags(&j.settings, argc, argv);
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    if (code < 0) code = rbac(&j);
    oneshot_free(j.oneshot);
    cluster_free(j.offline);
    bundle_unref(j.bundle);
    doc_unref(j.cr);
    namespaces_free(&j.settings.namespaces);
    return code;
}
