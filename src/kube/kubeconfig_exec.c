#include "kube/config_internal.h"

#include <stdlib.h>

#include "doc/json.h"
#include "kube/base64.h"

enum {
    MAX_WORDS = 256,                  /* args, and env: far beyond what plugins take */
    INFO_MAX_BYTES = 2 * 1024 * 1024, /* a certificate authority in base64; what is too long for an environment fails at the start */
};

#define API_GROUP "client.authentication.k8s.io/"
#define CLUSTER_EXTENSION "client.authentication.k8s.io/exec"

static int no_memory(struct err *err) { return err_set(err, ERR_NOMEM, "no memory for the configuration"); }

static void free_words(char **words) {
    for (size_t i = 0; words && words[i]; i++) {
        explicit_bzero(words[i], strlen(words[i])); /* they may hold a secret that the plugin logs in with */
        free(words[i]);
    }
    free(words);
}

void kubeconfig_free_exec(struct kube_exec *exec) {
    if (!exec) return;
    free(exec->api_version);
    free_words(exec->args);
    free_words(exec->env);
    free(exec->install_hint);
    free(exec);
}

/* Room for the words of a list and `more` of our own; NULL-terminated from the start. */
static int make_words(const struct config_entry *user, struct doc_value list, const char *field, size_t more, char ***out,
                      struct err *err) {
    enum doc_type type = doc_type(list);
    if (type != DOC_ARRAY && type != DOC_ABSENT && type != DOC_NULL)
        return err_set(err, ERR_INVALID, ENTRY_FMT ": exec.%s must be a list", ENTRY_ARG(user), field);
    if (doc_len(list) > MAX_WORDS)
        return err_set(err, ERR_LIMIT, ENTRY_FMT ": exec.%s has more than %d entries", ENTRY_ARG(user), field, MAX_WORDS);
    *out = calloc(doc_len(list) + more + 1, sizeof **out);
    return *out ? 0 : no_memory(err);
}

/* A path where it has a slash: then it starts from the folder of the kubeconfig, as the others do. */
static int read_command(const struct config_entry *user, struct doc_value exec, char **out, struct err *err) {
    int rc = config_copy_field(user, exec, "exec.", "command", out, err);
    if (rc) return rc;
    if (!*out) return err_set(err, ERR_INVALID, ENTRY_FMT ": exec.command is missing", ENTRY_ARG(user));
    return strchr(*out, '/') ? config_resolve_path(user, out, err) : 0;
}

static int read_args(const struct config_entry *user, struct doc_value exec, struct kube_exec *out, struct err *err) {
    struct doc_value list = doc_get(exec, STR("args"));
    int rc = make_words(user, list, "args", 1, &out->args, err);
    if (!rc) rc = read_command(user, exec, &out->args[0], err);
    for (size_t i = 0; i < doc_len(list) && !rc; i++) {
        struct doc_value arg = doc_at(list, i);
        rc = doc_type(arg) == DOC_STRING
                 ? config_copy(&out->args[i + 1], doc_str(arg), err)
                 : err_set(err, ERR_INVALID, ENTRY_FMT ": exec.args: each must be a string (quote numbers)", ENTRY_ARG(user));
    }
    return rc;
}

static int read_variable(const struct config_entry *user, struct doc_value item, char **out, struct err *err) {
    struct str name = doc_path_str(item, "name");
    struct doc_value value = doc_get(item, STR("value"));
    if (!name.n || memchr(name.p, '=', name.n) || doc_type(value) != DOC_STRING)
        return err_set(err, ERR_INVALID, ENTRY_FMT ": exec.env: each needs a name and a value, both strings", ENTRY_ARG(user));
    return config_printf(out, err, STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(doc_str(value)));
}

/* Cluster-specific settings for the plugin stand among the extensions of the cluster (kubeconfig v1: ExecConfig.provideClusterInfo). */
static struct doc_value plugin_settings(const struct config_entry *cluster) {
    struct doc_value list = doc_get(cluster->value, STR("extensions"));
    for (size_t i = 0; i < doc_len(list); i++) {
        if (str_is(doc_path_str(doc_at(list, i), "name"), CLUSTER_EXTENSION)) return doc_get(doc_at(list, i), STR("extension"));
    }
    return DOC_NO_VALUE;
}

static void put_text(struct doc_builder *b, const char *name, struct str text) {
    if (text.n) doc_pair_str(b, name, text);
}

/* client.authentication.k8s.io: "Cluster". */
static void put_cluster(struct doc_builder *b, const struct config_entry *cluster, const struct kube_config *config) {
    char *ca = config->ca_pem ? base64_encode(str_of(config->ca_pem)) : NULL;
    struct doc_value settings = plugin_settings(cluster);
    doc_key(b, STR("cluster"));
    doc_begin_object(b);
    put_text(b, "server", doc_path_str(cluster->value, "server"));
    put_text(b, "tls-server-name", doc_path_str(cluster->value, "tls-server-name"));
    if (config->tls.insecure) doc_pair_bool(b, "insecure-skip-tls-verify", true);
    put_text(b, "certificate-authority-data", str_of(ca));
    put_text(b, "proxy-url", doc_path_str(cluster->value, "proxy-url"));
    if (doc_type(settings) != DOC_ABSENT) doc_key(b, STR("config"));
    if (doc_type(settings) != DOC_ABSENT) doc_put_value(b, settings);
    doc_end_object(b);
    if (config->ca_pem && !ca) doc_builder_fail(b, ERR_NOMEM, "no memory for the configuration");
    free(ca);
}

