#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "kube/base64.h"
#include "kube/client_internal.h"

enum { TOKEN_MAX_BYTES = 64 * 1024, TOKEN_MAX_AGE_US = 60 * 1000 * 1000 };

static struct str trimmed(const struct buf *b) {
    struct str s = {b->data, b->len};
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ') s.n--;
    while (s.n && (unsigned char)*s.p <= ' ') s.p++, s.n--;
    return s;
}

static void free_token(char *token) {
    if (token) explicit_bzero(token, strlen(token));
    free(token);
}

/* A file that is missing or empty for a moment, as a kubelet or an editor swaps it, leaves the last token in use. */
static void read_token(struct kube_client *c) {
    struct buf content = buf_new(TOKEN_MAX_BYTES);
    struct err err = {0};
    int rc = file_read(c->config->token_file, &content, &err);
    struct str text = trimmed(&content);
    if (!rc && !text.n) rc = err_set(&err, ERR_INVALID, "%s is empty", c->config->token_file);
    char *token = rc ? NULL : str_dup(text);
    if (rc) log_warn("kube.client", "keeping the last token", LOG_S("error", err.msg));
    if (token) {
        free_token(c->token);
        c->token = token;
    }
    c->token_read_us = clock_mono_us();
    c->token_fresh = true;
    if (content.data) explicit_bzero(content.data, content.len);
    buf_free(&content);
}

static const char *current_token(struct kube_client *c) {
    if (!c->config->token_file) return c->config->token;
    if (!c->token_fresh || clock_mono_us() - c->token_read_us > TOKEN_MAX_AGE_US) read_token(c);
    return c->token ? c->token : c->config->token;
}

bool kube_token_renewed(struct kube_client *c) {
    if (!c->config->token_file) return false;
    char *before = c->token ? strdup(c->token) : NULL;
    read_token(c);
    bool renewed = c->token && (!before || strcmp(before, c->token) != 0);
    free_token(before);
    c->token_fresh = renewed;
    return renewed;
}

/* RFC 7617. */
static char *basic(const struct kube_config *config) {
    char *pair = NULL, *line = NULL;
    if (asprintf(&pair, "%s:%s", config->username, config->password ? config->password : "") < 0) return NULL;
    char *encoded = base64_encode(str_of(pair));
    if (encoded && asprintf(&line, "Authorization: Basic %s", encoded) < 0) line = NULL;
    free_token(encoded);
    free_token(pair);
    return line;
}

char *kube_authorization(struct kube_client *c, struct err *err) {
    *err = (struct err){0};
    const char *token = current_token(c);
    char *line = NULL;
    if (!token && !c->config->username) return NULL;
    if (!token)
        line = basic(c->config);
    else if (asprintf(&line, "Authorization: Bearer %s", token) < 0)
        line = NULL;
    if (!line) err_set(err, ERR_NOMEM, "no memory for a request");
    return line;
}
