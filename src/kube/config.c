#include "kube/config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "kube/pem.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

int config_copy(char **out, struct str text, struct err *err) {
    char *copy = str_dup(text);
    if (!copy) return err_set(err, ERR_NOMEM, "no memory for the configuration");
    free(*out);
    *out = copy;
    return 0;
}

int config_printf(char **out, struct err *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) return err_set(err, ERR_NOMEM, "no memory for the configuration");
    free(*out);
    *out = text;
    return 0;
}

int config_read_file(const char *path, char **out, struct err *err) {
    struct buf content = buf_new(CONFIG_MAX_FILE_BYTES);
    int rc = file_read(path, &content, err);
    if (!rc) rc = config_copy(out, (struct str){content.data, content.len}, err);
    buf_free(&content);
    return rc;
}

int config_finish(struct kube_config *config, struct err *err) {
    struct str server = str_of(config->server);
    if (!str_starts(server, STR("https://")) && !str_starts(server, STR("http://"))) {
        return err_set(err, ERR_INVALID, "%s: server \"%s\" must start with https:// or http://", config->origin,
                       config->server ? config->server : "");
    }
    while (server.n && server.p[server.n - 1] == '/') config->server[--server.n] = '\0';
    config->tls.ca_pem = str_of(config->ca_pem);
    config->tls.cert_pem = str_of(config->cert_pem);
    config->tls.key_pem = str_of(config->key_pem);
    config->tls.server_name = config->server_name;
    return config->namespace_ ? 0 : config_copy(&config->namespace_, STR("default"), err);
}

/* A mounted namespace file may end with a line break. */
static int read_namespace(const char *path, struct kube_config *config) {
    struct err ignored = {0};
    int rc = config_read_file(path, &config->namespace_, &ignored);
    if (rc) return rc == ERR_NOMEM ? rc : 0;
    config->namespace_[strcspn(config->namespace_, "\r\n")] = '\0';
    return 0;
}

static int read_account(const char *dir, struct kube_config *config, struct err *err) {
    char *path = NULL;
    int rc = config_printf(&config->token_file, err, "%s/token", dir);
    if (!rc) rc = config_printf(&config->ca_file, err, "%s/ca.crt", dir);
    if (!rc) rc = config_read_file(config->ca_file, &config->ca_pem, err);
    if (!rc && pem_check_ca(str_of(config->ca_pem), err)) rc = err_prefix(err, "in-cluster: %s", config->ca_file);
    if (!rc) rc = config_printf(&path, err, "%s/namespace", dir);
    if (!rc) rc = read_namespace(path, config);
    free(path);
    return rc;
}

