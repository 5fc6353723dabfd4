#include "kube/config_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "doc/yaml.h"
#include "kube/base64.h"

struct file {
    const char *path;
    struct doc *doc;
};

struct files {
    struct file list[CONFIG_MAX_FILES];
    size_t count;
};

/* A named entry of one of the lists, and the file it stands in, which its relative paths start from. */
struct entry {
    const char *kind; /* "cluster", "user", "context" */
    struct str name;
    const struct file *file;
    struct doc_value value;
};

#define ENTRY_FMT "%s: %s \"" STR_FMT "\""
#define ENTRY_ARG(e) (e)->file->path, (e)->kind, STR_ARG((e)->name)

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

static void find_in_file(const struct file *file, const char *section, struct entry *entry) {
    struct doc_value list = doc_get(doc_root(file->doc), str_of(section));
    for (size_t i = 0; i < doc_len(list) && !entry->file; i++) {
        struct doc_value item = doc_at(list, i);
        if (!str_eq(doc_path_str(item, "name"), entry->name)) continue;
        entry->file = file;
        entry->value = doc_get(item, str_of(entry->kind));
    }
}

static int find(const struct files *files, const char *section, const char *kind, struct str name, struct entry *entry, struct err *err) {
    *entry = (struct entry){.kind = kind, .name = name};
    for (size_t i = 0; i < files->count; i++) find_in_file(&files->list[i], section, entry);
    if (entry->file) return 0;
    return err_set(err, ERR_NOT_FOUND, "%s: no %s \"" STR_FMT "\": see `kubectl config view`", files->list[0].path, kind, STR_ARG(name));
}

static int copy_field(const struct entry *e, const char *field, char **out, struct err *err) {
    struct doc_value v = doc_get(e->value, str_of(field));
    enum doc_type type = doc_type(v);
    if (type != DOC_STRING && type != DOC_ABSENT && type != DOC_NULL) {
        return err_set(err, ERR_INVALID, ENTRY_FMT ": %s must be a string", ENTRY_ARG(e), field);
    }
    return doc_str(v).n ? config_copy(out, doc_str(v), err) : 0;
}

/* Relative paths start from the folder of the file that names them (kubeconfig docs: "File references"). */
static int copy_path(const struct entry *e, const char *field, char **out, struct err *err) {
    int rc = copy_field(e, field, out, err);
    if (rc || !*out || **out == '/') return rc;
    const char *slash = strrchr(e->file->path, '/');
    int folder_len = slash ? (int)(slash - e->file->path) + 1 : 0;
    char *absolute = NULL;
    rc = config_printf(&absolute, err, "%.*s%s", folder_len, e->file->path, *out);
    if (rc) return rc;
    free(*out);
    *out = absolute;
    return 0;
}

/* FIELD-data (base64) wins over FIELD (a path). */
static int read_pem(const struct entry *e, const char *field, char **out, struct err *err) {
    char data_field[64];
    snprintf(data_field, sizeof data_field, "%s-data", field);
    struct str data = doc_path_str(e->value, data_field);
    if (data.n) {
        size_t len;
        *out = base64_decode(data, &len);
        return *out ? 0 : err_set(err, ERR_SYNTAX, ENTRY_FMT ": %s is not base64", ENTRY_ARG(e), data_field);
    }
    char *path = NULL;
    int rc = copy_path(e, field, &path, err);
    if (!rc && path) rc = config_read_file(path, out, err);
    if (rc) err_prefix(err, ENTRY_FMT ": %s", ENTRY_ARG(e), field);
    free(path);
    return rc;
}

static int read_cluster(const struct entry *e, struct kube_config *config, struct err *err) {
    int rc = copy_field(e, "server", &config->server, err);
    if (!rc && !config->server) rc = err_set(err, ERR_INVALID, ENTRY_FMT ": server is missing", ENTRY_ARG(e));
    if (!rc) rc = copy_field(e, "tls-server-name", &config->server_name, err);
    if (!rc) rc = copy_field(e, "proxy-url", &config->proxy_url, err);
    if (!rc) rc = read_pem(e, "certificate-authority", &config->ca_pem, err);
    config->tls.insecure = doc_bool(doc_get(e->value, STR("insecure-skip-tls-verify")));
    if (!rc && config->tls.insecure && config->ca_pem) {
        rc = err_set(err, ERR_INVALID, ENTRY_FMT ": insecure-skip-tls-verify and certificate-authority exclude each other: remove one",
                     ENTRY_ARG(e));
    }
    return rc;
}

static int refuse_plugins(const struct entry *e, struct err *err) {
    static const char *const FIELDS[] = {"exec", "auth-provider"};
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        enum doc_type type = doc_type(doc_get(e->value, str_of(FIELDS[i])));
        if (type == DOC_ABSENT || type == DOC_NULL) continue;
        return err_set(err, ERR_UNSUPPORTED,
                       ENTRY_FMT ": %s is not supported by this build: give the user a token, tokenFile or client-certificate",
                       ENTRY_ARG(e), FIELDS[i]);
    }
    return 0;
}

static int read_user(const struct entry *e, struct kube_config *config, struct err *err) {
    int rc = refuse_plugins(e, err);
    if (!rc) rc = copy_field(e, "token", &config->token, err);
    if (!rc) rc = copy_path(e, "tokenFile", &config->token_file, err);
    if (!rc) rc = copy_field(e, "username", &config->username, err);
    if (!rc) rc = copy_field(e, "password", &config->password, err);
    if (!rc) rc = read_pem(e, "client-certificate", &config->cert_pem, err);
    if (!rc) rc = read_pem(e, "client-key", &config->key_pem, err);
    if (!rc && !config->cert_pem != !config->key_pem) {
        const char *missing = config->cert_pem ? "client-key" : "client-certificate";
        rc = err_set(err, ERR_INVALID, ENTRY_FMT ": %s is missing (a client certificate needs its key)", ENTRY_ARG(e), missing);
    }
    return rc;
}

static int choose_context(const struct files *files, const char *wanted, struct str *name, struct err *err) {
    *name = str_of(wanted);
    for (size_t i = 0; i < files->count && !name->n; i++) *name = doc_path_str(doc_root(files->list[i].doc), "current-context");
    if (name->n) return 0;
    return err_set(err, ERR_INVALID, "%s: current-context is missing: choose one with --context or `kubectl config use-context`",
                   files->list[0].path);
}

static int read_context(const struct files *files, const struct entry *context, struct kube_config *config, struct err *err) {
    struct entry cluster, user;
    struct str user_name = doc_path_str(context->value, "user");
    int rc = find(files, "clusters", "cluster", doc_path_str(context->value, "cluster"), &cluster, err);
    if (!rc) rc = read_cluster(&cluster, config, err);
    if (!rc && user_name.n) rc = find(files, "users", "user", user_name, &user, err);
    if (!rc && user_name.n) rc = read_user(&user, config, err);
    if (!rc) rc = copy_field(context, "namespace", &config->namespace_, err);
    return rc;
}

static int settle(const struct files *files, bool from_env, const char *wanted, struct kube_config *config, struct err *err) {
    struct str name;
    struct entry context;
    int rc = choose_context(files, wanted, &name, err);
    if (!rc) rc = find(files, "contexts", "context", name, &context, err);
    if (!rc)
        rc =
            config_printf(&config->origin, err, "%s%s, context " STR_FMT, from_env ? "KUBECONFIG " : "", context.file->path, STR_ARG(name));
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
