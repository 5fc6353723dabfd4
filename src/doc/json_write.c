#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "doc/json.h"
#include "doc/json_reader.h"

struct writer {
    struct buf *out;
    enum json_style style;
    struct err *err;
    int rc; /* the first error; later writes do nothing */
    int depth;
};

static void put(struct writer *w, const char *bytes, size_t n) {
    if (!w->rc && n) w->rc = buf_append(w->out, bytes, n, w->err);
}

static void put_text(struct writer *w, const char *text) { put(w, text, strlen(text)); }

static bool is_html(char c) { return c == '<' || c == '>' || c == '&'; }

/* The first byte that cannot go out as it is without a closer look, or end. */
static const char *find_stop(const struct writer *w, const char *p, const char *end) {
    const char *stop = json_find_special(p, end);
    if (w->style != JSON_GO_COMPACT) return stop;
    while (p < stop && !is_html(*p)) p++;
    return p;
}

static void put_escape(struct writer *w, unsigned char c) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
    const char *at = c ? strchr(from, c) : NULL;
    if (at) {
        put(w, (const char[]){'\\', to[at - from]}, 2);
    } else {
        put(w, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

/* The character beyond ASCII at p; returns what follows it. */
static const char *put_high(struct writer *w, const char *p, const char *end) {
    size_t n = json_utf8_len(p, end);
    if (!n || n == SIZE_MAX) {
        put_text(w, "\xef\xbf\xbd"); /* U+FFFD */
        return p + 1;
    }
    bool is_separator = n == 3 && memcmp(p, "\xe2\x80", 2) == 0 && (p[2] == '\xa8' || p[2] == '\xa9');
    if (w->style == JSON_GO_COMPACT && is_separator)
        put_text(w, p[2] == '\xa8' ? "\\u2028" : "\\u2029");
    else
        put(w, p, n);
    return p + n;
}

static void write_str(struct writer *w, struct str text) {
    const char *p = text.p, *end = text.p + text.n;
    put(w, "\"", 1);
    while (p < end && !w->rc) {
        const char *stop = find_stop(w, p, end);
        put(w, p, (size_t)(stop - p));
        p = stop;
        if (p == end) break;
        if ((signed char)*p < 0)
            p = put_high(w, p, end);
        else
            put_escape(w, (unsigned char)*p++);
    }
    put(w, "\"", 1);
}

static void write_double(struct writer *w, double value) {
    if (!isfinite(value)) {
        if (!w->rc) w->rc = err_set(w->err, ERR_INVALID, "JSON has no form for NaN and infinity");
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    put_text(w, text);
}

static void new_line(struct writer *w) {
    if (w->style != JSON_PRETTY) return;
    put(w, "\n", 1);
    for (int i = 0; i < w->depth; i++) put(w, "  ", 2);
}

static void write_value(struct writer *w, struct doc_value v);

static void write_items(struct writer *w, struct doc_value v, bool is_object) {
    size_t n = doc_len(v);
    w->depth++;
    for (size_t i = 0; i < n && !w->rc; i++) {
        struct str key;
        if (i) put(w, ",", 1);
        new_line(w);
        if (is_object) {
            doc_pair(v, i, &key, NULL);
            write_str(w, key);
            put_text(w, w->style == JSON_PRETTY ? ": " : ":");
        }
        write_value(w, doc_at(v, i));
    }
    w->depth--;
    if (n) new_line(w);
}

static void write_value(struct writer *w, struct doc_value v) {
    char number[24];
    switch (doc_type(v)) {
    case DOC_ABSENT:
    case DOC_NULL: put_text(w, "null"); break;
    case DOC_BOOL: put_text(w, doc_bool(v) ? "true" : "false"); break;
    case DOC_INT:
        snprintf(number, sizeof number, "%" PRId64, doc_int(v));
        put_text(w, number);
        break;
    case DOC_DOUBLE: write_double(w, doc_double(v)); break;
    case DOC_STRING: write_str(w, doc_str(v)); break;
    case DOC_ARRAY:
        put(w, "[", 1);
        write_items(w, v, false);
        put(w, "]", 1);
        break;
    case DOC_OBJECT:
        put(w, "{", 1);
        write_items(w, v, true);
        put(w, "}", 1);
        break;
    }
}

int json_write(struct doc_value v, enum json_style style, struct buf *out, struct err *err) {
    struct writer w = {.out = out, .style = style, .err = err};
    write_value(&w, v);
    if (style == JSON_PRETTY) put(&w, "\n", 1);
    return w.rc;
}

int json_write_str(struct str text, enum json_style style, struct buf *out, struct err *err) {
    struct writer w = {.out = out, .style = style, .err = err};
    write_str(&w, text);
    return w.rc;
}
