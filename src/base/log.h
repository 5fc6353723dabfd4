/*
 * log: one line an event, structured, as json or console.
 *
 *     log_info("kube.watch", "list done", LOG_S("resource", name), LOG_I("items", n));
 *
 * json: {"ts":RFC 3339 with ms,"level":"info","logger":"kube.watch","msg":"list done","resource":"pods","items":12}
 * Loggers are named after the folder and unit. Control characters are escaped in both forms, so that cluster text cannot
 * forge lines. Never give it a secret.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_CONSOLE, LOG_JSON };

struct log_field {
    const char *key;
    enum { LOG_FIELD_END, LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_RAW } type;
    struct str text; /* of STR; of RAW: a JSON value, written as it is */
    int64_t number;
};

#define LOG_S(k, cstr) ((struct log_field){.key = (k), .type = LOG_FIELD_STR, .text = str_of(cstr)})
#define LOG_T(k, span) ((struct log_field){.key = (k), .type = LOG_FIELD_STR, .text = (span)})
#define LOG_I(k, n) ((struct log_field){.key = (k), .type = LOG_FIELD_INT, .number = (n)})
#define LOG_R(k, json) ((struct log_field){.key = (k), .type = LOG_FIELD_RAW, .text = (json)})

/* Where lines go and from which level on; before the first call: console, info, stderr. */
void log_init(FILE *out, enum log_format format, enum log_level level);
bool log_enabled(enum log_level level);

/* `fields` ends with a LOG_FIELD_END entry. Callers use the macros below. */
void log_write(enum log_level level, const char *logger, const char *msg, const struct log_field *fields);

#define LOG_AT_(level, logger, msg, ...)                                                                                                   \
    log_write(level, logger, msg, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.type = LOG_FIELD_END}})
#define log_debug(logger, ...) LOG_AT_(LOG_DEBUG, logger, __VA_ARGS__)
#define log_info(logger, ...) LOG_AT_(LOG_INFO, logger, __VA_ARGS__)
#define log_warn(logger, ...) LOG_AT_(LOG_WARN, logger, __VA_ARGS__)
#define log_error(logger, ...) LOG_AT_(LOG_ERROR, logger, __VA_ARGS__)

#endif
