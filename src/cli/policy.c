/* policy: work on policies without a cluster. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/paths.h"
#include "cli/verbs.h"
#include "doc/json.h"
#include "operator/policytest.h"

static const char HELP[] =
    "Usage: k8sgpt-operator policy test [flags] DIR...\n"
    "\n"
    "Runs the test tables of policies in the sandbox of production: of a folder of policies (KIND/NAME/policy.lua), of a mounted\n"
    "ConfigMap (KIND.NAME.lua beside KIND.NAME.test.yaml), or of one policy (a folder with policy.lua). Every policy needs a table.\n"
    "\n"
    "Flags:\n"
    "  --builtin-policies DIR  the policies below the tested ones, instead of those that came with this executable\n"
    "  --trace                 print what policies say by ctx.trace\n"
    "  -o json                 one line of JSON a case, with what an analyzer found in it\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit code: 0 all passed, 1 a case failed, 2 wrong usage, 3 a policy does not load.\n"
    "\n"
    "Examples:\n"
    "  k8sgpt-operator policy test policies\n"
    "  k8sgpt-operator policy test --trace my-overrides/analyzers/Pod\n";

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_POLICY = 3 };

struct options {
    const char *builtin;
    bool trace, json;
};

struct tally {
    const struct options *options;
    char policy[160]; /* "analyzers/Pod" */
    size_t passed, failed;
};

/* ---- results -------------------------------------------------------------------------------------------------------------------- */

static void print_json(const struct tally *t, const char *name, const char *problem, struct doc_value found) {
    enum { MAX_LINE_BYTES = 1024 * 1024 };
    struct buf line = buf_new(MAX_LINE_BYTES);
    struct err err;
    int rc = buf_puts(&line, "{\"policy\":", &err);
    if (!rc) rc = json_write_str(str_of(t->policy), JSON_COMPACT, &line, &err);
    if (!rc) rc = buf_puts(&line, ",\"case\":", &err);
    if (!rc) rc = json_write_str(str_of(name), JSON_COMPACT, &line, &err);
    if (!rc) rc = buf_printf(&line, &err, ",\"passed\":%s,\"problem\":", problem ? "false" : "true");
    if (!rc) rc = json_write_str(str_of(problem), JSON_COMPACT, &line, &err);
    if (!rc && doc_type(found) != DOC_ABSENT) rc = buf_puts(&line, ",\"found\":", &err);
    if (!rc && doc_type(found) != DOC_ABSENT) rc = json_write(found, JSON_COMPACT, &line, &err);
    if (!rc) printf("%s}\n", line.data);
    buf_free(&line);
}

static void result(const char *name, const char *problem, struct doc_value found, void *arg) {
    struct tally *t = arg;
    if (problem)
        t->failed++;
    else
        t->passed++;
    if (t->options->json)
        print_json(t, name, problem, found);
    else if (problem)
        printf("FAILED %s: %s\n       %s\n", t->policy, name, problem);
}

static void trace(struct str message, void *arg) {
    const struct tally *t = arg;
    printf("       %s: " STR_FMT "\n", t->policy, STR_ARG(message));
}

/* ---- tables --------------------------------------------------------------------------------------------------------------------- */

static bool exists(const char *path) { return access(path, R_OK) == 0; }

/* KIND/NAME/policy_test.yaml in a tree, KIND.NAME.test.yaml in a ConfigMap. */
static char *table_of(const char *dir, const struct policy *p) {
    char *tree = NULL, *flat = NULL;
    const char *folder = policy_kind_folder(p->kind);
    if (asprintf(&tree, "%s/%s/%s/policy_test.yaml", dir, folder, p->name) < 0) tree = NULL;
    if (asprintf(&flat, "%s/%s.%s.test.yaml", dir, folder, p->name) < 0) flat = NULL;
    char *found = tree && exists(tree) ? tree : flat && exists(flat) ? flat : NULL;
    if (found != tree) free(tree);
    if (found != flat) free(flat);
    return found;
}

static void test_policy(const char *dir, const struct policy *p, struct tally *t) {
    struct policytest_listener listener = {result, t->options->trace ? trace : NULL, t};
    char *table = table_of(dir, p);
    struct err err;
    snprintf(t->policy, sizeof t->policy, "%.40s/%.100s", policy_kind_folder(p->kind), p->name);
    if (!table)
        result("table", "there is no policy_test.yaml beside it", DOC_NO_VALUE, t);
    else if (policytest_run(p, table, &listener, &err))
        result("table", err.msg, DOC_NO_VALUE, t);
    free(table);
}

static int load(const char *dir, const char *below, const char *lua_dir, struct bundle **bundle) {
    struct bundle_source sources[] = {{below ? below : dir, LAYER_BUILTIN}, {dir, LAYER_CLUSTER}};
    struct bundle_options options = {.lua_dir = lua_dir, .sources = sources, .source_count = below ? 2 : 1};
    struct bundle_problems problems = {0};
    struct err err;
    *bundle = bundle_load(&options, &problems, &err);
    for (size_t i = 0; !*bundle && i < problems.count; i++) fprintf(stderr, "policy test: %s\n", problems.items[i].message);
    if (!*bundle && problems.count == 0) fprintf(stderr, "policy test: %s\n", err.msg);
    bundle_problems_free(&problems);
    return *bundle ? 0 : EXIT_POLICY;
}

