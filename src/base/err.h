/*
 * err: the one error type of the project.
 *
 * Every fallible function takes a `struct err *` last and returns 0, or the code of the error that it stored there. The
 * message is one line for a person: what, where, what to do. Errors that the Kubernetes API reports as a Status object keep
 * their meaning as a code of their own (API conventions: "Response Status Kind").
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define ERR_MUST_CHECK __attribute__((warn_unused_result))

enum err_code {
    ERR_NONE = 0,
    ERR_NOMEM,        /* an allocation failed */
    ERR_LIMIT,        /* a size, depth or count limit was reached */
    ERR_SYNTAX,       /* bytes that do not parse */
    ERR_INVALID,      /* they parse, but are not acceptable (HTTP 400, 422) */
    ERR_IO,           /* a file or a system call */
    ERR_UNREACHABLE,  /* no connection: name, address, TLS, or cut off */
    ERR_TIMEOUT,      /* the deadline passed */
    ERR_UNAUTHORIZED, /* 401 */
    ERR_FORBIDDEN,    /* 403 */
    ERR_NOT_FOUND,    /* 404, or a name that nothing bears */
    ERR_CONFLICT,     /* 409 Conflict, AlreadyExists */
    ERR_GONE,         /* 410 Expired, Gone: the resourceVersion is too old */
    ERR_BEHIND,       /* 504 ResourceVersionTooLarge, or an older state than was seen: this server has yet to catch up */
    ERR_THROTTLED,    /* 429 */
    ERR_SERVER,       /* 5xx, or an answer that makes no sense */
    ERR_CANCELLED,    /* the caller withdrew the request */
    ERR_UNSUPPORTED,  /* well formed, but this build or server does not do it */
    ERR_POLICY,       /* a policy raised an error or broke its contract */
    ERR_FUEL,         /* a policy used up its instructions */
};

struct err {
    enum err_code code;
    int retry_after_s; /* of a throttled or unavailable answer; 0: none given */
    char msg[1024];
};

/* Stores code and message (err may be NULL) and returns code. */
int err_set(struct err *err, enum err_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int err_setv(struct err *err, enum err_code code, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

/* Puts "prefix: " before the message that is there; returns its code. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A stable name for logs and conditions, in CamelCase as Kubernetes writes reasons: "Forbidden". */
const char *err_code_name(enum err_code code);

#endif
