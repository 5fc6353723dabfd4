/* Patterns of schemas: Go's RE2 syntax, brought into POSIX extended form as far as CRDs use it. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/schema.h"

/* What a Perl class stands for inside of brackets; NULL: the escape stands for itself. */
static const char *class_of(char letter) {
    switch (letter) {
    case 'd': return "0-9";
    case 'w': return "A-Za-z0-9_";
    case 's': return " \t\r\n\f";
    default: return NULL;
    }
}

/* One escape outside of brackets. */
static void add_escape(struct buf *out, char letter) {
    const char *class = class_of(letter);
    const char *negated = strchr("DWS", letter) ? class_of((char)(letter + 32)) : NULL;
    if (class)
        dev_text_addf(out, "[%s]", class);
    else if (negated)
        dev_text_addf(out, "[^%s]", negated);
    else if (strchr("zA", letter))
        dev_text_add(out, letter == 'z' ? "$" : "^");
    else
        dev_text_addf(out, "\\%c", letter);
}

/* A bracket expression, from "[" to its "]"; POSIX knows no escapes in it. Returns the last byte read. */
static const char *add_bracket(struct buf *out, const char *p) {
    bool dash = false;
    dev_text_add(out, "[");
    if (*++p == '^') dev_text_add_bytes(out, p++, 1);
    if (*p == ']') dev_text_add_bytes(out, p++, 1);
    for (; *p && *p != ']'; p++) {
        if (*p != '\\' || !p[1]) {
            dev_text_add_bytes(out, p, 1);
            continue;
        }
        const char *class = class_of(*++p);
        if (*p == '-')
            dash = true; /* a literal dash stands last in POSIX */
        else if (class)
            dev_text_add(out, class);
        else
            dev_text_add_bytes(out, p, 1);
    }
    dev_text_add(out, dash ? "-]" : "]");
    return p;
}

static char *to_posix(const char *pattern) {
    struct buf out = dev_text_new();
    dev_text_add(&out, "");
    for (const char *p = pattern; *p; p++) {
        if (*p == '\\' && p[1])
            add_escape(&out, *++p);
        else if (*p == '[')
            p = add_bracket(&out, p);
        else if (strncmp(p, "(?:", 3) == 0)
            dev_text_add(&out, "("), p += 2;
        else
            dev_text_add_bytes(&out, p, 1);
        if (*p == '\0') break;
    }
    return buf_take(&out, NULL);
}

bool dev_pattern_matches(const char *pattern, const char *text) {
    regex_t regex;
    char *posix = to_posix(pattern);
    int rc = regcomp(&regex, posix, REG_EXTENDED | REG_NOSUB);
    free(posix);
    if (rc) return true; /* a pattern that we cannot read refuses nothing */
    bool matches = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}