/* Of `dir` as a layer above `below` (NULL: it is the built-in layer itself). */
static int test_layer(const char *dir, const char *below, const char *lua_dir, struct tally *t) {
    struct bundle *bundle;
    int rc = load(dir, below, lua_dir, &bundle);
    if (rc) return rc;
    for (int kind = 0; kind < POLICY_KINDS; kind++) {
        for (size_t i = 0; i < bundle_count(bundle, (enum policy_kind)kind); i++) {
            const struct policy *p = bundle_at(bundle, (enum policy_kind)kind, i);
            if (p->layer == (below ? LAYER_CLUSTER : LAYER_BUILTIN)) test_policy(dir, p, t);
        }
    }
    bundle_unref(bundle);
    return 0;
}

/* ---- one policy ------------------------------------------------------------------------------------------------------------------- */

static const char *folder_of_kind(const char *kind) {
    for (int k = 0; k < POLICY_KINDS; k++)
        if (!strcmp(kind, policy_kind_name((enum policy_kind)k))) return policy_kind_folder((enum policy_kind)k);
    return NULL;
}

/* The kind that a policy file declares, read as text: loading it needs to know the kind first. */
static bool declared_kind(const char *dir, char kind[32], struct err *err) {
    enum { MAX_POLICY_BYTES = 1024 * 1024 };
    char *path = NULL;
    struct buf text = buf_new(MAX_POLICY_BYTES);
    bool found = false; /* other tables have a kind too */
    if (asprintf(&path, "%s/policy.lua", dir) < 0) return err_set(err, ERR_NOMEM, "no memory") && false;
    if (!file_read(path, &text, err))
        for (char *at = text.data; at && !found && (at = strstr(at, "kind")); at += 4)
            found = sscanf(at + 4, " = \"%31[a-z]", kind) == 1 && folder_of_kind(kind);
    buf_free(&text);
    free(path);
    return found;
}

/* A tree with nothing but this policy, by links, in a temporary folder. */
static int test_one(const char *dir, const char *below, const char *lua_dir, struct tally *t) {
    char kind[32], root[] = "/tmp/k8sgpt-policy-XXXXXX", folder[PATH_MAX], link[PATH_MAX * 2];
    struct err err = {0};
    const char *name = strrchr(dir, '/'), *of_kind = declared_kind(dir, kind, &err) ? folder_of_kind(kind) : NULL;
    if (!of_kind) {
        fprintf(stderr, "policy test: %s/policy.lua: %s\n", dir, err.code ? err.msg : "it declares no kind that there is");
        return EXIT_POLICY;
    }
    if (!mkdtemp(root)) return perror("policy test: a temporary folder"), EXIT_FAILED;
    snprintf(folder, sizeof folder, "%s/%s", root, of_kind);
    snprintf(link, sizeof link, "%s/%s", folder, name ? name + 1 : dir);
    int rc = mkdir(folder, 0700) || symlink(dir, link) ? EXIT_FAILED : test_layer(root, below, lua_dir, t);
    unlink(link);
    rmdir(folder);
    rmdir(root);
    return rc;
}

static int test_dir(const char *dir, const struct paths *paths, struct tally *t) {
    char real[PATH_MAX], builtin[PATH_MAX], policy[PATH_MAX + 16];
    if (!realpath(dir, real)) {
        fprintf(stderr, "policy test: there is no folder %s\n", dir);
        return EXIT_USAGE;
    }
    if (!realpath(paths->policies, builtin)) builtin[0] = '\0';
    snprintf(policy, sizeof policy, "%s/policy.lua", real);
    if (exists(policy)) return test_one(real, paths->policies, paths->lua, t);
    return test_layer(real, strcmp(real, builtin) ? paths->policies : NULL, paths->lua, t);
}

/* ---- the verb --------------------------------------------------------------------------------------------------------------------- */

static int usage(const char *what, const char *value) { return verb_usage("policy", what, value); }

/* -1: go on; else the exit code. */
static int read_flags(struct options *o, int argc, char **argv) {
    static const struct option FLAGS[] = {{"builtin-policies", required_argument, NULL, 'b'},
                                          {"trace", no_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int flag;
    optind = 0;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, "ho:", FLAGS, NULL)) != -1) {
        if (flag == 'h') return fputs(HELP, stdout), 0;
        if (flag == 'b')
            o->builtin = optarg;
        else if (flag == 't')
            o->trace = true;
        else if (flag == 'o' && !strcmp(optarg, "json"))
            o->json = true;
        else
            return usage("unknown or incomplete flag ", argv[optind - 1]);
    }
    return -1;
}

int cli_policy(int argc, char **argv) {
    struct options options = {0};
    struct tally tally = {.options = &options};
    struct paths paths;
    struct err err;
    int code = read_flags(&options, argc, argv);
    if (code >= 0) return code;
    if (optind + 2 > argc || strcmp(argv[optind], "test")) return usage("say 'policy test DIR'", NULL);
    if (paths_find(options.builtin, &paths, &err)) {
        fprintf(stderr, "policy test: %s\n", err.msg);
        return EXIT_FAILED;
    }
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    int rc = 0;
    for (int i = optind + 1; !rc && i < argc; i++) rc = test_dir(argv[i], &paths, &tally);
    paths_free(&paths);
    if (rc) return rc;
    if (!options.json) printf("%zu passed, %zu failed\n", tally.passed, tally.failed);
    return tally.failed ? EXIT_FAILED : 0;
}
