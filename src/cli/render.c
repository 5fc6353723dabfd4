/* render: the objects that K8sGPT resources would get, without a cluster. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/dynamic_rbac.h"
#include "cli/oneshot_flags.h"
#include "cli/verbs.h"
#include "doc/json.h"
#include "doc/manifest.h"
#include "doc/yaml.h"
#include "operator/preview.h"

static const char HELP[] =
    "Usage: k8sgpt-operator render [flags] FILE...\n"
    "\n"
    "Prints the objects that the operator would make for K8sGPT resources: those of the K8sGPT Deployment, as the render policies want "
    "them.\n"
    "Asks no cluster. FILE holds K8sGPT resources, YAML or JSON, one or many documents (\"-\": standard input); other kinds in it are "
    "passed\n"
    "over. Give all resources of a namespace together, as they share some objects.\n"
    "\n"
    "Flags:\n"
    "  -n, --namespace NAME            of resources that name none (default default)\n"
    "  -o yaml|json                    as documents, or as one List (default yaml)\n"
    "  --engine deployment|embedded    who diagnoses where a K8sGPT does not say (default deployment)\n"
    "  --policy-dir DIR                policies of your own: a folder, or a mounted ConfigMap (repeatable; later ones win)\n"
    "  --builtin-policies DIR          the policies to start from, instead of those that came with this executable\n"
    "  -h, --help                      this text\n"
    "\n"
    "Environment: K8SGPT_ENABLE_DYNAMIC_RBAC, as for the verb run.\n"
    "\n"
    "Exit code: 0 done, 1 a file cannot be read or a K8sGPT is not valid, 2 wrong usage, 3 a policy failed.\n"
    "\n"
    "Examples:\n"
    "  k8sgpt-operator render samples/valid_k8sgpt.yaml\n"
    "  k8sgpt-operator render -n ops --policy-dir ./overrides k8sgpt.yaml | kubectl diff -f -\n";

enum { EXIT_FAILED = 1, EXIT_USAGE, EXIT_POLICY };

enum { MAX_FILE_BYTES = 16 * 1024 * 1024, MAX_TEXT_BYTES = 64 * 1024 * 1024 };

struct settings {
    struct flag_values policy_dirs;
    const char *namespace_, *engine, *builtin;
    bool json;
};

enum flag { F_ENGINE = 256, F_POLICY_DIR, F_BUILTIN };

static const struct option FLAGS[] = {
    {"namespace", required_argument, NULL, 'n'},
    {"output", required_argument, NULL, 'o'},
    {"engine", required_argument, NULL, F_ENGINE},
    {"policy-dir", required_argument, NULL, F_POLICY_DIR},
    {"builtin-policies", required_argument, NULL, F_BUILTIN},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int usage(const char *what, const char *value) { return verb_usage("render", what, value); }

static int take_word(struct settings *s, int flag, const char *value) {
    bool json = strcmp(value, "json") == 0, embedded = strcmp(value, "embedded") == 0;
    if (flag == 'o') {
        if (!json && strcmp(value, "yaml") != 0) return usage("-o is yaml or json, not ", value);
        s->json = json;
        return 0;
    }
    if (!embedded && strcmp(value, "deployment") != 0) return usage("--engine is deployment or embedded, not ", value);
    s->engine = value;
    return 0;
}

static int take(struct settings *s, int flag, const char *value) {
    switch (flag) {
    case 'n': s->namespace_ = value; return 0;
    case F_BUILTIN: s->builtin = value; return 0;
    case F_POLICY_DIR: return flag_take_folder("render", &s->policy_dirs, value);
    default: return take_word(s, flag, value);
    }
}

/* -1: go on; else the exit code. */
static int read_flags(struct settings *s, int argc, char **argv) {
    int flag, rc;
    optind = 0;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, "hn:o:", FLAGS, NULL)) != -1) {
        if (flag == '?') return usage("unknown or incomplete flag ", argv[optind - 1]);
        if (flag == 'h') return fputs(HELP, stdout), 0;
        if ((rc = take(s, flag, optarg))) return rc;
    }
    return optind < argc ? -1 : usage("name a file with a K8sGPT resource, or - for standard input", NULL);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------------------- */

struct job {
    struct settings settings;
    struct bundle *bundle;
    struct preview *preview;
};

static void put_metadata(struct doc_builder *b, struct doc_value metadata, struct str ns) {
    doc_begin_object(b);
    doc_pair_str(b, "namespace", ns);
    for (size_t i = 0; i < doc_len(metadata); i++) {
        struct str key;
        struct doc_value value = doc_pair(metadata, i, &key, NULL);
        if (str_is(key, "namespace")) continue;
        doc_key(b, key);
        doc_put_value(b, value);
    }
    doc_end_object(b);
}