int kube_config_in_cluster(const char *dir, struct kube_config **out, struct err *err) {
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    if (!host || !*host || !port || !*port) {
        return err_set(err, ERR_NOT_FOUND, "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
    }
    struct kube_config *config = calloc(1, sizeof *config);
    if (!config) return err_set(err, ERR_NOMEM, "no memory for the configuration");
    bool v6 = strchr(host, ':') != NULL;
    int rc = config_copy(&config->origin, STR("in-cluster"), err);
    if (!rc) rc = config_printf(&config->server, err, v6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    if (!rc) rc = read_account(dir, config, err);
    if (!rc) rc = config_finish(config, err);
    if (rc) {
        kube_config_free(config);
        return rc == ERR_NOT_FOUND ? err_prefix(err, "in-cluster: is automountServiceAccountToken off?") : rc;
    }
    *out = config;
    return 0;
}

/* The existing files of a colon-separated list; the caller frees each. */
static size_t existing_files(const char *list, char *paths[CONFIG_MAX_FILES]) {
    struct str rest = str_of(list), path;
    size_t count = 0;
    while (rest.n && count < CONFIG_MAX_FILES) {
        str_cut(rest, ':', &path, &rest);
        char *copy = path.n ? str_dup(path) : NULL;
        if (copy && !access(copy, F_OK))
            paths[count++] = copy;
        else
            free(copy);
    }
    return count;
}

static int load_from_env(const char *list, const char *context, struct kube_config **out, struct err *err) {
    char *paths[CONFIG_MAX_FILES];
    size_t count = existing_files(list, paths);
    int rc = count ? kubeconfig_load((const char *const *)paths, count, true, context, out, err)
                   : err_set(err, ERR_NOT_FOUND, "KUBECONFIG is \"%s\", but no such file exists: correct or unset it", list);
    for (size_t i = 0; i < count; i++) free(paths[i]);
    return rc;
}

static int load_from_home(const char *context, struct kube_config **out, struct err *err) {
    const char *home = getenv("HOME");
    char *path = NULL;
    int rc = config_printf(&path, err, "%s/.kube/config", home ? home : "");
    if (rc) return rc;
    const char *paths[] = {path};
    rc = access(path, F_OK)
             ? err_set(err, ERR_NOT_FOUND,
                       "no cluster to talk to: no --kubeconfig, KUBECONFIG is not set, not in a pod, and %s does not exist", path)
             : kubeconfig_load(paths, 1, false, context, out, err);
    free(path);
    return rc;
}

int kube_config_load(const char *path, const char *context, struct kube_config **out, struct err *err) {
    if (path) return kubeconfig_load(&path, 1, false, context, out, err);
    const char *list = getenv("KUBECONFIG");
    if (list && *list) return load_from_env(list, context, out, err);
    if (context) return load_from_home(context, out, err); /* a pod has no contexts */
    struct err in_pod = {0};
    int rc = kube_config_in_cluster(SERVICE_ACCOUNT_DIR, out, &in_pod);
    if (rc == ERR_NOT_FOUND)
        rc = load_from_home(context, out, err);
    else if (rc)
        return err_set(err, in_pod.code, "%s", in_pod.msg);
    /* A pod without its account mounted deserves to hear of that, not of a file it never had. */
    return rc == ERR_NOT_FOUND && getenv("KUBERNETES_SERVICE_HOST") ? err_set(err, in_pod.code, "%s", in_pod.msg) : rc;
}

static void free_secret(char *text) {
    if (text) explicit_bzero(text, strlen(text));
    free(text);
}

const struct kube_config *kube_config_share(const struct kube_config *config) {
    ((struct kube_config *)(uintptr_t)config)->shares++;
    return config;
}

static void destroy(struct kube_config *config) {
    free(config->origin);
    free(config->server);
    free(config->namespace_);
    free_secret(config->proxy_url); /* a proxy's password may be in it */
    free_secret(config->token);
    free(config->token_file);
    free(config->username);
    free_secret(config->password);
    free(config->ca_pem);
    free(config->cert_pem);
    free_secret(config->key_pem);
    free(config->ca_file);
    free(config->cert_file);
    free(config->key_file);
    free(config->server_name);
    kubeconfig_free_exec(config->exec);
    free(config);
}

void kube_config_free(const struct kube_config *config) {
    struct kube_config *own = (struct kube_config *)(uintptr_t)config;
    if (own && own->shares)
        own->shares--;
    else if (own)
        destroy(own);
}

static bool same(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static bool same_list(char *const *a, char *const *b) {
    while (*a && *b && same(*a, *b)) a++, b++;
    return !*a && !*b;
}

static bool same_exec(const struct kube_exec *a, const struct kube_exec *b) {
    if (!a || !b) return a == b;
    return same(a->api_version, b->api_version) && same_list(a->args, b->args) && same_list(a->env, b->env);
}

static bool same_user(const struct kube_config *a, const struct kube_config *b) {
    return same(a->token, b->token) && same(a->token_file, b->token_file) && same(a->username, b->username) &&
           same(a->password, b->password) && same(a->cert_pem, b->cert_pem) && same(a->key_pem, b->key_pem) &&
           same(a->cert_file, b->cert_file) && same(a->key_file, b->key_file) && same_exec(a->exec, b->exec);
}

bool kube_config_equal(const struct kube_config *a, const struct kube_config *b) {
    return same(a->server, b->server) && same(a->proxy_url, b->proxy_url) && same(a->server_name, b->server_name) &&
           same(a->ca_pem, b->ca_pem) && same(a->ca_file, b->ca_file) && a->tls.insecure == b->tls.insecure && same_user(a, b);
}
