#include "base/str.h"

#include <stdlib.h>

bool str_starts(struct str s, struct str prefix) { return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0); }

bool str_ends(struct str s, struct str suffix) {
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0);
}

int str_cmp(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_cut(struct str s, char sep, struct str *head, struct str *rest) {
    const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;
    if (!at) {
        *head = s;
        *rest = (struct str){0};
        return false;
    }
    *head = (struct str){s.p, (size_t)(at - s.p)};
    *rest = (struct str){at + 1, s.n - head->n - 1};
    return true;
}

char *str_dup(struct str s) {
    char *copy = malloc(s.n + 1);
    if (!copy) return NULL;
    if (s.n) memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

char *str_join(const struct str *parts, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) n += parts[i].n;
    char *all = malloc(n + 1), *at = all;
    if (!all) return NULL;
    for (size_t i = 0; i < count; at += parts[i++].n)
        if (parts[i].n) memcpy(at, parts[i].p, parts[i].n);
    *at = '\0';
    return all;
}

bool str_replace(char **slot, struct str text) {
    char *copy = str_dup(text);
    if (!copy) return false;
    free(*slot);
    *slot = copy;
    return true;
}

bool str_to_int(struct str s, int64_t *out) {
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    bool negative = i && s.p[0] == '-';
    if (i == s.n) return false;
    int64_t value = 0; /* kept negative: the magnitude of INT64_MIN has no positive twin */
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, s.p[i] - '0', &value)) return false;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value)) return false;
    *out = value;
    return true;
}

/*
 * Only the last star is ever reconsidered: whatever an earlier star matched, a later star can make up for. So the state is
 * one pair of positions, and the work at most pattern times text.
 */
bool str_glob(struct str pattern, struct str s) {
    size_t p = 0, i = 0, retry_i = 0, retry_p = SIZE_MAX;
    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            retry_p = ++p;
            retry_i = i;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == s.p[i])) {
            p++;
            i++;
        } else if (retry_p != SIZE_MAX) {
            p = retry_p;
            i = ++retry_i;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') p++;
    return p == pattern.n;
}

static inline uint64_t mix(uint64_t a, uint64_t b) {
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load_u64(const char *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load_u32(const char *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Folded 64x64 multiplications, eight or sixteen bytes a round: names are short, so what counts is a short tail path. */
uint64_t str_hash(struct str s, uint64_t seed) {
    static const uint64_t k0 = 0x9e3779b97f4a7c15u, k1 = 0xd6e8feb86659fd93u;
    uint64_t h = seed ^ k0, a = 0, b = 0;
    const char *p = s.p;
    size_t n = s.n;
    for (; n > 16; p += 16, n -= 16) h = mix(load_u64(p) ^ k0 ^ h, load_u64(p + 8) ^ k1);
    if (n >= 8) {
        a = load_u64(p);
        b = load_u64(p + n - 8);
    } else if (n >= 4) {
        a = load_u32(p);
        b = load_u32(p + n - 4);
    } else if (n) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
    }
    return mix(mix(a ^ k1 ^ h, b ^ k0), k1 ^ s.n);
}
