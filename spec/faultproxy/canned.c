#include "canned.h"

#include <stdio.h>

#include "base/file.h"
#include "memory.h"

enum { MAX_ANSWER_BYTES = 4096, MAX_FILE_BYTES = 16 * 1024 * 1024 };

/* k8s.io/apimachinery/pkg/apis/meta/v1: the reasons of a Status. */
static const char *reason_of(int status) {
    switch (status) {
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "NotFound";
    case 409: return "Conflict";
    case 410: return "Expired";
    case 429: return "TooManyRequests";
    case 503: return "ServiceUnavailable";
    case 504: return "Timeout";
    default: return "InternalError";
    }
}

static void or_end(int rc) {
    if (rc) abort();
}

static struct buf status_object(const struct fault *fault) {
    struct buf out = buf_new(MAX_ANSWER_BYTES);
    or_end(buf_printf(&out, NULL,
                      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                      "\"message\":\"the fault proxy says so\",\"reason\":\"%s\",\"code\":%d}",
                      reason_of(fault->status), fault->status));
    return out;
}

static struct buf file_answer(const struct fault *fault) {
    struct buf out = buf_new(2 * MAX_FILE_BYTES), body = buf_new(MAX_FILE_BYTES);
    or_end(file_read(fault->file, &body, NULL));
    or_end(buf_printf(&out, NULL, "HTTP/1.1 %d OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", fault->status, body.len));
    or_end(buf_append(&out, body.data, body.len, NULL));
    buf_free(&body);
    return out;
}

struct buf canned_answer(const struct fault *fault) {
    if (fault->file[0]) return file_answer(fault);
    struct buf out = buf_new(2 * MAX_ANSWER_BYTES), body = status_object(fault);
    if (fault->in_stream) {
        static const char BEGIN[] = "{\"type\":\"ERROR\",\"object\":";
        or_end(
            buf_printf(&out, NULL,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s%s}\n\r\n0\r\n\r\n",
                       sizeof BEGIN - 1 + body.len + 2, BEGIN, body.data));
    } else {
        char retry_after[64] = "";
        if (fault->retry_after_s > 0) snprintf(retry_after, sizeof retry_after, "Retry-After: %d\r\n", fault->retry_after_s);
        or_end(buf_printf(&out, NULL, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", fault->status,
                          reason_of(fault->status), body.len, retry_after, body.data));
    }
    buf_free(&body);
    return out;
}

void canned_chunk(struct flow *to, struct str content, bool last) {
    enum { FRAME_BYTES = 64 };
    struct buf out = buf_new(content.n + FRAME_BYTES);
    if (content.n) {
        or_end(buf_printf(&out, NULL, "%zx\r\n", content.n));
        or_end(buf_append(&out, content.p, content.n, NULL));
        or_end(buf_puts(&out, "\r\n", NULL));
    }
    if (last) or_end(buf_puts(&out, "0\r\n\r\n", NULL));
    flow_put(to, (struct str){out.data, out.len});
    buf_free(&out);
}
