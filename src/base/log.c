#include "base/log.h"

#include <inttypes.h>

#include "base/clock.h"

static FILE *log_out;
static enum log_format log_format;
static enum log_level log_level = LOG_INFO;

void log_init(FILE *out, enum log_format format, enum log_level level) {
    log_out = out;
    log_format = format;
    log_level = level;
}

bool log_enabled(enum log_level level) { return level >= log_level; }

static const char *level_name(enum log_level level) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}

/* Bytes of the UTF-8 sequence at the start of s that may be printed as it is, or 0 (RFC 3629; C1 controls count as bad). */
static size_t printable(struct str s) {
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80) return p[0] >= 0x20 && p[0] != 0x7f;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.n < n) return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    if (p[0] == 0xc2 && p[1] < 0xa0) return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || outside ? 0 : n;
}

static void put_escape(FILE *out, unsigned char c) {
    if (c == '\n')
        fputs("\\n", out);
    else if (c == '\t')
        fputs("\\t", out);
    else if (c < 0x80)
        fprintf(out, "\\u%04x", c);
    else
        fputs("\\ufffd", out); /* bytes that are not UTF-8 would make the line invalid JSON */
}

static void put_text(FILE *out, struct str s) {
    while (s.n) {
        size_t n = printable(s);
        if (n && (s.p[0] == '"' || s.p[0] == '\\')) fputc('\\', out);
        if (n)
            fwrite(s.p, 1, n, out);
        else
            put_escape(out, (unsigned char)s.p[0]);
        n += !n;
        s.p += n;
        s.n -= n;
    }
}

static void put_quoted(FILE *out, struct str s) {
    fputc('"', out);
    put_text(out, s);
    fputc('"', out);
}

static void put_value(FILE *out, const struct log_field *f) {
    if (f->type == LOG_FIELD_INT)
        fprintf(out, "%" PRId64, f->number);
    else if (f->type == LOG_FIELD_RAW)
        fwrite(f->text.p, 1, f->text.n, out);
    else
        put_quoted(out, f->text);
}

static void write_json(FILE *out, const char *ts, enum log_level level, const char *logger, const char *msg,
                       const struct log_field *fields) {
    fprintf(out, "{\"ts\":\"%s\",\"level\":\"%s\",\"logger\":", ts, level_name(level));
    put_quoted(out, str_of(logger));
    fputs(",\"msg\":", out);
    put_quoted(out, str_of(msg));
    for (; fields->type != LOG_FIELD_END; fields++) {
        fputc(',', out);
        put_quoted(out, str_of(fields->key));
        fputc(':', out);
        put_value(out, fields);
    }
    fputs("}\n", out);
}

static void write_console(FILE *out, const char *ts, enum log_level level, const char *logger, const char *msg,
                          const struct log_field *fields) {
    fprintf(out, "%s %-5s %s: ", ts, level_name(level), logger);
    put_text(out, str_of(msg));
    for (; fields->type != LOG_FIELD_END; fields++) {
        fprintf(out, " %s=", fields->key);
        put_value(out, fields);
    }
    fputc('\n', out);
}

void log_write(enum log_level level, const char *logger, const char *msg, const struct log_field *fields) {
    if (!log_enabled(level)) return;
    FILE *out = log_out ? log_out : stderr;
    char ts[CLOCK_TEXT_LEN];
    clock_format_ms(clock_wall_ms(), ts);
    flockfile(out); /* one line at a time, also when a curl or DNS thread logs */
    (log_format == LOG_JSON ? write_json : write_console)(out, ts, level, logger, msg, fields);
    fflush(out);
    funlockfile(out);
}
