/*
 * str: a borrowed span of bytes, and the few questions the project asks of text.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed; not necessarily NUL-terminated. {NULL, 0} is "absent" and equals the empty string. */
struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_FMT "%.*s" /* printf("name " STR_FMT, STR_ARG(name)) */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *text) { return (struct str){text, text ? strlen(text) : 0}; }
static inline bool str_eq(struct str a, struct str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
static inline bool str_is(struct str a, const char *text) { return str_eq(a, str_of(text)); }
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Byte order, shorter first; for sorting. */
int str_cmp(struct str a, struct str b);

/* Splits at the first `sep`: head before it, rest after it. False (head = all, rest empty) where there is none. */
bool str_cut(struct str s, char sep, struct str *head, struct str *rest);

/* A NUL-terminated copy; the caller frees it. NULL without memory. */
char *str_dup(struct str s);

/* All of them behind each other, as str_dup. */
char *str_join(const struct str *parts, size_t count);

/* Replaces the owned *slot by a copy of text; false without memory, and *slot is as before. */
bool str_replace(char **slot, struct str text) __attribute__((warn_unused_result));

/* A decimal integer that fills the whole of s; false otherwise or on overflow. */
bool str_to_int(struct str s, int64_t *out);

/* Glob with * and ? over the whole of s (no classes); linear memory, no backtracking blow-up. */
bool str_glob(struct str pattern, struct str s);

/* 64-bit hash for tables (not for identity); `seed` chains several parts. */
uint64_t str_hash(struct str s, uint64_t seed);

#endif
