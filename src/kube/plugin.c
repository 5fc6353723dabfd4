#include "kube/plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "doc/json.h"
#include "kube/pem.h"

enum { SAID_MAX_BYTES = 300 };

struct plugin {
    struct loop *loop;
    const struct kube_exec *exec;
    struct process *process; /* NULL: it does not run */
    void (*done)(struct plugin_answer *answer, const struct err *err, void *arg);
    void *arg;
};

static void wipe(char **text) {
    if (*text) explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void plugin_answer_clear(struct plugin_answer *answer) {
    wipe(&answer->token);
    wipe(&answer->cert_pem);
    wipe(&answer->key_pem);
    answer->expires_ms = 0;
}

/* ---- the answer --------------------------------------------------------------------------------------------------------------- */

static int take_text(struct doc_value status, const char *field, char **out, struct err *err) {
    struct doc_value v = doc_get(status, str_of(field));
    enum doc_type type = doc_type(v);
    if (type != DOC_STRING && type != DOC_ABSENT && type != DOC_NULL)
        return err_set(err, ERR_INVALID, "its status.%s is not a string", field);
    if (!doc_str(v).n) return 0;
    /* A line break would end the header line that the token goes into. */
    if (memchr(doc_str(v).p, '\0', doc_str(v).n)) return err_set(err, ERR_INVALID, "its status.%s holds a NUL", field);
    *out = str_dup(doc_str(v));
    return *out ? 0 : err_set(err, ERR_NOMEM, "no memory for a credential");
}

static int take_expiry(struct doc_value status, int64_t *expires_ms, struct err *err) {
    char *text = NULL;
    int rc = take_text(status, "expirationTimestamp", &text, err);
    if (!rc && text && !clock_parse(str_of(text), expires_ms))
        rc = err_set(err, ERR_INVALID, "its status.expirationTimestamp is no RFC 3339 time");
    free(text);
    return rc;
}

static int check_credential(const struct plugin_answer *answer, struct err *err) {
    if (!answer->token && !answer->cert_pem && !answer->key_pem)
        return err_set(err, ERR_INVALID, "it gave neither a token nor a client certificate");
    if (!answer->cert_pem != !answer->key_pem)
        return err_set(err, ERR_INVALID, "it gave only one of clientCertificateData and clientKeyData");
    if (answer->token && strpbrk(answer->token, "\r\n")) return err_set(err, ERR_INVALID, "its token holds a line break");
    return answer->cert_pem ? pem_check_pair(str_of(answer->cert_pem), str_of(answer->key_pem), err) : 0;
}

static int take_answer(struct doc_value root, const char *api_version, struct plugin_answer *answer, struct err *err) {
    struct str version = doc_path_str(root, "apiVersion");
    struct doc_value status = doc_get(root, STR("status"));
    if (!str_is(doc_path_str(root, "kind"), "ExecCredential")) return err_set(err, ERR_INVALID, "it printed no ExecCredential");
    if (!str_is(version, api_version))
        return err_set(err, ERR_INVALID, "it answered as \"%.100s\", the kubeconfig says %s", version.n ? version.p : "", api_version);
    if (doc_type(status) != DOC_OBJECT) return err_set(err, ERR_INVALID, "its answer has no status");
    int rc = take_text(status, "token", &answer->token, err);
    if (!rc) rc = take_text(status, "clientCertificateData", &answer->cert_pem, err);
    if (!rc) rc = take_text(status, "clientKeyData", &answer->key_pem, err);
    if (!rc) rc = take_expiry(status, &answer->expires_ms, err);
    return rc ? rc : check_credential(answer, err);
}

int plugin_read_answer(struct str text, const char *api_version, struct plugin_answer *answer, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    struct err where;
    *answer = (struct plugin_answer){0};
    if (!b) return err_set(err, ERR_NOMEM, "no memory for a credential");
    struct doc *doc = json_decode(b, text, NULL, &where);
    doc_builder_free(b);
    /* The decoder's message may quote the text, which may be a credential. */
    if (!doc) return err_set(err, where.code, "what it printed is no JSON");
    int rc = take_answer(doc_root(doc), api_version, answer, err);
    doc_unref(doc);
    if (rc) plugin_answer_clear(answer);
    return rc;
}

/* ---- the run ------------------------------------------------------------------------------------------------------------------ */

/* One line, whatever the plugin, its answer or its hint said. */
static void flatten(char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) *text = ' ';
    }
}

