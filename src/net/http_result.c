#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "net/http_client_internal.h"

static enum err_code code_of(CURLcode code) {
    switch (code) {
    case CURLE_OUT_OF_MEMORY: return ERR_NOMEM;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return ERR_INVALID;
    default: return ERR_UNREACHABLE;
    }
}

/* "connection refused" where the system says why; else what curl says, which may span lines. */
static void reason_of(const struct http_call *call, CURLcode code, char *out, size_t size) {
    long os_errno = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_errno);
    const char *text = call->curl_error[0] ? call->curl_error : curl_easy_strerror(code);
    char system[128];
    if (code == CURLE_COULDNT_CONNECT && os_errno) text = strerror_r((int)os_errno, system, sizeof system);
    if (code == CURLE_PARTIAL_FILE) text = "the connection was cut before the answer was whole";
    if (code == CURLE_GOT_NOTHING) text = "the server closed the connection without an answer";
    size_t n = strcspn(text, "\r\n");
    if (n >= size) n = size - 1;
    memcpy(out, text, n);
    out[n] = '\0';
    out[0] = (char)tolower((unsigned char)out[0]);
}

static void timeout_error(struct http_call *call) {
    curl_off_t connect_us = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &connect_us);
    int64_t elapsed_ms = (clock_mono_us() - call->start_us) / 1000;
    const char *what = connect_us ? "no whole answer" : "no connection";
    err_set(&call->err, ERR_TIMEOUT, "%s: %s within %lld ms", call->label, what, (long long)elapsed_ms);
}

/* curl takes an answer whose headers were cut for one without a body. */
static void set_error(struct http_call *call, CURLcode code) {
    if (code == CURLE_OK && call->status == 0) code = CURLE_PARTIAL_FILE;
    char reason[CURL_ERROR_SIZE];
    if (call->unwatched) {
        err_set(&call->err, ERR_NOMEM, "%s: no memory for its connection", call->label);
    } else if (call->whole) {
        return;
    } else if (call->state == CALL_ENDING || code == CURLE_ABORTED_BY_CALLBACK) { /* before_request */
        err_set(&call->err, ERR_CANCELLED, "%s: cancelled", call->label);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        timeout_error(call);
    } else if (code != CURLE_OK && !call->err.code) {
        reason_of(call, code, reason, sizeof reason);
        err_set(&call->err, code_of(code), "%s: %s", call->label, reason);
    }
}

/* With TLS 1.3 a server judges our certificate after the handshake: its alert then comes instead of an answer (RFC 8446, 4.4.2.4 and 6.2).
 */
static bool is_certificate_alert(const struct http_call *call) {
    static const char *const ALERTS[] = {"certificate", "unknown ca", "access denied"};
    const char *alert = call->status ? NULL : strstr(call->curl_error, " alert ");
    for (size_t i = 0; alert && i < sizeof ALERTS / sizeof *ALERTS; i++) {
        if (strstr(alert, ALERTS[i])) return true;
    }
    return false;
}

static bool is_tls_failure(const struct http_call *call, CURLcode code) {
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return true;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: return is_certificate_alert(call);
    default: return false;
    }
}

struct http_response http_call_response(struct http_call *call, CURLcode code) {
    set_error(call, code);
    const char *content_type = NULL;
    curl_off_t retry_after_s = 0, wire_bytes = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &content_type);
    (void)curl_easy_getinfo(call->easy, CURLINFO_SIZE_DOWNLOAD_T, &wire_bytes);
    if (call->status) (void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    return (struct http_response){
        .status = call->status,
        .body = {call->body.data, call->body.len},
        .content_type = str_of(content_type),
        .retry_after_s = retry_after_s > 0 ? retry_after_s : 0,
        .err = call->err,
        .tls_failed = is_tls_failure(call, code),
        .duration_us = clock_mono_us() - call->start_us,
        .wire_bytes = wire_bytes,
    };
}
