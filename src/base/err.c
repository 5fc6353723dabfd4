#include "base/err.h"

#include <stdio.h>
#include <string.h>

enum { MSG_BYTES = sizeof((struct err *)0)->msg };

int err_setv(struct err *err, enum err_code code, const char *format, va_list args) {
    if (err) {
        err->code = code;
        err->retry_after_s = 0;
        if (vsnprintf(err->msg, sizeof err->msg, format, args) < 0) err->msg[0] = '\0';
    }
    return (int)code;
}

int err_set(struct err *err, enum err_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    err_setv(err, code, format, args);
    va_end(args);
    return (int)code;
}

/* Puts ": " and as much of `tail` as fits at `at`: where it happened is worth more than the end of what happened. */
static void append(char *msg, size_t at, const char *tail) {
    size_t room = MSG_BYTES - at - 1;
    size_t n = strlen(tail);
    if (room < 3) return;
    memcpy(msg + at, ": ", 2);
    if (n > room - 2) n = room - 2;
    memcpy(msg + at + 2, tail, n);
    msg[at + 2 + n] = '\0';
}

int err_prefix(struct err *err, const char *format, ...) {
    if (!err) return ERR_NONE;
    char was[sizeof err->msg];
    memcpy(was, err->msg, sizeof was);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->msg, sizeof err->msg, format, args);
    va_end(args);
    size_t at = n < 0 ? 0 : (size_t)n;
    if (at < sizeof err->msg) append(err->msg, at, was);
    return (int)err->code;
}

const char *err_code_name(enum err_code code) {
    switch (code) {
    case ERR_NONE: return "None";
    case ERR_NOMEM: return "OutOfMemory";
    case ERR_LIMIT: return "LimitReached";
    case ERR_SYNTAX: return "SyntaxError";
    case ERR_INVALID: return "Invalid";
    case ERR_IO: return "IOError";
    case ERR_UNREACHABLE: return "Unreachable";
    case ERR_TIMEOUT: return "Timeout";
    case ERR_UNAUTHORIZED: return "Unauthorized";
    case ERR_FORBIDDEN: return "Forbidden";
    case ERR_NOT_FOUND: return "NotFound";
    case ERR_CONFLICT: return "Conflict";
    case ERR_GONE: return "Expired";
    case ERR_BEHIND: return "ResourceVersionTooLarge";
    case ERR_THROTTLED: return "TooManyRequests";
    case ERR_SERVER: return "ServerError";
    case ERR_CANCELLED: return "Cancelled";
    case ERR_UNSUPPORTED: return "Unsupported";
    case ERR_POLICY: return "PolicyError";
    case ERR_FUEL: return "FuelExhausted";
    }
    return "Unknown";
}