/* A copy that names its namespace. */
static struct doc *in_namespace(const struct doc *object, struct str ns, struct err *err) {
    struct doc_value o = doc_root(object);
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a K8sGPT");
        return NULL;
    }
    doc_begin_object(b);
    for (size_t i = 0; i < doc_len(o); i++) {
        struct str key;
        struct doc_value value = doc_pair(o, i, &key, NULL);
        doc_key(b, key);
        if (str_is(key, "metadata"))
            put_metadata(b, value, ns);
        else
            doc_put_value(b, value);
    }
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

static int add_object(struct doc *object, const struct projection *kept, void *arg, struct err *err) {
    (void)kept;
    const struct job *j = arg;
    struct doc_value o = doc_root(object);
    struct str ns = doc_path_str(o, "metadata.namespace");
    if (!str_is(doc_path_str(o, "kind"), "K8sGPT") || !str_starts(doc_path_str(o, "apiVersion"), STR("core.k8sgpt.ai/"))) return 0;
    struct doc *cr = in_namespace(object, ns.n ? ns : str_of(j->settings.namespace_), err);
    if (!cr) return (int)err->code;
    int rc = preview_add(j->preview, cr, err);
    doc_unref(cr);
    return rc;
}

static int read_file(struct job *j, const char *path, struct err *err) {
    struct buf text = buf_new(MAX_FILE_BYTES);
    const char *title = strcmp(path, "-") ? path : "standard input";
    size_t before = preview_count(j->preview);
    int rc = file_read(path, &text, err);
    if (!rc && (rc = manifest_read((struct str){text.data, text.len}, add_object, NULL, j, err))) err_prefix(err, "%s", title);
    if (!rc && preview_count(j->preview) == before) rc = err_set(err, ERR_INVALID, "%s: there is no K8sGPT resource in it", title);
    buf_free(&text);
    return rc;
}

/* ---- printing --------------------------------------------------------------------------------------------------------------------- */

static int put_yaml(struct doc_value objects, struct buf *out, struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(objects); i++) rc = yaml_write(doc_at(objects, i), out, err);
    return rc;
}

static int put_json(struct doc_value objects, struct buf *out, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) return err_set(err, ERR_NOMEM, "no memory for a list");
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", STR("v1"));
    doc_pair_str(b, "kind", STR("List"));
    doc_key(b, STR("items"));
    doc_put_value(b, objects);
    doc_end_object(b);
    struct doc *list = doc_builder_finish(b, err);
    doc_builder_free(b);
    int rc = list ? json_write(doc_root(list), JSON_PRETTY, out, err) : (int)err->code;
    doc_unref(list);
    return rc;
}

static int print(const struct job *j, const struct doc *objects, struct err *err) {
    struct buf text = buf_new(MAX_TEXT_BYTES);
    int rc = j->settings.json ? put_json(doc_root(objects), &text, err) : put_yaml(doc_root(objects), &text, err);
    if (!rc && text.len && (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout)))
        rc = err_set(err, ERR_IO, "cannot write the objects");
    buf_free(&text);
    return rc;
}

static int fail(int code, const struct err *err) {
    fprintf(stderr, "render: %s\n", err->msg);
    return code;
}

static int render(struct job *j, char *const *files, size_t count) {
    const struct settings *s = &j->settings;
    struct err err;
    if (!(j->bundle = flag_policies(s->builtin, &s->policy_dirs, 0, &err))) return fail(EXIT_POLICY, &err);
    if (!(j->preview = preview_new(j->bundle, s->engine, dynamic_rbac(), &err))) return fail(EXIT_FAILED, &err);
    for (size_t i = 0; i < count; i++)
        if (read_file(j, files[i], &err)) return fail(EXIT_FAILED, &err);
    struct doc *objects = preview_objects(j->preview, &err);
    if (!objects) return fail(err.code == ERR_POLICY ? EXIT_POLICY : EXIT_FAILED, &err);
    int rc = print(j, objects, &err);
    if (!rc && doc_len(doc_root(objects)) == 0) fputs("render: nothing: the embedded engine needs no objects\n", stderr);
    doc_unref(objects);
    return rc ? fail(EXIT_FAILED, &err) : 0;
}

int cli_render(int argc, char **argv) {
    struct job j = {.settings = {.namespace_ = "default", .engine = "deployment"}};
    int code = read_flags(&j.settings, argc, argv);
    if (code >= 0) return code;
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    code = render(&j, argv + optind, (size_t)(argc - optind));
    preview_free(j.preview);
    bundle_unref(j.bundle);
    return code;
}
