#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "kube/login_internal.h"
#include "kube/pem.h"

enum {
    FILE_MAX_BYTES = 1024 * 1024,
    TOKEN_MAX_BYTES = 64 * 1024,
    BAD_FILE_AGE_US = 1000 * 1000, /* what is bad is mostly being written: it is looked at again soon */
};

static void free_secret(char *text) {
    if (text) explicit_bzero(text, strlen(text));
    free(text);
}

void login_files_free(struct login_files *f) {
    free_secret(f->token);
    free(f->ca_pem);
    free(f->cert_pem);
    free_secret(f->key_pem);
}

static void wipe(struct buf *b) {
    if (b->data) explicit_bzero(b->data, b->cap);
    buf_free(b);
}

static struct str text_of(const struct buf *b) { return (struct str){b->data, b->len}; }

static struct str trimmed(struct str s) {
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ') s.n--;
    while (s.n && (unsigned char)*s.p <= ' ') s.p++, s.n--;
    return s;
}

/* True when it took the place of another text. */
static bool take(char **slot, struct str text) {
    if (str_eq(str_of(*slot), text)) return false;
    char *copy = str_dup(text);
    if (!copy) return false;
    free_secret(*slot);
    *slot = copy;
    return true;
}

/* Warned of once, until it is good again. */
static void note(bool *bad, bool now_bad, const char *what, const struct err *err) {
    if (now_bad && !*bad) log_warn("kube.login", "keeping what was read before", LOG_S("of", what), LOG_S("error", err->msg));
    *bad = now_bad;
}

/* A file that is missing or empty for a moment, as a kubelet or an editor swaps it, leaves the last token in use. */
static bool read_token(struct login_files *f, const char *path) {
    struct buf content = buf_new(TOKEN_MAX_BYTES);
    struct err *err = &f->token_err;
    *err = (struct err){0};
    int rc = file_read(path, &content, err);
    struct str token = trimmed(text_of(&content));
    if (!rc && !token.n) rc = err_set(err, ERR_INVALID, "%s is empty", path);
    bool changed = !rc && take(&f->token, token);
    note(&f->token_bad, rc != 0, "the token", err);
    wipe(&content);
    return changed;
}

static bool read_ca(struct login_files *f, const char *path) {
    struct buf content = buf_new(FILE_MAX_BYTES);
    struct err err = {0};
    int rc = file_read(path, &content, &err);
    if (!rc && pem_check_ca(text_of(&content), &err)) rc = err_prefix(&err, "%s", path);
    bool changed = !rc && take(&f->ca_pem, text_of(&content));
    note(&f->ca_bad, rc != 0, "the certificate authority", &err);
    buf_free(&content);
    return changed;
}

/* Either may come from the configuration itself. */
static int read_or(const char *path, struct str configured, struct buf *out, struct err *err) {
    return path ? file_read(path, out, err) : buf_append(out, configured.n ? configured.p : "", configured.n, err);
}

/* Both or none: one of them may have been exchanged before the other. */
static bool read_pair(struct login_files *f, const struct kube_config *config) {
    struct buf cert = buf_new(FILE_MAX_BYTES), key = buf_new(FILE_MAX_BYTES);
    struct err err = {0};
    bool changed = false;
    int rc = read_or(config->cert_file, config->tls.cert_pem, &cert, &err);
    if (!rc) rc = read_or(config->key_file, config->tls.key_pem, &key, &err);
    if (!rc && pem_check_pair(text_of(&cert), text_of(&key), &err))
        rc = err_prefix(&err, "%s", config->cert_file ? config->cert_file : config->key_file);
    if (!rc) changed = take(&f->cert_pem, text_of(&cert));
    if (!rc) changed |= take(&f->key_pem, text_of(&key));
    note(&f->pair_bad, rc != 0, "the client certificate", &err);
    buf_free(&cert);
    wipe(&key);
    return changed;
}

bool login_files_read(struct login_files *f, const struct kube_config *config) {
    bool changed = false;
    if (config->token_file) changed |= read_token(f, config->token_file);
    if (config->ca_file) changed |= read_ca(f, config->ca_file);
    if (config->cert_file || config->key_file) changed |= read_pair(f, config);
    bool bad = f->token_bad || f->ca_bad || f->pair_bad;
    f->due_us = clock_mono_us() + (bad ? BAD_FILE_AGE_US : LOGIN_FILE_AGE_US);
    return changed;
}
