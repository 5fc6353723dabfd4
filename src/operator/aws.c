#include "operator/aws.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "doc/builder.h"
#include "doc/json.h"

enum {
    MAX_TOKEN_BYTES = 16 * 1024,
    MAX_ANSWER_BYTES = 1024 * 1024,
    MAX_URL_BYTES = 32 * 1024, /* a web identity goes into it */
    EARLY_MS = 5 * 60 * 1000,
};

/* Owned strings; `id` NULL: none. */
struct keys {
    char *id, *secret, *token;
    int64_t until_ms; /* 0: for good */
};

struct aws {
    struct http_client *http;
    const char *region, *endpoint;
    const char *role, *identity_file;         /* IRSA */
    const char *container_url, *account_file; /* Pod Identity */
    struct keys keys;
    bool is_fixed; /* the keys are those of the environment */
};

struct aws_call {
    struct aws *aws;
    struct http_call *http;
    char *service, *path;
    int64_t until_us;
    bool dropped; /* only waits for http to let go of it */
    void (*done)(struct str body, const struct err *err, void *arg);
    void *arg;
};

/* ---- credentials ---------------------------------------------------------------------------------------------------------------- */

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void keys_free(struct keys *k) {
    free(k->id);
    free(k->secret);
    free(k->token);
    *k = (struct keys){0};
}

static bool keys_fill(struct keys *k, struct str id, struct str secret, struct str token, int64_t until_ms) {
    keys_free(k);
    if (!id.n || !secret.n) return false;
    *k = (struct keys){str_dup(id), str_dup(secret), str_dup(token), until_ms};
    if (k->id && k->secret && k->token) return true;
    keys_free(k);
    return false;
}

struct aws *aws_new(struct http_client *http) {
    struct aws *aws = calloc(1, sizeof *aws);
    if (!aws) return NULL;
    const char *id = variable("AWS_ACCESS_KEY_ID"), *secret = variable("AWS_SECRET_ACCESS_KEY");
    *aws = (struct aws){
        .http = http,
        .region = variable("AWS_REGION"),
        .endpoint = variable("AWS_ENDPOINT_URL"),
        .role = variable("AWS_ROLE_ARN"),
        .identity_file = variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
        .container_url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        .account_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    };
    if (!aws->region) aws->region = variable("AWS_DEFAULT_REGION");
    if (id && secret) aws->is_fixed = keys_fill(&aws->keys, str_of(id), str_of(secret), str_of(variable("AWS_SESSION_TOKEN")), 0);
    return aws;
}

void aws_free(struct aws *aws) {
    if (!aws) return;
    keys_free(&aws->keys);
    free(aws);
}

const char *aws_lacks(const struct aws *aws) {
    if (!aws->is_fixed && !(aws->role && aws->identity_file) && !aws->container_url)
        return "there are no credentials for AWS: give the operator's service account a role (EKS Pod Identity or IRSA), or set "
               "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    return aws->region ? NULL : "it is not known in which region of AWS the cluster is: set AWS_REGION";
}

static bool has_keys(const struct aws *aws) {
    return aws->keys.id && (!aws->keys.until_ms || clock_wall_ms() < aws->keys.until_ms - EARLY_MS);
}

/* ---- answers -------------------------------------------------------------------------------------------------------------------- */

static void call_free(struct aws_call *call) {
    free(call->service);
    free(call->path);
    free(call);
}

static void end(struct aws_call *call, struct str body, const struct err *err) {
    if (!call->dropped) call->done(body, err, call->arg);
    call_free(call);
}

static struct doc *decode(struct str text) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = b ? json_decode(b, text, NULL, &err) : NULL;
    doc_builder_free(b);
    return doc;
}

/* AWS says why in {"message"} or {"Error": {"Message"}}. */
static int refused(const char *what, const struct http_response *response, struct err *err) {
    enum err_code code = response->status == 403 || response->status == 401 ? ERR_FORBIDDEN : ERR_SERVER;
    struct doc *answer = decode(response->body);
    struct str why = doc_path_str(doc_root(answer), "message");
    if (!why.n) why = doc_path_str(doc_root(answer), "Error.Message");
    err_set(err, code, "AWS refuses %s: %d " STR_FMT, what, response->status, STR_ARG(why));
    doc_unref(answer);
    return (int)err->code;
}

static int check(const char *what, const struct http_response *response, struct err *err) {
    *err = response->err;
    if (err->code) return err_prefix(err, "AWS %s", what);
    return response->status >= 200 && response->status < 300 ? 0 : refused(what, response, err);
}

static int64_t left_ms(const struct aws_call *call) {
    int64_t left = (call->until_us - clock_mono_us()) / 1000;
    return left > 0 ? left : 1;
}

static const char *url_of(const struct aws *aws, const char *service, const char *path, struct buf *url, struct err *err) {
    int rc = aws->endpoint ? buf_printf(url, err, "%s%s", aws->endpoint, path)
                           : buf_printf(url, err, "https://%s.%s.amazonaws.com%s", service, aws->region, path);
    return rc ? NULL : url->data;
}

static void on_answer(const struct http_response *response, void *arg) {
    struct aws_call *call = arg;
    struct err err;
    if (!check(call->service, response, &err)) err = (struct err){0};
    end(call, response->body, err.code ? &err : NULL);
}

