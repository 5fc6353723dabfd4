#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics/registry.h"

/* The text format escapes backslash and line feed, and in label values the double quote too. */
static int put_escaped(struct buf *out, struct str s, bool quotes, struct err *err) {
    size_t from = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < s.n; i++) {
        const char *escape = s.p[i] == '\\' ? "\\\\" : s.p[i] == '\n' ? "\\n" : quotes && s.p[i] == '"' ? "\\\"" : NULL;
        if (!escape) continue;
        rc = buf_append(out, s.p + from, i - from, err);
        if (!rc) rc = buf_puts(out, escape, err);
        from = i + 1;
    }
    return rc ? rc : buf_append(out, s.p + from, s.n - from, err);
}

static int put_number(struct buf *out, double value, struct err *err) {
    if (isnan(value)) return buf_puts(out, "NaN", err);
    if (isinf(value)) return buf_puts(out, value > 0 ? "+Inf" : "-Inf", err);
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return buf_puts(out, text, err);
}

static int put_label(struct buf *out, const char *name, struct str value, bool first, struct err *err) {
    int rc = buf_printf(out, err, "%s%s=\"", first ? "{" : ",", name);
    if (!rc) rc = put_escaped(out, value, true, err);
    return rc ? rc : buf_puts(out, "\"", err);
}

/* One sample line; `bound` is the value of a bucket's le label, or NULL. */
static int put_sample(struct buf *out, const struct metric *f, const struct series *s, const char *suffix, const char *bound, double value,
                      struct err *err) {
    int rc = buf_printf(out, err, "%s%s", f->def.name, suffix);
    for (int i = 0; !rc && i < f->label_count; i++) rc = put_label(out, f->def.labels[i], series_label(s, i), i == 0, err);
    if (!rc && bound) rc = put_label(out, "le", str_of(bound), f->label_count == 0, err);
    if (!rc && (bound || f->label_count)) rc = buf_puts(out, "}", err);
    if (!rc) rc = buf_puts(out, " ", err);
    if (!rc) rc = put_number(out, value, err);
    return rc ? rc : buf_puts(out, "\n", err);
}

static int put_histogram(struct buf *out, const struct metric *f, const struct series *s, struct err *err) {
    double count = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < f->bucket_count; i++) {
        char bound[32];
        snprintf(bound, sizeof bound, "%g", f->def.buckets[i]);
        count += s->numbers[i];
        rc = put_sample(out, f, s, "_bucket", bound, count, err);
    }
    count += s->numbers[f->bucket_count];
    if (!rc) rc = put_sample(out, f, s, "_bucket", "+Inf", count, err);
    if (!rc) rc = put_sample(out, f, s, "_sum", NULL, s->numbers[f->bucket_count + 1], err);
    return rc ? rc : put_sample(out, f, s, "_count", NULL, count, err);
}

static int put_family(struct buf *out, const struct metric *f, struct err *err) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    int rc = buf_printf(out, err, "# HELP %s ", f->def.name);
    if (!rc) rc = put_escaped(out, str_of(f->def.help), false, err);
    if (!rc) rc = buf_printf(out, err, "\n# TYPE %s %s\n", f->def.name, types[f->def.type]);
    for (const struct series *s = f->first_series; !rc && s; s = s->next) {
        rc = f->def.type == METRIC_HISTOGRAM ? put_histogram(out, f, s, err) : put_sample(out, f, s, "", NULL, s->numbers[0], err);
    }
    return rc;
}

int metrics_write(struct metrics *m, struct buf *out, struct err *err) {
    for (const struct collector *c = m->collectors; c; c = c->next) c->collect(c->arg);
    int rc = 0;
    for (const struct metric *f = m->first; !rc && f; f = f->next) rc = put_family(out, f, err);
    return rc;
}
