#include <math.h>
#include <stdlib.h>

#include "doc/json_reader.h"

enum { MAX_NUMBER_BYTES = 1024 };

static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Moves *p past digits; false when there is none. */
static inline bool pass_digits(const char **p, const char *end) {
    const char *start = *p;
    while (*p < end && is_digit(**p)) ++*p;
    return *p > start;
}

static bool put_double(struct json_reader *r, const char *start, const char *end) {
    char text[MAX_NUMBER_BYTES + 1];
    size_t n = (size_t)(end - start);
    if (n > MAX_NUMBER_BYTES) return json_fail(r, "a number of more than 1024 characters");
    memcpy(text, start, n);
    text[n] = '\0';
    double value = strtod(text, NULL);
    if (!isfinite(value)) return json_fail(r, "a number beyond the range of a double");
    doc_put_double(r->b, value);
    return true;
}

static bool put_integer(struct json_reader *r, const char *start, const char *end) {
    bool negative = *start == '-';
    int64_t value = 0; /* kept negative: the magnitude of INT64_MIN has no positive twin */
    for (const char *p = start + negative; p < end; p++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, *p - '0', &value)) return put_double(r, start, end);
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value)) return put_double(r, start, end);
    doc_put_int(r->b, value);
    return true;
}

/* RFC 8259 section 6: the part behind the integer digits. */
static bool pass_fraction(struct json_reader *r, const char **p) {
    if (*p < r->end && **p == '.') {
        ++*p;
        if (!pass_digits(p, r->end)) return *p == r->end ? json_cut(r) : json_fail(r, "a number without digits behind its point");
    }
    if (*p < r->end && (**p == 'e' || **p == 'E')) {
        ++*p;
        if (*p < r->end && (**p == '+' || **p == '-')) ++*p;
        if (!pass_digits(p, r->end)) return *p == r->end ? json_cut(r) : json_fail(r, "a number without digits in its exponent");
    }
    return true;
}

bool json_number(struct json_reader *r, bool skip) {
    const char *start = r->p, *p = start + (*start == '-'), *digits = p;
    if (!pass_digits(&p, r->end)) return p == r->end ? json_cut(r) : json_fail(r, "a value expected");
    if (*digits == '0' && p - digits > 1) return json_fail(r, "a number with a leading zero");
    const char *integer_end = p;
    if (!pass_fraction(r, &p)) return false;
    if (p == r->end && !r->final) return json_cut(r);
    bool ok = skip || (p == integer_end ? put_integer(r, start, p) : put_double(r, start, p));
    if (ok) r->p = p;
    return ok;
}
