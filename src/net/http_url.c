#include <string.h>

#include "net/http_client_internal.h"

enum { LABEL_URL_BYTES = 400 };

/* The label is made of a copy without user, password and fragment; of a secret URL without path and query. */
static int strip(CURLU *copy, bool secret) {
    CURLUcode rc = curl_url_set(copy, CURLUPART_USER, NULL, 0);
    if (!rc) rc = curl_url_set(copy, CURLUPART_PASSWORD, NULL, 0);
    if (!rc) rc = curl_url_set(copy, CURLUPART_FRAGMENT, NULL, 0);
    if (!rc && secret) rc = curl_url_set(copy, CURLUPART_PATH, NULL, 0);
    if (!rc && secret) rc = curl_url_set(copy, CURLUPART_QUERY, NULL, 0);
    return rc ? ERR_NOMEM : 0;
}

static int name_call(struct http_call *call, struct err *err) {
    bool secret = call->request.secret_url;
    CURLU *copy = curl_url_dup(call->url);
    char *text = NULL;
    struct buf label = buf_new(sizeof err->msg);
    int rc = copy ? strip(copy, secret) : ERR_NOMEM;
    if (!rc && curl_url_get(copy, CURLUPART_URL, &text, 0)) rc = ERR_NOMEM;
    if (!rc) rc = buf_printf(&label, NULL, "%s %.*s%s", call->request.method, LABEL_URL_BYTES, text, secret ? "…" : "");
    curl_free(text);
    curl_url_cleanup(copy);
    call->label = buf_take(&label, NULL);
    return rc ? err_set(err, ERR_NOMEM, "no memory for a request") : 0;
}

static bool is_http(CURLU *url) {
    char *scheme = NULL;
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0)) return false;
    bool http = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    curl_free(scheme);
    return http;
}

int http_call_set_url(struct http_call *call, struct err *err) {
    call->url = curl_url();
    if (!call->url) return err_set(err, ERR_NOMEM, "no memory for a request");
    CURLUcode rc = curl_url_set(call->url, CURLUPART_URL, call->request.url, 0);
    if (rc == CURLUE_OUT_OF_MEMORY) return err_set(err, ERR_NOMEM, "no memory for a request");
    /* The text itself stays out of the message: it may hold a password. */
    if (rc) return err_set(err, ERR_INVALID, "%s: not a URL: %s", call->request.method, curl_url_strerror(rc));
    if (!is_http(call->url)) return err_set(err, ERR_INVALID, "%s: not an http or https URL", call->request.method);
    return name_call(call, err);
}

/* The caller's Host header, which curl would otherwise take from the rewritten URL; connect-to "::host:" reads "for any host and port". */
static bool add_lines(struct http_call *call, const char *host, const char *port) {
    struct buf line = buf_new(sizeof call->err.msg);
    struct curl_slist *headers = NULL;
    bool ok = buf_printf(&line, NULL, "Host: %s%s%s", host, port ? ":" : "", port ? port : "") == 0;
    if (ok) headers = curl_slist_append(call->headers, line.data);
    if (headers) call->headers = headers;
    buf_clear(&line);
    ok = headers && buf_printf(&line, NULL, "::%s:", host) == 0;
    if (ok) call->connect_to = curl_slist_append(NULL, line.data);
    buf_free(&line);
    return ok && call->connect_to;
}

int http_call_redirect_name(struct http_call *call, struct err *err) {
    char *host = NULL, *port = NULL;
    CURLUcode rc = curl_url_get(call->url, CURLUPART_HOST, &host, 0);
    if (!rc) rc = curl_url_get(call->url, CURLUPART_PORT, &port, 0);
    if (rc == CURLUE_NO_PORT) rc = CURLUE_OK;
    if (!rc && !add_lines(call, host, port)) rc = CURLUE_OUT_OF_MEMORY;
    if (!rc) rc = curl_url_set(call->url, CURLUPART_HOST, call->request.tls->server_name, 0);
    curl_free(host);
    curl_free(port);
    if (rc == CURLUE_OUT_OF_MEMORY) return err_set(err, ERR_NOMEM, "no memory for a request");
    return rc ? err_set(err, ERR_INVALID, "%s: the TLS server name is no host name", call->label) : 0;
}
