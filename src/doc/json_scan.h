/*
 * json_scan: finding the bytes that matter in a string, sixteen at a time where the machine can (SSE2, which every x86-64 has).
 */
#ifndef DOC_JSON_SCAN_H
#define DOC_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* A quote, a backslash, a control character, or a byte beyond ASCII. */
static inline bool json_is_special(char c) { return (signed char)c < 0x20 || c == '"' || c == '\\'; }

/* The first special byte, or end. */
static inline const char *json_find_special(const char *p, const char *end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* The comparison is signed: bytes from 0x80 on are below 0x20, too. */
        __m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, space), _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask) return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && !json_is_special(*p)) p++;
    return p;
}

/* A bit for each of 64 bytes. */
struct json_bits {
    uint64_t quote, backslash, open, close, bracket, control, high;
};

#if defined(__SSE2__)
static inline struct json_bits json_bits_of(const char *p) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20), fold = _mm_set1_epi8(0x20),
                  open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}'), zero = _mm_setzero_si128();
    struct json_bits bits = {0};
    for (int i = 0; i < 64; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i folded = _mm_or_si128(v, fold); /* '[' becomes '{', ']' becomes '}' */
        __m128i is_open = _mm_cmpeq_epi8(folded, open), is_close = _mm_cmpeq_epi8(folded, close);
        __m128i unfolded = _mm_cmpeq_epi8(_mm_and_si128(v, fold), zero);
        bits.quote |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote)) << i;
        bits.backslash |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, backslash)) << i;
        bits.open |= (uint64_t)(unsigned)_mm_movemask_epi8(is_open) << i;
        bits.close |= (uint64_t)(unsigned)_mm_movemask_epi8(is_close) << i;
        bits.bracket |= (uint64_t)(unsigned)_mm_movemask_epi8(unfolded) << i;
        bits.control |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(v, space)) << i;
        bits.high |= (uint64_t)(unsigned)_mm_movemask_epi8(v) << i;
    }
    bits.bracket &= bits.open | bits.close;
    bits.control &= ~bits.high;
    return bits;
}
#else
static inline struct json_bits json_bits_of(const char *p) {
    struct json_bits bits = {0};
    for (int i = 0; i < 64; i++) {
        uint64_t bit = (uint64_t)1 << i;
        unsigned char c = (unsigned char)p[i];
        if (c == '"') bits.quote |= bit;
        if (c == '\\') bits.backslash |= bit;
        if (c == '{' || c == '[') bits.open |= bit;
        if (c == '}' || c == ']') bits.close |= bit;
        if (c == '[' || c == ']') bits.bracket |= bit;
        if (c < 0x20) bits.control |= bit;
        if (c >= 0x80) bits.high |= bit;
    }
    return bits;
}
#endif

#endif
