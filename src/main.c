/* k8sgpt-operator: the verbs of the command line. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/verbs.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} VERBS[] = {
    {"run", cli_run, "watch K8sGPT resources and diagnose the cluster for them (the default)"},
    {"analyze", cli_analyze, "say once what is wrong in a cluster or a snapshot of one"},
    {"snapshot", cli_snapshot, "write down what policies read of a cluster, for analyze"},
    {"rbac", cli_rbac, "print the roles that the operator needs"},
    {"policy", cli_policy, "test policies against their tables"},
    {"render", cli_render, "show the objects that a K8sGPT resource would get"},
    {"dev-cluster", cli_dev_cluster, "an API server in memory, for demos and tests"},
    {"version", cli_version, "what this build is"},
};
enum { VERB_COUNT = sizeof VERBS / sizeof *VERBS };

static void help(FILE *out) {
    fputs("Usage: k8sgpt-operator [VERB] [flags]\n\nDiagnoses Kubernetes clusters by Lua policies, as an operator.\n\nVerbs:\n", out);
    for (int i = 0; i < VERB_COUNT; i++) fprintf(out, "  %-12s %s\n", VERBS[i].name, VERBS[i].what);
    fputs("\nExamples:\n"
          "  k8sgpt-operator run --engine embedded --policy-dir /etc/k8sgpt/policies\n"
          "  k8sgpt-operator policy test policies\n"
          "  k8sgpt-operator VERB --help\n",
          out);
}

/* Memory holds what the cluster's objects say: it is not to land in a core file. */
static void forbid_core_files(void) {
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none)) perror("k8sgpt-operator: cannot forbid core files");
}

int main(int argc, char **argv) {
    forbid_core_files();
    const char *verb = argc > 1 ? argv[1] : "";
    if (!strcmp(verb, "--help") || !strcmp(verb, "-h") || !strcmp(verb, "help")) {
        help(stdout);
        return 0;
    }
    if (*verb == '-' || !*verb) return cli_run(argc, argv);
    for (int i = 0; i < VERB_COUNT; i++)
        if (!strcmp(verb, VERBS[i].name)) return VERBS[i].run(argc - 1, argv + 1);
    fprintf(stderr, "k8sgpt-operator: there is no verb '%s'\n\n", verb);
    help(stderr);
    return 2;
}
