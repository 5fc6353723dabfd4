#include "kube/config_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "doc/yaml.h"
#include "kube/base64.h"
#include "kube/pem.h"

struct file {
    const char *path;
    struct doc *doc;
};

struct files {
    struct file list[CONFIG_MAX_FILES];
    size_t count;
};

static int read_file(struct file *file, const char *path, struct err *err) {
    struct buf text = buf_new(CONFIG_MAX_FILE_BYTES);
    int rc = file_read(path, &text, err);
    if (!rc) {
        file->path = path;
        file->doc = yaml_decode((struct str){text.data, text.len}, err);
        rc = file->doc ? 0 : err_prefix(err, "%s", path);
    }
    buf_free(&text);
    return rc;
}

static void find_in_file(const struct file *file, const char *section, struct config_entry *entry) {
    struct doc_value list = doc_get(doc_root(file->doc), str_of(section));
    for (size_t i = 0; i < doc_len(list) && !entry->path; i++) {
        struct doc_value item = doc_at(list, i);
        if (!str_eq(doc_path_str(item, "name"), entry->name)) continue;
        entry->path = file->path;
        entry->value = doc_get(item, str_of(entry->kind));
    }
}

static int find(const struct files *files, const char *section, const char *kind, struct str name, struct config_entry *entry,
                struct err *err) {
    *entry = (struct config_entry){.kind = kind, .name = name};
    for (size_t i = 0; i < files->count; i++) find_in_file(&files->list[i], section, entry);
    if (entry->path) return 0;
    return err_set(err, ERR_NOT_FOUND, "%s: no %s \"" STR_FMT "\": see `kubectl config view`", files->list[0].path, kind, STR_ARG(name));
}

int config_copy_field(const struct config_entry *e, struct doc_value object, const char *where, const char *field, char **out,
                      struct err *err) {
    struct doc_value v = doc_get(object, str_of(field));
    enum doc_type type = doc_type(v);
    if (type != DOC_STRING && type != DOC_ABSENT && type != DOC_NULL) {
        return err_set(err, ERR_INVALID, ENTRY_FMT ": %s%s must be a string", ENTRY_ARG(e), where, field);
    }
    return doc_str(v).n ? config_copy(out, doc_str(v), err) : 0;
}

static int copy_field(const struct config_entry *e, const char *field, char **out, struct err *err) {
    return config_copy_field(e, e->value, "", field, out, err);
}

/* Kubeconfig docs: "File references". */
int config_resolve_path(const struct config_entry *e, char **path, struct err *err) {
    if (!*path || **path == '/') return 0;
    const char *slash = strrchr(e->path, '/');
    int folder_len = slash ? (int)(slash - e->path) + 1 : 0;
    char *absolute = NULL;
    int rc = config_printf(&absolute, err, "%.*s%s", folder_len, e->path, *path);
    if (rc) return rc;
    free(*path);
    *path = absolute;
    return 0;
}

static int copy_path(const struct config_entry *e, const char *field, char **out, struct err *err) {
    int rc = copy_field(e, field, out, err);
    return rc ? rc : config_resolve_path(e, out, err);
}

/* FIELD-data (base64) wins over FIELD (a path, in *file). */
static int read_pem(const struct config_entry *e, const char *field, char **out, char **file, struct err *err) {
    char data_field[64];
    snprintf(data_field, sizeof data_field, "%s-data", field);
    struct str data = doc_path_str(e->value, data_field);
    if (data.n) {
        size_t len;
        *out = base64_decode(data, &len);
        return *out ? 0 : err_set(err, ERR_SYNTAX, ENTRY_FMT ": %s is not base64", ENTRY_ARG(e), data_field);
    }
    int rc = copy_path(e, field, file, err);
    if (!rc && *file) rc = config_read_file(*file, out, err);
    if (rc) err_prefix(err, ENTRY_FMT ": %s", ENTRY_ARG(e), field);
    return rc;
}

/* client-go lets a SOCKS proxy resolve the server's name, which libcurl calls socks5h. Messages leave the address out: it may hold a
 * password. */
static int read_proxy(const struct config_entry *e, struct kube_config *config, struct err *err) {
    static const char *const SCHEMES[] = {"http://", "https://", "socks5h://", "socks5://"};
    char *url = NULL;
    int rc = copy_field(e, "proxy-url", &url, err);
    if (rc || !url) return rc;
    struct str rest = str_of(url);
    size_t i = 0, count = sizeof SCHEMES / sizeof *SCHEMES;
    while (i < count && !str_starts(rest, str_of(SCHEMES[i]))) i++;
    if (i == count)
        rc = err_set(err, ERR_INVALID, ENTRY_FMT ": proxy-url must start with http://, https:// or socks5://", ENTRY_ARG(e));
    else if (i == count - 1)
        rc = config_printf(&config->proxy_url, err, "socks5h%s", url + strlen("socks5"));
    else
        rc = config_copy(&config->proxy_url, rest, err);
    free(url);
    return rc;
}

static int read_trust(const struct config_entry *e, struct kube_config *config, struct err *err) {
    int rc = read_pem(e, "certificate-authority", &config->ca_pem, &config->ca_file, err);
    if (rc) return rc;
    config->tls.insecure = doc_bool(doc_get(e->value, STR("insecure-skip-tls-verify")));
    if (config->tls.insecure && config->ca_pem) {
        return err_set(err, ERR_INVALID, ENTRY_FMT ": insecure-skip-tls-verify and certificate-authority exclude each other: remove one",
                       ENTRY_ARG(e));
    }
    if (!config->ca_pem || !pem_check_ca(str_of(config->ca_pem), err)) return 0;
    return err_prefix(err, ENTRY_FMT ": certificate-authority", ENTRY_ARG(e));
}

