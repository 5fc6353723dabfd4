#include "grpc/status.h"

#include <ctype.h>

#include "doc/json_reader.h"

static const struct {
    const char *name;
    enum err_code code;
} STATUSES[] = {
    {"OK", ERR_NONE},
    {"CANCELLED", ERR_SERVER}, /* by the server: ours have ERR_CANCELLED */
    {"UNKNOWN", ERR_SERVER},
    {"INVALID_ARGUMENT", ERR_INVALID},
    {"DEADLINE_EXCEEDED", ERR_TIMEOUT},
    {"NOT_FOUND", ERR_NOT_FOUND},
    {"ALREADY_EXISTS", ERR_CONFLICT},
    {"PERMISSION_DENIED", ERR_FORBIDDEN},
    {"RESOURCE_EXHAUSTED", ERR_THROTTLED},
    {"FAILED_PRECONDITION", ERR_INVALID},
    {"ABORTED", ERR_SERVER},
    {"OUT_OF_RANGE", ERR_INVALID},
    {"UNIMPLEMENTED", ERR_UNSUPPORTED},
    {"INTERNAL", ERR_SERVER},
    {"UNAVAILABLE", ERR_UNREACHABLE},
    {"DATA_LOSS", ERR_SERVER},
    {"UNAUTHENTICATED", ERR_UNAUTHORIZED},
};

static int known(int status) { return status < 0 || status > GRPC_STATUS_UNAUTHENTICATED ? GRPC_STATUS_UNKNOWN : status; }

const char *grpc_status_name(int status) { return STATUSES[known(status)].name; }

enum err_code grpc_status_code(int status) { return STATUSES[known(status)].code; }

int grpc_status_of_http(int http_status) {
    switch (http_status) {
    case 400: return 13;
    case 401: return 16;
    case 403: return 7;
    case 404: return GRPC_STATUS_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504: return GRPC_STATUS_UNAVAILABLE;
    default: return GRPC_STATUS_UNKNOWN;
    }
}

bool grpc_may_retry(enum err_code code) {
    switch (code) {
    case ERR_NOMEM:
    case ERR_IO:
    case ERR_UNREACHABLE:
    case ERR_TIMEOUT:
    case ERR_THROTTLED:
    case ERR_SERVER:
    case ERR_CANCELLED: return true;
    default: return false;
    }
}

static int hex(char c) {
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* The byte at *i, which moves past it. */
static char next_byte(struct str s, size_t *i) {
    if (s.p[*i] == '%' && *i + 2 < s.n && hex(s.p[*i + 1]) >= 0 && hex(s.p[*i + 2]) >= 0) {
        *i += 3;
        return (char)(hex(s.p[*i - 2]) << 4 | hex(s.p[*i - 1]));
    }
    return s.p[(*i)++];
}

/* Makes the bytes a line of UTF-8, cut before what does not fit. Returns its length. */
static size_t clean(char *text, size_t n, bool cut) {
    size_t i = 0;
    while (i < n) {
        unsigned char c = (unsigned char)text[i];
        size_t width = c < 0x80 ? 1 : json_utf8_len(text + i, text + n);
        if (width == SIZE_MAX && cut) return i;
        if (c < 0x20 || c == 0x7f) text[i] = ' ';
        if (width == 0 || width == SIZE_MAX) {
            text[i] = '?';
            width = 1;
        }
        i += width;
    }
    return n;
}

void grpc_message_decode(struct str encoded, char *out, size_t size) {
    size_t n = 0, i = 0;
    while (i < encoded.n && n + 1 < size) out[n++] = next_byte(encoded, &i);
    out[clean(out, n, i < encoded.n)] = '\0';
}
