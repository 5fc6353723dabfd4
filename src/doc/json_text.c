#include "doc/json_reader.h"

size_t json_utf8_len(const char *text, const char *end) {
    const unsigned char *p = (const unsigned char *)text;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2, left = (size_t)(end - text);
    if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
    if (left >= 2) {
        /* The second byte's range keeps out overlong forms, surrogates, and what lies beyond U+10FFFF. */
        unsigned low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80, high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
        if (p[1] < low || p[1] > high) return 0;
    }
    for (size_t i = 2; i < n && i < left; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    return n <= left ? n : SIZE_MAX;
}

bool json_is_utf8(struct str text) {
    const char *p = text.p, *end = text.p + text.n;
    while (p < end) {
        size_t n = (signed char)*p >= 0 ? 1 : json_utf8_len(p, end);
        if (!n || n == SIZE_MAX) return false;
        p += n;
    }
    return true;
}

/* Moves *p past characters beyond ASCII. */
static bool pass_high(struct json_reader *r, const char **p) {
    while (*p < r->end && (signed char)**p < 0) {
        size_t n = json_utf8_len(*p, r->end);
        if (n == SIZE_MAX) return json_cut(r);
        if (!n) {
            r->p = *p;
            return json_fail(r, "a string that is not UTF-8");
        }
        *p += n;
    }
    return true;
}

/* Finds the string's end or its first backslash, and checks what is before. */
static bool pass_plain(struct json_reader *r, const char **p) {
    for (;;) {
        *p = json_find_special(*p, r->end);
        if (*p == r->end) return json_cut(r);
        if (**p == '"' || **p == '\\') return true;
        if ((signed char)**p >= 0) {
            r->p = *p;
            return json_fail(r, "a control character in a string");
        }
        if (!pass_high(r, p)) return false;
    }
}

/* Four hex digits at p; -1 when they are none. */
static int32_t hex4(const char *p) {
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i], folded = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (folded >= 'a' && folded <= 'f')
            value = value * 16 + (folded - 'a' + 10);
        else
            return -1;
    }
    return value;
}

static char *put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

/* The escape "\uXXXX" at *p, or a surrogate pair of two. */
static bool read_unicode(struct json_reader *r, const char **p, char **out) {
    if (r->end - *p < 6) return json_cut(r);
    int32_t c = hex4(*p + 2);
    *p += 6;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (r->end - *p < 6 && !r->final) return json_cut(r);
        int32_t low = r->end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ? hex4(*p + 2) : -1;
        c = low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
        *p += 6;
    } else if (c >= 0xdc00 && c <= 0xdfff) {
        c = -1;
    }
    if (c < 0) return json_fail(r, "a bad \\u escape");
    *out = put_utf8(*out, (uint32_t)c);
    return true;
}

static bool read_escape(struct json_reader *r, const char **p, char **out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->end - *p < 2) return json_cut(r);
    char c = (*p)[1];
    if (c == 'u') return read_unicode(r, p, out);
    const char *at = c ? strchr(from, c) : NULL;
    if (!at) return json_fail(r, "an unknown escape in a string");
    *(*out)++ = to[at - from];
    *p += 2;
    return true;
}

/* The rest of a string from its first backslash, at p, on; `start` is behind the quote. */
static bool read_escaped(struct json_reader *r, const char *start, const char *p, struct str *out) {
    /* Unescaping only shrinks, so the end of the raw text bounds the room; it is found first, as `end` may be far. */
    const char *close = p;
    while (close < r->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close >= r->end) return json_cut(r);
    char *scratch = builder_scratch(r->b, (size_t)(close - start) + 1), *q = scratch;
    if (!scratch) return false;
    for (;;) {
        memcpy(q, start, (size_t)(p - start));
        q += p - start;
        if (*p == '"') break;
        if (!read_escape(r, &p, &q)) return false;
        start = p;
        if (!pass_plain(r, &p)) return false;
    }
    *out = (struct str){scratch, (size_t)(q - scratch)};
    r->p = p + 1;
    return true;
}

bool json_string_rest(struct json_reader *r, const char *p, struct str *out) {
    const char *start = r->p + 1;
    if (!pass_plain(r, &p)) return false;
    if (*p == '\\') return read_escaped(r, start, p, out);
    *out = (struct str){start, (size_t)(p - start)};
    r->p = p + 1;
    return true;
}
