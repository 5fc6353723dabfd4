#include "doc/yaml_scalar.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_NUMBER_BYTES = 512 };

static bool is_one_of(struct str text, const char *const *words) {
    for (; *words; words++) {
        if (str_is(text, *words)) return true;
    }
    return false;
}

static bool resolve_word(struct str text, struct yaml_scalar *out) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
    static const char *const unfit[] = {".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",  ".INF", "+.inf",
                                        "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", NULL};
    if (text.n > 5) return false;
    if (is_one_of(text, nulls))
        *out = (struct yaml_scalar){.type = DOC_NULL};
    else if (is_one_of(text, trues))
        *out = (struct yaml_scalar){.type = DOC_BOOL, .boolean = true};
    else if (is_one_of(text, falses))
        *out = (struct yaml_scalar){.type = DOC_BOOL};
    else if (is_one_of(text, unfit))
        *out = (struct yaml_scalar){.type = DOC_ABSENT};
    else
        return false;
    return true;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    char folded = (char)(c | 0x20);
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : 99;
}

/* Go's strconv.ParseInt with base 0: 0x, 0o and 0b, and a leading 0 for octal. A value over int64 is no integer. */
static bool resolve_integer(const char *p, int64_t *out) {
    bool negative = *p == '-';
    p += *p == '-' || *p == '+';
    int base = 10;
    if (p[0] == '0' && p[1]) {
        char mark = (char)(p[1] | 0x20);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        p += mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1;
    }
    if (!*p) return false;
    int64_t value = 0; /* kept negative, as INT64_MIN has no positive twin */
    for (; *p; p++) {
        int digit = digit_of(*p);
        if (digit >= base || __builtin_mul_overflow(value, base, &value) || __builtin_sub_overflow(value, digit, &value)) return false;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value)) return false;
    *out = value;
    return true;
}

static size_t count_digits(const char *p) { return strspn(p, "0123456789"); }

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *p) {
    p += *p == '-' || *p == '+';
    size_t before = count_digits(p), after = 0;
    p += before;
    if (*p == '.') {
        after = count_digits(p + 1);
        p += 1 + after;
    }
    if (!before && !after) return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        size_t exponent = count_digits(p);
        if (!exponent) return false;
        p += exponent;
    }
    return !*p;
}

struct yaml_scalar yaml_resolve(struct str text) {
    struct yaml_scalar out = {.type = DOC_STRING};
    char plain[MAX_NUMBER_BYTES + 1];
    size_t n = 0;
    if (resolve_word(text, &out)) return out;
    if (text.n > MAX_NUMBER_BYTES || !strchr("+-.0123456789", text.p[0])) return out;
    for (size_t i = 0; i < text.n; i++) { /* go-yaml lets digits be grouped by underscores */
        if (text.p[i] != '_') plain[n++] = text.p[i];
    }
    plain[n] = '\0';
    if (strlen(plain) != n) return out;
    if (resolve_integer(plain, &out.integer)) {
        out.type = DOC_INT;
    } else if (is_float(plain)) {
        out.number = strtod(plain, NULL);
        out.type = isfinite(out.number) ? DOC_DOUBLE : DOC_ABSENT;
    }
    return out;
}