static int read_cluster(const struct config_entry *e, struct kube_config *config, struct err *err) {
    int rc = copy_field(e, "server", &config->server, err);
    if (!rc && !config->server) rc = err_set(err, ERR_INVALID, ENTRY_FMT ": server is missing", ENTRY_ARG(e));
    if (!rc) rc = copy_field(e, "tls-server-name", &config->server_name, err);
    if (!rc) rc = read_proxy(e, config, err);
    return rc ? rc : read_trust(e, config, err);
}

static bool is_set(const struct config_entry *e, const char *field) {
    enum doc_type type = doc_type(doc_get(e->value, str_of(field)));
    return type != DOC_ABSENT && type != DOC_NULL;
}

static int refuse_unsupported(const struct config_entry *e, struct err *err) {
    static const char *const IMPERSONATION[] = {"as", "as-uid", "as-groups", "as-user-extra"};
    if (is_set(e, "auth-provider")) {
        return err_set(err, ERR_UNSUPPORTED,
                       ENTRY_FMT ": auth-provider is not supported (Kubernetes removed it in 1.26): give the user an exec plugin, token, "
                                 "tokenFile or client-certificate",
                       ENTRY_ARG(e));
    }
    for (size_t i = 0; i < sizeof IMPERSONATION / sizeof *IMPERSONATION; i++) {
        if (!is_set(e, IMPERSONATION[i])) continue;
        return err_set(err, ERR_UNSUPPORTED, ENTRY_FMT ": %s is not supported: log in as that user instead of acting as it", ENTRY_ARG(e),
                       IMPERSONATION[i]);
    }
    return 0;
}

static int read_pair(const struct config_entry *e, struct kube_config *config, struct err *err) {
    int rc = read_pem(e, "client-certificate", &config->cert_pem, &config->cert_file, err);
    if (!rc) rc = read_pem(e, "client-key", &config->key_pem, &config->key_file, err);
    if (rc || (!config->cert_pem && !config->key_pem)) return rc;
    if (!config->cert_pem || !config->key_pem) {
        const char *missing = config->cert_pem ? "client-key" : "client-certificate";
        return err_set(err, ERR_INVALID, ENTRY_FMT ": %s is missing (a client certificate needs its key)", ENTRY_ARG(e), missing);
    }
    rc = pem_check_pair(str_of(config->cert_pem), str_of(config->key_pem), err);
    return rc ? err_prefix(err, ENTRY_FMT, ENTRY_ARG(e)) : 0;
}

static int read_user(const struct config_entry *e, const struct config_entry *cluster, struct kube_config *config, struct err *err) {
    int rc = refuse_unsupported(e, err);
    if (!rc) rc = copy_field(e, "token", &config->token, err);
    if (!rc) rc = copy_path(e, "tokenFile", &config->token_file, err);
    if (!rc) rc = copy_field(e, "username", &config->username, err);
    if (!rc) rc = copy_field(e, "password", &config->password, err);
    if (!rc) rc = read_pair(e, config, err);
    /* As client-go has it, a plugin is for users that have nothing else. */
    if (rc || config->token || config->token_file || config->username || config->cert_pem) return rc;
    return kubeconfig_read_exec(e, cluster, config, &config->exec, err);
}

static int choose_context(const struct files *files, const char *wanted, struct str *name, struct err *err) {
    *name = str_of(wanted);
    for (size_t i = 0; i < files->count && !name->n; i++) *name = doc_path_str(doc_root(files->list[i].doc), "current-context");
    if (name->n) return 0;
    return err_set(err, ERR_INVALID, "%s: current-context is missing: choose one with --context or `kubectl config use-context`",
                   files->list[0].path);
}

static int read_context(const struct files *files, const struct config_entry *context, struct kube_config *config, struct err *err) {
    struct config_entry cluster, user;
    struct str user_name = doc_path_str(context->value, "user");
    int rc = find(files, "clusters", "cluster", doc_path_str(context->value, "cluster"), &cluster, err);
    if (!rc) rc = read_cluster(&cluster, config, err);
    if (!rc && user_name.n) rc = find(files, "users", "user", user_name, &user, err);
    if (!rc && user_name.n) rc = read_user(&user, &cluster, config, err);
    if (!rc) rc = copy_field(context, "namespace", &config->namespace_, err);
    return rc;
}

static int settle(const struct files *files, bool from_env, const char *wanted, struct kube_config *config, struct err *err) {
    struct str name;
    struct config_entry context;
    int rc = choose_context(files, wanted, &name, err);
    if (!rc) rc = find(files, "contexts", "context", name, &context, err);
    if (!rc) rc = config_printf(&config->origin, err, "%s%s, context " STR_FMT, from_env ? "KUBECONFIG " : "", context.path, STR_ARG(name));
    if (!rc) rc = read_context(files, &context, config, err);
    return rc ? rc : config_finish(config, err);
}

int kubeconfig_load(const char *const *paths, size_t count, bool from_env, const char *context, struct kube_config **out, struct err *err) {
    struct files files = {0};
    struct kube_config *config = calloc(1, sizeof *config);
    int rc = config ? 0 : err_set(err, ERR_NOMEM, "no memory for the configuration");
    for (size_t i = 0; i < count && !rc; i++) rc = read_file(&files.list[files.count++], paths[i], err);
    if (!rc) rc = settle(&files, from_env, context, config, err);
    for (size_t i = 0; i < files.count; i++) doc_unref(files.list[i].doc);
    if (rc)
        kube_config_free(config);
    else
        *out = config;
    return rc;
}
