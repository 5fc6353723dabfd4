#include "doc/json_skip.h"

#include "doc/builder.h"
#include "doc/json_scan.h"

enum { BLOCK = 64 };

struct json_skip json_skip_new(int max_depth) {
    return (struct json_skip){.max_depth = max_depth};
}

static inline int count_bits(uint64_t v) {
    v -= v >> 1 & 0x5555555555555555u;
    v = (v & 0x3333333333333333u) + (v >> 2 & 0x3333333333333333u);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (int)(v * 0x0101010101010101u >> 56);
}

/* Bytes that stand behind an active backslash; *carry: whether the byte before, and then the last one, is an active backslash. */
static uint64_t escaped_bits(uint64_t backslash, bool *carry) {
    if (!backslash && !*carry) return 0;
    uint64_t escaped = *carry;
    for (uint64_t left = backslash & ~escaped; left; left &= left - 1) {
        uint64_t bit = left & -left;
        if (escaped & bit) continue; /* this backslash is itself behind one */
        escaped |= bit << 1;
    }
    *carry = (backslash & ~escaped) >> 63;
    return escaped;
}

/* For each byte, whether an odd number of quotes stands up to and with it. */
static inline uint64_t odd_quotes(uint64_t quote) {
    for (int shift = 1; shift < 64; shift *= 2) quote ^= quote << shift;
    return quote;
}

/* One bracket after the other, where the end, or the limit of depth, may be in this block. */
static enum json_skip_step walk(struct json_skip *s, const struct json_bits *bits, size_t *at) {
    for (uint64_t left = bits->open | bits->close; left; left &= left - 1) {
        uint64_t bit = left & -left;
        int step = bits->open & bit ? 1 : -1;
        s->depth += step;
        if (bits->bracket & bit) s->brackets += step;
        if (s->depth > s->max_depth) return SKIP_DEEP;
        if (s->depth == 0) {
            if (s->brackets) return SKIP_UNBALANCED;
            *at = (size_t)__builtin_ctzll(bit) + 1;
            return SKIP_DONE;
        }
    }
    return SKIP_MORE;
}

static enum json_skip_step count(struct json_skip *s, const struct json_bits *bits, size_t *at) {
    int opens = count_bits(bits->open), closes = count_bits(bits->close);
    if (s->depth <= closes || s->depth + opens > s->max_depth) return walk(s, bits, at);
    s->depth += opens - closes;
    if (bits->bracket) s->brackets += count_bits(bits->bracket & bits->open) - count_bits(bits->bracket & bits->close);
    return SKIP_MORE;
}

/* A block of a container; the bits past `n` bytes are dropped. SKIP_DONE: the value ends with byte *at of the block. */
static enum json_skip_step skip_block(struct json_skip *s, const char *p, size_t n, size_t *at) {
    struct json_bits bits = json_bits_of(p);
    uint64_t valid = n == BLOCK ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
    uint64_t escaped;
    if (n == BLOCK) {
        escaped = escaped_bits(bits.backslash, &s->escaped);
    } else {
        bool was = s->escaped;
        escaped = escaped_bits(bits.backslash, &was);
        s->escaped = n ? (bits.backslash & ~escaped) >> (n - 1) & 1 : s->escaped;
    }
    uint64_t quote = bits.quote & ~escaped & valid;
    uint64_t inside = odd_quotes(quote) ^ (s->in_string ? ~(uint64_t)0 : 0);
    bits.open &= ~inside & valid;
    bits.close &= ~inside & valid;
    bits.bracket &= ~inside & valid;
    enum json_skip_step step = count(s, &bits, at);
    uint64_t mine = step == SKIP_DONE && *at < BLOCK ? ((uint64_t)1 << *at) - 1 : valid;
    if (bits.control & inside & mine) return SKIP_CONTROL;
    if (bits.high & mine) s->has_high = true;
    s->in_string = inside >> (n - 1) & 1;
    return step;
}

static enum json_skip_step skip_container(struct json_skip *s, struct str text, size_t *used) {
    size_t i = 0, at = 0;
    enum json_skip_step step = SKIP_MORE;
    for (; step == SKIP_MORE && text.n - i >= BLOCK; i += BLOCK) {
        step = skip_block(s, text.p + i, BLOCK, &at);
        if (step == SKIP_DONE) *used = i + at;
    }
    if (step != SKIP_MORE || i == text.n) return step;
    char block[BLOCK];
    memset(block, ' ', sizeof block);
    memcpy(block, text.p + i, text.n - i);
    step = skip_block(s, block, text.n - i, &at);
    if (step == SKIP_DONE) *used = i + at;
    return step;
}

/* The text goes on behind the opening quote. */
static enum json_skip_step skip_string(struct json_skip *s, struct str text, size_t *used) {
    const char *p = text.p, *end = text.p + text.n;
    while (p < end) {
        if (s->escaped) {
            s->escaped = false;
            if ((signed char)*p < 0) s->has_high = true;
            p++;
            continue;
        }
        p = json_find_special(p, end);
        if (p == end) break;
        if (*p == '"') {
            *used = (size_t)(p + 1 - text.p);
            return SKIP_DONE;
        }
        if (*p == '\\')
            s->escaped = true;
        else if ((signed char)*p < 0)
            s->has_high = true;
        else
            return SKIP_CONTROL;
        p++;
    }
    return SKIP_MORE;
}

static enum json_skip_step skip_scalar(struct str text, size_t *used) {
    for (size_t i = 0; i < text.n; i++) {
        if (!strchr(",:{}[]\" \t\r\n", text.p[i])) continue;
        *used = i;
        return SKIP_DONE;
    }
    return SKIP_MORE;
}

enum json_skip_step json_skip_feed(struct json_skip *s, struct str text, size_t *used) {
    *used = 0;
    if (!text.n) return SKIP_MORE;
    if (s->kind == SKIP_FRESH && text.p[0] == '"') {
        s->kind = SKIP_STRING;
        enum json_skip_step step = skip_string(s, (struct str){text.p + 1, text.n - 1}, used);
        ++*used;
        return step;
    }
    if (s->kind == SKIP_FRESH) s->kind = text.p[0] == '{' || text.p[0] == '[' ? SKIP_INSIDE : SKIP_SCALAR;
    switch (s->kind) {
    case SKIP_INSIDE: return skip_container(s, text, used);
    case SKIP_STRING: return skip_string(s, text, used);
    default: return skip_scalar(text, used);
    }
}

static struct str after_space(struct str text) {
    size_t i = 0;
    while (i < text.n && memchr(" \t\r\n", text.p[i], 4)) i++;
    return i ? (struct str){text.p + i, text.n - i} : text; /* which may be nowhere */
}

bool json_is_whole(struct str text) {
    struct json_skip skip = json_skip_new(DOC_MAX_DEPTH);
    size_t used;
    text = after_space(text);
    return json_skip_feed(&skip, text, &used) == SKIP_DONE && !after_space((struct str){text.p + used, text.n - used}).n;
}
