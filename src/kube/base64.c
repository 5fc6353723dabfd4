#include "kube/base64.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/evp.h>

static int digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Bits of a last group that stand for nothing must be zero, or two texts would mean the same bytes. */
static bool ends_well(size_t digits, size_t padding, unsigned rest) {
    return (digits + padding) % 4 == 0 && padding <= 2 && digits % 4 != 1 && rest == 0;
}

char *base64_decode(struct str text, size_t *len_out) {
    char *out = malloc(text.n / 4 * 3 + 4);
    if (!out) return NULL;
    size_t len = 0, digits = 0, padding = 0;
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n' || c == '\r') continue;
        int value = digit(c);
        if (c == '=') padding++;
        if (c == '=') continue;
        if (value < 0 || padding) goto malformed;
        digits++;
        bits = bits << 6 | (unsigned)value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out[len++] = (char)(bits >> held & 0xff);
        bits &= (1u << held) - 1;
    }
    if (!ends_well(digits, padding, bits)) goto malformed;
    out[len] = '\0';
    *len_out = len;
    return out;
malformed:
    free(out);
    return NULL;
}

char *base64_encode(struct str bytes) {
    if (bytes.n > INT_MAX / 2) return NULL;
    char *out = malloc((bytes.n + 2) / 3 * 4 + 1);
    if (out) EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)(bytes.p ? bytes.p : ""), (int)bytes.n);
    return out;
}
