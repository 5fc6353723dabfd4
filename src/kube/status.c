#include "kube/status_internal.h"

#include <limits.h>

#include "doc/json.h"
#include "kube/client.h"

enum { MAX_TEXT = 200 }; /* of a body that is no Status: a proxy's page, say */

static enum err_code code_of_http(int http_status) {
    switch (http_status) {
    case 400:
    case 422: return ERR_INVALID;
    case 401: return ERR_UNAUTHORIZED;
    case 403: return ERR_FORBIDDEN;
    case 404: return ERR_NOT_FOUND;
    case 405:
    case 406:
    case 415: return ERR_UNSUPPORTED;
    case 409: return ERR_CONFLICT;
    case 410: return ERR_GONE;
    case 413: return ERR_LIMIT;
    case 429: return ERR_THROTTLED;
    case 504: return ERR_TIMEOUT;
    default: return ERR_SERVER;
    }
}

/* apimachinery asks for the reason first: an Expired is an Expired whatever number a proxy made of it. */
static enum err_code code_of_reason(struct str reason, int http_status) {
    static const struct {
        const char *reason;
        enum err_code code;
    } REASONS[] = {
        {"Unauthorized", ERR_UNAUTHORIZED},
        {"Forbidden", ERR_FORBIDDEN},
        {"NotFound", ERR_NOT_FOUND},
        {"AlreadyExists", ERR_CONFLICT},
        {"Conflict", ERR_CONFLICT},
        {"Gone", ERR_GONE},
        {"Expired", ERR_GONE},
        {"Invalid", ERR_INVALID},
        {"BadRequest", ERR_INVALID},
        {"Timeout", ERR_TIMEOUT},
        {"TooManyRequests", ERR_THROTTLED},
    };
    for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++) {
        if (str_is(reason, REASONS[i].reason)) return REASONS[i].code;
    }
    return code_of_http(http_status);
}

/* apimachinery's cause; API servers before 1.18.6 gave only its message. */
static bool is_too_large(struct doc_value status) {
    struct doc_value causes = doc_path(status, "details.causes");
    for (size_t i = 0; i < doc_len(causes); i++) {
        struct doc_value cause = doc_at(causes, i);
        if (str_is(doc_path_str(cause, "reason"), "ResourceVersionTooLarge")) return true;
        if (str_is(doc_path_str(cause, "message"), "Too large resource version")) return true;
    }
    return false;
}

void kube_status_doc_error(int http_status, const struct doc *status, struct err *err) {
    struct doc_value root = doc_root(status);
    int64_t own = doc_int(doc_get(root, STR("code"))), wait = doc_int(doc_path(root, "details.retryAfterSeconds"));
    if (!http_status && own > 0 && own < 1000) http_status = (int)own;
    struct str message = doc_path_str(root, "message"), reason = doc_path_str(root, "reason");
    if (!message.n) message = reason;
    err_set(err, is_too_large(root) ? ERR_BEHIND : code_of_reason(reason, http_status), STR_FMT, STR_ARG(message));
    if (!message.n) err_set(err, err->code, "the server answered %d", http_status);
    err->retry_after_s = wait > 0 && wait < INT_MAX ? (int)wait : 0;
}

static struct str first_line(struct str body) {
    struct str line, rest;
    str_cut(body, '\n', &line, &rest);
    while (line.n && (unsigned char)line.p[line.n - 1] <= ' ') line.n--;
    if (line.n > MAX_TEXT) line.n = MAX_TEXT;
    return line;
}

void kube_status_error(int http_status, struct str body, struct err *err) {
    struct doc_builder *builder = doc_builder_new();
    struct doc *doc = builder && body.n && body.p[0] == '{' ? json_decode(builder, body, NULL, NULL) : NULL;
    struct str line = first_line(body);
    if (str_is(doc_path_str(doc_root(doc), "kind"), "Status"))
        kube_status_doc_error(http_status, doc, err);
    else if (line.n)
        err_set(err, code_of_http(http_status), "the server answered %d: " STR_FMT, http_status, STR_ARG(line));
    else
        err_set(err, code_of_http(http_status), "the server answered %d", http_status);
    doc_unref(doc);
    doc_builder_free(builder);
}