static struct doc *exec_info(const struct kube_exec *exec, const struct config_entry *cluster, const struct kube_config *config,
                             struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        no_memory(err);
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "kind", STR("ExecCredential"));
    doc_pair_str(b, "apiVersion", str_of(exec->api_version));
    doc_key(b, STR("spec"));
    doc_begin_object(b);
    doc_pair_bool(b, "interactive", false);
    if (cluster) put_cluster(b, cluster, config);
    doc_end_object(b);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

/* What the plugin is told: client.authentication.k8s.io "ExecCredential". `cluster` NULL: nothing of the cluster. */
static int put_exec_info(const struct kube_exec *exec, const struct config_entry *cluster, const struct kube_config *config, char **out,
                         struct err *err) {
    struct doc *info = exec_info(exec, cluster, config, err);
    if (!info) return (int)err->code;
    struct buf text = buf_new(INFO_MAX_BYTES);
    int rc = buf_puts(&text, "KUBERNETES_EXEC_INFO=", err);
    if (!rc) rc = json_write(doc_root(info), JSON_COMPACT, &text, err);
    doc_unref(info);
    if (rc)
        buf_free(&text);
    else
        *out = buf_take(&text, NULL);
    return rc;
}

static int read_env(const struct config_entry *user, const struct config_entry *cluster, struct doc_value exec,
                    const struct kube_config *config, struct kube_exec *out, struct err *err) {
    struct doc_value list = doc_get(exec, STR("env"));
    bool informed = doc_bool(doc_get(exec, STR("provideClusterInfo")));
    int rc = make_words(user, list, "env", 1, &out->env, err);
    for (size_t i = 0; i < doc_len(list) && !rc; i++) rc = read_variable(user, doc_at(list, i), &out->env[i], err);
    return rc ? rc : put_exec_info(out, informed ? cluster : NULL, config, &out->env[doc_len(list)], err);
}

static int read_version(const struct config_entry *user, struct doc_value exec, struct kube_exec *out, struct err *err) {
    int rc = config_copy_field(user, exec, "exec.", "apiVersion", &out->api_version, err);
    struct str version = str_of(out->api_version);
    if (rc || str_is(version, API_GROUP "v1") || str_is(version, API_GROUP "v1beta1")) return rc;
    return err_set(err, version.n ? ERR_UNSUPPORTED : ERR_INVALID,
                   ENTRY_FMT ": exec.apiVersion must be " API_GROUP "v1 or " API_GROUP "v1beta1, not \"" STR_FMT "\"", ENTRY_ARG(user),
                   STR_ARG(version));
}

/* v1 wants it said (kubeconfig v1: ExecConfig.interactiveMode). */
static int check_mode(const struct config_entry *user, struct doc_value exec, const struct kube_exec *out, struct err *err) {
    struct str mode = doc_path_str(exec, "interactiveMode");
    if (str_is(mode, "Always"))
        return err_set(err, ERR_UNSUPPORTED,
                       ENTRY_FMT ": exec.interactiveMode is Always, but an operator has no terminal: use a plugin that asks nobody",
                       ENTRY_ARG(user));
    bool optional = str_is(str_of(out->api_version), API_GROUP "v1beta1");
    if (str_is(mode, "Never") || str_is(mode, "IfAvailable") || (!mode.n && optional)) return 0;
    return err_set(err, ERR_INVALID, ENTRY_FMT ": exec.interactiveMode must be Never, IfAvailable or Always", ENTRY_ARG(user));
}

int kubeconfig_read_exec(const struct config_entry *user, const struct config_entry *cluster, const struct kube_config *config,
                         struct kube_exec **out, struct err *err) {
    struct doc_value exec = doc_get(user->value, STR("exec"));
    enum doc_type type = doc_type(exec);
    if (type == DOC_ABSENT || type == DOC_NULL) return 0;
    if (type != DOC_OBJECT) return err_set(err, ERR_INVALID, ENTRY_FMT ": exec must be an object", ENTRY_ARG(user));
    struct kube_exec *made = *out = calloc(1, sizeof *made);
    if (!made) return no_memory(err);
    made->timeout_ms = KUBE_EXEC_TIMEOUT_MS;
    int rc = read_version(user, exec, made, err);
    if (!rc) rc = check_mode(user, exec, made, err);
    if (!rc) rc = read_args(user, exec, made, err);
    if (!rc) rc = config_copy_field(user, exec, "exec.", "installHint", &made->install_hint, err);
    return rc ? rc : read_env(user, cluster, exec, config, made, err);
}