/* With the keys that there are. */
static int send_request(struct aws_call *call, struct err *err) {
    struct aws *aws = call->aws;
    struct buf url = buf_new(MAX_URL_BYTES), token = buf_new(MAX_TOKEN_BYTES);
    const struct http_aws sign = {aws->region, call->service, aws->keys.id, aws->keys.secret};
    int rc = *aws->keys.token ? buf_printf(&token, err, "X-Amz-Security-Token: %s", aws->keys.token) : 0;
    const char *headers[] = {"Accept: application/json", token.len ? token.data : NULL, NULL};
    struct http_request request = {.method = "GET",
                                   .headers = headers,
                                   .aws = &sign,
                                   .timeout_ms = left_ms(call),
                                   .max_body_bytes = MAX_ANSWER_BYTES,
                                   .on_done = on_answer,
                                   .arg = call};
    if (!rc) request.url = url_of(aws, call->service, call->path, &url, err);
    call->http = request.url ? http_send(aws->http, &request, err) : NULL;
    buf_free(&url);
    buf_free(&token);
    return call->http ? 0 : (int)err->code;
}

/* ---- fetching credentials ------------------------------------------------------------------------------------------------------- */

/* Of Pod Identity (the JSON of container credentials) or of STS; what STS expires at is in seconds. */
static bool take_keys(struct aws *aws, struct str body) {
    struct doc *answer = decode(body);
    struct doc_value root = doc_root(answer);
    struct doc_value sts = doc_path(root, "AssumeRoleWithWebIdentityResponse.AssumeRoleWithWebIdentityResult.Credentials");
    struct doc_value keys = doc_type(sts) == DOC_OBJECT ? sts : root, expires = doc_get(keys, STR("Expiration"));
    struct str token = doc_path_str(keys, "SessionToken");
    int64_t until_ms = (int64_t)(doc_double(expires) * 1000);
    if (doc_type(expires) == DOC_STRING && !clock_parse(doc_str(expires), &until_ms)) until_ms = clock_wall_ms() + 2 * EARLY_MS;
    bool good = keys_fill(&aws->keys, doc_path_str(keys, "AccessKeyId"), doc_path_str(keys, "SecretAccessKey"),
                          token.n ? token : doc_path_str(keys, "Token"), until_ms);
    doc_unref(answer);
    return good;
}

static void on_keys(const struct http_response *response, void *arg) {
    struct aws_call *call = arg;
    struct err err;
    if (call->dropped) { /* its owner may be gone */
        call_free(call);
        return;
    }
    int rc = check("credentials", response, &err);
    if (!rc && !take_keys(call->aws, response->body)) rc = err_set(&err, ERR_SERVER, "AWS credentials: an answer that holds none");
    if (!rc) rc = send_request(call, &err);
    if (rc) end(call, STR(""), &err);
}

static int read_token(const char *file, struct buf *out, struct err *err) {
    int rc = file ? file_read(file, out, err) : 0;
    while (!rc && out->len && (unsigned char)out->data[out->len - 1] <= ' ') out->data[--out->len] = '\0';
    return rc;
}

/* API reference of STS: AssumeRoleWithWebIdentity, which is not signed. */
static const char *sts_url(const struct aws *aws, const char *identity, struct buf *url, struct err *err) {
    struct buf query = buf_new(MAX_URL_BYTES);
    int rc = buf_printf(
        &query, err, "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=k8sgpt-operator&RoleArn=%s&WebIdentityToken=%s",
        aws->role, identity);
    const char *made = rc ? NULL : url_of(aws, "sts", query.data, url, err);
    buf_free(&query);
    return made;
}

static int fetch_keys(struct aws_call *call, struct err *err) {
    struct aws *aws = call->aws;
    bool web = aws->role && aws->identity_file;
    struct buf url = buf_new(MAX_URL_BYTES), token = buf_new(MAX_TOKEN_BYTES), header = buf_new(MAX_TOKEN_BYTES + 64);
    int rc = read_token(web ? aws->identity_file : aws->account_file, &token, err);
    if (!rc && !web && token.len) rc = buf_printf(&header, err, "Authorization: %s", token.data);
    const char *headers[] = {"Accept: application/json", header.len ? header.data : NULL, NULL};
    struct http_request request = {.method = "GET",
                                   .headers = headers,
                                   .secret_url = true,
                                   .timeout_ms = left_ms(call),
                                   .max_body_bytes = MAX_ANSWER_BYTES,
                                   .on_done = on_keys,
                                   .arg = call};
    if (!rc) request.url = web ? sts_url(aws, token.len ? token.data : "", &url, err) : aws->container_url;
    call->http = request.url ? http_send(aws->http, &request, err) : NULL;
    buf_free(&url);
    buf_free(&token);
    buf_free(&header);
    return call->http ? 0 : (int)err->code;
}

/* ---- requests ------------------------------------------------------------------------------------------------------------------- */

struct aws_call *aws_get(struct aws *aws, struct str service, struct str path, int64_t timeout_ms,
                         void (*done)(struct str body, const struct err *err, void *arg), void *arg, struct err *err) {
    struct aws_call *call = calloc(1, sizeof *call);
    int rc = call ? 0 : err_set(err, ERR_NOMEM, "no memory for a request");
    if (rc) return NULL;
    *call = (struct aws_call){.aws = aws, .service = str_dup(service), .path = str_dup(path), .done = done, .arg = arg};
    call->until_us = clock_mono_us() + timeout_ms * 1000;
    if (!call->service || !call->path) rc = err_set(err, ERR_NOMEM, "no memory for a request");
    if (!rc) rc = has_keys(aws) ? send_request(call, err) : fetch_keys(call, err);
    if (!rc) return call;
    call_free(call);
    return NULL;
}

void aws_drop(struct aws_call *call) {
    call->dropped = true;
    http_cancel(call->http);
}