/* "credential plugin aws: exit status 1: the session has expired" */
static void blame(const struct plugin *p, struct str said, struct err *err) {
    size_t len = strlen(err->msg);
    if (said.n > SAID_MAX_BYTES) said.n = SAID_MAX_BYTES;
    if (said.n) snprintf(err->msg + len, sizeof err->msg - len, ": " STR_FMT, STR_ARG(said));
    if (err->code != ERR_TIMEOUT && err->code != ERR_NOMEM) err->code = ERR_IO;
    err_prefix(err, "credential plugin %s", p->exec->args[0]);
    flatten(err->msg);
}

static void on_end(const struct process_result *result, void *arg) {
    struct plugin *p = arg;
    struct plugin_answer answer = {0};
    struct err err = result->err;
    p->process = NULL;
    int rc = (int)err.code;
    if (!rc) rc = plugin_read_answer(result->out, p->exec->api_version, &answer, &err);
    if (rc) blame(p, result->said, &err);
    p->done(&answer, rc ? &err : NULL, p->arg);
    plugin_answer_clear(&answer);
}

static bool is_named(const char *variable, char *const *list) {
    size_t name_len = strcspn(variable, "=") + 1;
    for (; *list; list++) {
        if (strncmp(variable, *list, name_len) == 0) return true;
    }
    return false;
}

/* Ours, but for what the kubeconfig sets, and that. The texts are borrowed. NULL without memory. */
static const char **environment(const struct kube_exec *exec) {
    size_t count = 0, ours = 0, theirs = 0;
    while (environ[ours]) ours++;
    while (exec->env[theirs]) theirs++;
    const char **env = calloc(ours + theirs + 1, sizeof *env);
    for (size_t i = 0; env && i < ours; i++) {
        if (!is_named(environ[i], exec->env)) env[count++] = environ[i];
    }
    for (size_t i = 0; env && i < theirs; i++) env[count++] = exec->env[i];
    return env;
}

static int find_program(const struct kube_exec *exec, char **path, struct err *err) {
    const char *command = exec->args[0], *hint = exec->install_hint;
    *path = strchr(command, '/') ? strdup(command) : process_find(command);
    if (*path && access(*path, F_OK) == 0) return 0;
    return err_set(err, ERR_IO, "no such program%s%s%s", strchr(command, '/') ? "" : " in PATH", hint ? ": " : "", hint ? hint : "");
}

static int spawn(struct plugin *p, const char *path, const char *const *env, struct err *err) {
    const char **args = NULL;
    size_t count = 0;
    while (p->exec->args[count]) count++;
    args = calloc(count + 1, sizeof *args);
    if (!args || !env) {
        free(args);
        return err_set(err, ERR_NOMEM, "no memory to run it");
    }
    args[0] = path;
    for (size_t i = 1; i < count; i++) args[i] = p->exec->args[i];
    const struct process_options options = {
        .args = args, .env = env, .max_bytes = PLUGIN_MAX_BYTES, .timeout_ms = p->exec->timeout_ms, .done = on_end, .arg = p};
    p->process = process_start(p->loop, &options, err);
    free(args);
    return p->process ? 0 : (int)err->code;
}

int plugin_start(struct plugin *p, struct err *err) {
    char *path;
    const char **env = environment(p->exec);
    int rc = find_program(p->exec, &path, err);
    if (!rc) rc = spawn(p, path, env, err);
    if (rc) blame(p, (struct str){0}, err);
    free(env);
    free(path);
    return rc ? (int)err->code : 0;
}

bool plugin_is_running(const struct plugin *p) { return p->process != NULL; }

struct plugin *plugin_new(struct loop *loop, const struct kube_exec *exec,
                          void (*done)(struct plugin_answer *answer, const struct err *err, void *arg), void *arg) {
    struct plugin *p = calloc(1, sizeof *p);
    if (p) *p = (struct plugin){.loop = loop, .exec = exec, .done = done, .arg = arg};
    return p;
}

void plugin_free(struct plugin *p) {
    if (!p) return;
    process_drop(p->process);
    free(p);
}
