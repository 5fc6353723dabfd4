#include "base/sha256.h"

#include <openssl/evp.h>

static int hex_of(EVP_MD_CTX *ctx, char hex[SHA256_HEX_LEN + 1]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!EVP_DigestFinal_ex(ctx, digest, &len) || len * 2 != SHA256_HEX_LEN) return 0;
    for (unsigned i = 0; i < len; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[SHA256_HEX_LEN] = '\0';
    return 1;
}

/* Big endian, so that an identity is the same on every machine. */
static int update_length(EVP_MD_CTX *ctx, size_t n) {
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
    return EVP_DigestUpdate(ctx, length, sizeof length);
}

static int digest(const struct str *parts, size_t count, bool with_lengths, char hex[SHA256_HEX_LEN + 1], struct err *err) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) return err_set(err, ERR_NOMEM, "no memory for a digest");
    int ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    for (size_t i = 0; ok && i < count; i++) {
        if (with_lengths) ok = update_length(ctx, parts[i].n);
        if (ok && parts[i].n) ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
    }
    if (ok) ok = hex_of(ctx, hex);
    EVP_MD_CTX_free(ctx);
    return ok ? 0 : err_set(err, ERR_UNSUPPORTED, "SHA-256 is not available from OpenSSL");
}

int sha256_parts(const struct str *parts, size_t count, char hex[SHA256_HEX_LEN + 1], struct err *err) {
    return digest(parts, count, true, hex, err);
}

int sha256_bytes(struct str bytes, char hex[SHA256_HEX_LEN + 1], struct err *err) { return digest(&bytes, 1, false, hex, err); }
