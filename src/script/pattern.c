#include "script/pattern.h"

#include <ctype.h>

static const char *match(struct matcher *m, const char *s, const char *p);

static const char *subject_end(const struct matcher *m) { return m->subject.p + m->subject.n; }
static const char *pattern_end(const struct matcher *m) { return m->pattern.p + m->pattern.n; }

/* Notes the first error. The result is that of a match that failed. */
static const char *fail(struct matcher *m, const char *error) {
    if (!m->error) m->error = error;
    return NULL;
}

static bool spent(struct matcher *m) { return m->error || --m->budget < 0; }

bool pattern_is_plain(struct str pattern) {
    for (size_t i = 0; i < pattern.n; i++)
        if (pattern.p[i] && strchr("^$*+?.([%-", pattern.p[i])) return false;
    return true;
}

/* A set runs to its first ']' that is neither first in it nor escaped. */
static const char *set_end(struct matcher *m, const char *p) {
    const char *end = pattern_end(m);
    if (p < end && *p == '^') p++;
    for (bool first = true;; first = false) {
        if (p >= end) return fail(m, "malformed pattern (missing ']')");
        char c = *p++;
        if (c == '%')
            p += p < end;
        else if (c == ']' && !first)
            return p;
    }
}

/* Where the single-character item at p ends. */
static const char *item_end(struct matcher *m, const char *p) {
    char c = *p++;
    if (c == '[') return set_end(m, p);
    if (c != '%') return p;
    if (p >= pattern_end(m)) return fail(m, "malformed pattern (ends with '%')");
    return p + 1;
}

static bool in_class(unsigned char c, unsigned char class) {
    bool yes;
    switch (tolower(class)) {
    case 'a': yes = isalpha(c); break;
    case 'c': yes = iscntrl(c); break;
    case 'd': yes = isdigit(c); break;
    case 'g': yes = isgraph(c); break;
    case 'l': yes = islower(c); break;
    case 'p': yes = ispunct(c); break;
    case 's': yes = isspace(c); break;
    case 'u': yes = isupper(c); break;
    case 'w': yes = isalnum(c); break;
    case 'x': yes = isxdigit(c); break;
    case 'z': yes = c == 0; break; /* deprecated, still understood by 5.4 */
    default: return class == c;
    }
    return isupper(class) ? !yes : yes;
}

/* [set] between p, after its '[', and last, its ']'. */
static bool in_set(unsigned char c, const char *p, const char *last) {
    bool wanted = *p != '^';
    for (p += !wanted; p < last; p++) {
        if (*p == '%' && p + 1 < last) {
            if (in_class(c, (unsigned char)*++p)) return wanted;
        } else if (p + 2 < last && p[1] == '-') {
            if ((unsigned char)*p <= c && c <= (unsigned char)p[2]) return wanted;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return wanted;
        }
    }
    return !wanted;
}

static bool item_matches(struct matcher *m, const char *s, const char *p, const char *end) {
    if (s >= subject_end(m) || spent(m)) return false;
    unsigned char c = (unsigned char)*s;
    switch (*p) {
    case '.': return true;
    case '%': return in_class(c, (unsigned char)p[1]);
    case '[': m->budget -= (end - p) / 4; return in_set(c, p + 1, end - 1);
    default: return (unsigned char)*p == c;
    }
}

/* As many as possible, then fewer. */
static const char *repeat_most(struct matcher *m, const char *s, const char *p, const char *end) {
    ptrdiff_t n = 0;
    while (item_matches(m, s + n, p, end)) n++;
    for (; n >= 0 && !spent(m); n--) {
        const char *e = match(m, s + n, end + 1);
        if (e) return e;
    }
    return NULL;
}

/* As few as possible, then more. */
static const char *repeat_least(struct matcher *m, const char *s, const char *p, const char *end) {
    for (;; s++) {
        const char *e = match(m, s, end + 1);
        if (e || !item_matches(m, s, p, end)) return e;
    }
}

static const char *open_capture(struct matcher *m, const char *s, const char *p, ptrdiff_t len) {
    if (m->level >= PATTERN_MAX_CAPTURES) return fail(m, "too many captures");
    m->captures[m->level++] = (struct capture){s, len};
    const char *e = match(m, s, p);
    if (!e) m->level--;
    return e;
}

static const char *close_capture(struct matcher *m, const char *s, const char *p) {
    int i = m->level - 1;
    while (i >= 0 && m->captures[i].len != CAPTURE_OPEN) i--;
    if (i < 0) return fail(m, "invalid pattern capture");
    m->captures[i].len = s - m->captures[i].start;
    const char *e = match(m, s, p);
    if (!e) m->captures[i].len = CAPTURE_OPEN;
    return e;
}

