#include <stdio.h>
#include <stdlib.h>

#include "kube/base64.h"
#include "kube/login_internal.h"

static void free_secret(char *text) {
    if (text) explicit_bzero(text, strlen(text));
    free(text);
}

struct credential *credential_ref(struct credential *c) {
    c->refs++;
    return c;
}

void credential_unref(struct credential *c) {
    if (!c || --c->refs) return;
    free_secret(c->authorization);
    free_secret(c->key_pem);
    free(c->cert_pem);
    free(c->ca_pem);
    free(c->server_name);
    free(c);
}

/* RFC 7617. */
static char *basic(const struct kube_config *config) {
    char *pair = NULL, *line = NULL;
    if (asprintf(&pair, "%s:%s", config->username, config->password ? config->password : "") < 0) return NULL;
    char *encoded = base64_encode(str_of(pair));
    if (encoded && asprintf(&line, "Authorization: Basic %s", encoded) < 0) line = NULL;
    free_secret(encoded);
    free_secret(pair);
    return line;
}

/* client-go's order: the content of tokenFile wins over token, a token over a name. */
static const char *token_of(const struct login *l) {
    if (l->files.token) return l->files.token;
    return l->config->token ? l->config->token : l->plugin.answer.token;
}

static bool authorize(const struct login *l, struct credential *c) {
    const char *token = token_of(l);
    if (token && asprintf(&c->authorization, "Authorization: Bearer %s", token) < 0) c->authorization = NULL;
    if (!token && l->config->username) c->authorization = basic(l->config);
    return c->authorization || (!token && !l->config->username);
}

static bool copy(char **out, struct str text) {
    *out = text.n ? str_dup(text) : NULL;
    return *out || !text.n;
}

/* A file's last good content, a plugin's answer, what the configuration holds. */
static struct str first_of(const char *file, const char *answer, struct str configured) {
    return file ? str_of(file) : answer ? str_of(answer) : configured;
}

static bool copy_tls(const struct login *l, struct credential *c) {
    const struct http_tls *tls = &l->config->tls;
    const struct plugin_answer *answer = &l->plugin.answer;
    bool ok = copy(&c->ca_pem, first_of(l->files.ca_pem, NULL, tls->ca_pem)) &&
              copy(&c->cert_pem, first_of(l->files.cert_pem, answer->cert_pem, tls->cert_pem)) &&
              copy(&c->key_pem, first_of(l->files.key_pem, answer->key_pem, tls->key_pem)) &&
              copy(&c->server_name, str_of(tls->server_name));
    c->tls = (struct http_tls){.ca_pem = str_of(c->ca_pem),
                               .cert_pem = str_of(c->cert_pem),
                               .key_pem = str_of(c->key_pem),
                               .server_name = c->server_name,
                               .insecure = tls->insecure};
    return ok;
}

struct credential *credential_new(const struct login *l, struct err *err) {
    struct credential *c = calloc(1, sizeof *c);
    if (c) c->refs = 1;
    if (c && authorize(l, c) && copy_tls(l, c)) return c;
    credential_unref(c);
    err_set(err, ERR_NOMEM, "no memory for a credential");
    return NULL;
}

bool credential_equal(const struct credential *a, const struct credential *b) {
    return str_eq(str_of(a->authorization), str_of(b->authorization)) && str_eq(a->tls.ca_pem, b->tls.ca_pem) &&
           str_eq(a->tls.cert_pem, b->tls.cert_pem) && str_eq(a->tls.key_pem, b->tls.key_pem);
}
