#include <limits.h>

#include "doc/json.h"
#include "kube/client_internal.h"

static bool is_json(struct str content_type) {
    return !content_type.n || str_starts(content_type, STR("application/json")) || str_starts(content_type, STR("application/apply-patch"));
}

/* The transport names the request before what went wrong ("GET https://…: connection refused"); here the server is named already. */
static const char *bare(const struct kube_call *call, const char *msg) {
    const char *colon = strstr(msg, ": ");
    return strncmp(msg, call->method, strlen(call->method)) == 0 && colon ? colon + 2 : msg;
}

/* What the transport says, with what a person needs to act on it: which server, and who told us to go there. */
static int transport_error(const struct kube_call *call, const struct err *cause, struct err *err) {
    const struct kube_config *config = call->config;
    const char *why = bare(call, cause->msg);
    if (call->dead)
        return err_set(err, ERR_UNREACHABLE, "lost the API server %s: it is silent, and does not answer /readyz either", config->server);
    if (cause->code == ERR_TIMEOUT)
        return err_set(err, ERR_TIMEOUT, "the API server %s (from %s) did not answer: %s", config->server, config->origin, why);
    if (cause->code == ERR_UNREACHABLE && call->opened)
        return err_set(err, ERR_UNREACHABLE, "lost the API server %s: %s", config->server, why);
    if (cause->code == ERR_UNREACHABLE) {
        return err_set(err, ERR_UNREACHABLE, "cannot reach the API server %s (from %s): %s; is it running?", config->server, config->origin,
                       why);
    }
    *err = *cause;
    return (int)err->code;
}

/* A server that does not know our way to log in, such as a password, does not refuse us but takes us for nobody. */
static bool is_anonymous(const struct kube_call *call, const struct err *err) {
    const struct credential *c = call->credential;
    return err->code == ERR_FORBIDDEN && (c->authorization || c->cert_pem) && strstr(err->msg, "\"system:anonymous\"");
}

static int status_error(const struct kube_call *call, const struct http_response *response, struct err *err) {
    kube_status_error(response->status, response->body, err);
    if (!err->retry_after_s && response->retry_after_s > 0) {
        err->retry_after_s = response->retry_after_s < INT_MAX ? (int)response->retry_after_s : INT_MAX;
    }
    if (err->code == ERR_UNAUTHORIZED) {
        err_prefix(err, "the API server %s does not accept our credentials (from %s)", call->config->server, call->config->origin);
    }
    if (is_anonymous(call, err)) {
        err_prefix(err, "the API server %s takes us for nobody, as if it did not know our kind of credentials (from %s)",
                   call->config->server, call->config->origin);
    }
    return (int)err->code;
}

int kube_answer_error(const struct kube_call *call, const struct http_response *response, struct err *err) {
    *err = (struct err){0};
    if (response->err.code) return transport_error(call, &response->err, err);
    if (response->status < 200 || response->status > 299) return status_error(call, response, err);
    return 0;
}

struct doc *kube_answer_object(struct kube_call *call, const struct http_response *response, struct err *err) {
    if (kube_answer_error(call, response, err) || !response->body.n || !is_json(response->content_type)) return NULL;
    struct doc *object = json_decode(call->client->builder, response->body, NULL, err);
    if (!object && err->code != ERR_NOMEM) {
        err->code = ERR_SERVER;
        err_prefix(err, "the API server's answer to %s %s makes no sense", call->method, call->url);
    }
    return object;
}