/* %bxy: from an x to the y that balances it; the end of that, or NULL. */
static const char *balanced(struct matcher *m, const char *s, const char *p) {
    if (p + 1 >= pattern_end(m)) return fail(m, "malformed pattern (missing arguments to '%b')");
    if (s >= subject_end(m) || *s != *p) return NULL;
    int64_t open = 1;
    for (const char *at = s + 1; at < subject_end(m) && !spent(m); at++) {
        if (*at == p[1]) {
            if (--open == 0) return at + 1;
        } else if (*at == *p) {
            open++;
        }
    }
    return NULL;
}

/* %1: the text of a capture again; the end of that, or NULL. */
static const char *again(struct matcher *m, const char *s, char digit) {
    int i = digit - '1';
    if (i < 0 || i >= m->level || m->captures[i].len == CAPTURE_OPEN) return fail(m, "invalid capture index in the pattern");
    ptrdiff_t len = m->captures[i].len;
    if (len < 0 || subject_end(m) - s < len) return NULL;
    m->budget -= len / 16;
    return memcmp(m->captures[i].start, s, (size_t)len) == 0 ? s + len : NULL;
}

/* %f[set]: between a character outside of the set and one inside; either end of the subject counts as '\0'. */
static bool at_frontier(struct matcher *m, const char *s, const char *set, const char *end) {
    unsigned char before = s == m->subject.p ? 0 : (unsigned char)s[-1];
    unsigned char here = s == subject_end(m) ? 0 : (unsigned char)*s;
    return !in_set(before, set + 1, end - 1) && in_set(here, set + 1, end - 1);
}

/* One item with its suffix. Sets *next_s and *next_p to go on there, or returns the outcome of all the rest. */
static const char *match_item(struct matcher *m, const char *s, const char *p, const char **next_s, const char **next_p) {
    const char *end = item_end(m, p);
    *next_p = NULL;
    if (!end) return NULL;
    char suffix = end < pattern_end(m) ? *end : '\0';
    if (suffix == '*') return repeat_most(m, s, p, end);
    if (suffix == '-') return repeat_least(m, s, p, end);
    bool here = item_matches(m, s, p, end);
    if (suffix == '+') return here ? repeat_most(m, s + 1, p, end) : NULL;
    if (suffix == '?') {
        const char *e = here ? match(m, s + 1, end + 1) : NULL;
        if (e) return e;
        *next_s = s;
        *next_p = end + 1;
        return NULL;
    }
    if (!here) return NULL;
    *next_s = s + 1;
    *next_p = end;
    return NULL;
}

/* %b, %f and %1..%9, which are no single characters. False: p is none of them. */
static bool match_special(struct matcher *m, const char **s, const char **p) {
    if (**p != '%' || *p + 1 >= pattern_end(m)) return false;
    char kind = (*p)[1];
    if (kind == 'b') {
        *s = balanced(m, *s, *p + 2);
        *p += 4;
    } else if (kind == 'f') {
        const char *set = *p + 2;
        const char *end = set < pattern_end(m) && *set == '[' ? item_end(m, set) : fail(m, "missing '[' after '%f' in pattern");
        if (!end || !at_frontier(m, *s, set, end)) *s = NULL;
        *p = end;
    } else if (isdigit((unsigned char)kind)) {
        *s = again(m, *s, kind);
        *p += 2;
    } else {
        return false;
    }
    return true;
}

static const char *match_rest(struct matcher *m, const char *s, const char *p) {
    while (p < pattern_end(m)) {
        if (spent(m)) return NULL;
        if (*p == '(')
            return p + 1 < pattern_end(m) && p[1] == ')' ? open_capture(m, s, p + 2, CAPTURE_POSITION)
                                                         : open_capture(m, s, p + 1, CAPTURE_OPEN);
        if (*p == ')') return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == pattern_end(m)) return s == subject_end(m) ? s : NULL;
        if (match_special(m, &s, &p)) {
            if (!s) return NULL;
            continue;
        }
        const char *next_p;
        const char *e = match_item(m, s, p, &s, &next_p);
        if (!next_p) return e;
        p = next_p;
    }
    return s;
}

static const char *match(struct matcher *m, const char *s, const char *p) {
    if (++m->depth > PATTERN_MAX_DEPTH) fail(m, "pattern too complex");
    const char *e = m->error ? NULL : match_rest(m, s, p);
    m->depth--;
    return e;
}

const char *pattern_match(struct matcher *m, const char *s, size_t p) {
    m->level = 0;
    m->depth = 0;
    const char *e = match(m, s, m->pattern.p + p);
    return m->error || m->budget < 0 ? NULL : e;
}
