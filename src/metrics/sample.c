#include "metrics/sample.h"

#include <stdlib.h>

/* Longer than any number that a program prints. */
enum { NUMBER_MAX = 32 };

static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
static bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }
static bool is_blank(char c) { return c == ' ' || c == '\t'; }

struct sample_reader sample_reader_new(char *text, size_t n) {
    return (struct sample_reader){.at = text, .end = text + n, .line = 1};
}

static void skip_blanks(struct sample_reader *r) {
    while (r->at < r->end && is_blank(*r->at)) r->at++;
}

static bool take(struct sample_reader *r, char c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static struct str take_name(struct sample_reader *r) {
    char *from = r->at;
    if (r->at < r->end && is_name_start(*r->at))
        while (r->at < r->end && is_name(*r->at)) r->at++;
    return (struct str){from, (size_t)(r->at - from)};
}

/* One character of a value. A backslash stands for itself unless it is followed by what the format escapes. */
static char take_escaped(struct sample_reader *r) {
    char c = *r->at++;
    if (c != '\\' || r->at == r->end) return c;
    if (*r->at != '\\' && *r->at != '"' && *r->at != 'n') return c;
    c = *r->at++;
    return c == 'n' ? '\n' : c;
}

/* A value up to its closing quote, its escapes resolved where they stand. False where it has no end. */
static bool take_value(struct sample_reader *r, struct str *out) {
    char *from = r->at, *to = r->at;
    while (r->at < r->end && *r->at != '\n') {
        if (take(r, '"')) {
            *out = (struct str){from, (size_t)(to - from)};
            return true;
        }
        *to++ = take_escaped(r);
    }
    return false;
}

/* The labels up to the closing brace; a comma may end the list. NULL, or what is wrong. */
static const char *take_labels(struct sample_reader *r, struct sample *out) {
    for (;;) {
        skip_blanks(r);
        if (take(r, '}')) return NULL;
        if (out->label_count == SAMPLE_MAX_LABELS) return "has too many labels";
        struct str *name = &out->labels[out->label_count].name, *value = &out->labels[out->label_count].value;
        *name = take_name(r);
        skip_blanks(r);
        if (!name->n || !take(r, '=')) return "has a label without a name or a value";
        skip_blanks(r);
        if (!take(r, '"') || !take_value(r, value)) return "has a label whose value has no end";
        out->label_count++;
        skip_blanks(r);
        if (!take(r, ',') && (r->at == r->end || *r->at != '}')) return "has labels that are not parted by commas";
    }
}

/* Of what strtod takes, the format has no hexadecimal numbers. */
static bool take_number(struct sample_reader *r, double *out) {
    char text[NUMBER_MAX];
    size_t n = 0;
    while (r->at < r->end && !is_blank(*r->at) && *r->at != '\n' && n < sizeof text - 1) text[n++] = *r->at++;
    text[n] = '\0';
    char *end = text;
    if (n && !strpbrk(text, "xXpP")) *out = strtod(text, &end);
    return n && end == text + n;
}

/* To the next line, whatever is left of this one. */
static void skip_line(struct sample_reader *r) {
    char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    r->at = end ? end + 1 : r->end;
    r->line++;
}

static const char *take_sample(struct sample_reader *r, struct sample *out) {
    *out = (struct sample){.name = take_name(r)};
    if (!out->name.n) return "begins with no name";
    skip_blanks(r);
    const char *problem = take(r, '{') ? take_labels(r, out) : NULL;
    if (problem) return problem;
    skip_blanks(r);
    return take_number(r, &out->value) ? NULL : "has no number";
}

int sample_next(struct sample_reader *r, struct sample *out, struct err *err) {
    while (r->at < r->end) {
        skip_blanks(r);
        bool is_sample = r->at < r->end && *r->at != '#' && *r->at != '\n';
        const char *problem = is_sample ? take_sample(r, out) : NULL;
        if (problem) {
            r->at = r->end;
            err_set(err, ERR_INVALID, "no metrics: line %d %s", r->line, problem);
            return -1;
        }
        if (r->at < r->end) skip_line(r);
        if (is_sample) return 1;
    }
    return 0;
}

struct str sample_label(const struct sample *s, const char *name) {
    for (int i = 0; i < s->label_count; i++)
        if (str_is(s->labels[i].name, name)) return s->labels[i].value;
    return (struct str){0};
}
