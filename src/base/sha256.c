#include "base/sha256.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

static void put_hex(const unsigned char digest[SHA256_HEX_LEN / 2], char hex[SHA256_HEX_LEN + 1]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < SHA256_HEX_LEN / 2; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[SHA256_HEX_LEN] = '\0';
}

static int refused(struct err *err) { return err_set(err, ERR_UNSUPPORTED, "SHA-256 is not available from OpenSSL"); }

/* Looked up once: to find an algorithm by its name takes longer than to digest a name. NULL: it is not available. */
static const EVP_MD *algorithm(void) {
    static EVP_MD *found;
    if (!found) found = EVP_MD_fetch(NULL, "SHA256", NULL);
    return found;
}

static int hex_of(EVP_MD_CTX *ctx, char hex[SHA256_HEX_LEN + 1]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!EVP_DigestFinal_ex(ctx, digest, &len) || len * 2 != SHA256_HEX_LEN) return 0;
    put_hex(digest, hex);
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
    int ok = algorithm() && EVP_DigestInit_ex(ctx, algorithm(), NULL);
    for (size_t i = 0; ok && i < count; i++) {
        if (with_lengths) ok = update_length(ctx, parts[i].n);
        if (ok && parts[i].n) ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
    }
    if (ok) ok = hex_of(ctx, hex);
    EVP_MD_CTX_free(ctx);
    return ok ? 0 : refused(err);
}

int sha256_parts(const struct str *parts, size_t count, char hex[SHA256_HEX_LEN + 1], struct err *err) {
    return digest(parts, count, true, hex, err);
}

int sha256_bytes(struct str bytes, char hex[SHA256_HEX_LEN + 1], struct err *err) { return digest(&bytes, 1, false, hex, err); }

/* For any key, as it is set anew for each. NULL: it is not available. */
static EVP_MAC_CTX *hmac_context(void) {
    static EVP_MAC_CTX *ctx;
    EVP_MAC *mac = ctx ? NULL : EVP_MAC_fetch(NULL, "HMAC", NULL);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0), OSSL_PARAM_construct_end()};
    if (mac && (ctx = EVP_MAC_CTX_new(mac)) && !EVP_MAC_CTX_set_params(ctx, params)) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_MAC_free(mac);
    return ctx;
}

int sha256_hmac(struct str key, struct str message, char hex[SHA256_HEX_LEN + 1], struct err *err) {
    EVP_MAC_CTX *ctx = hmac_context();
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    if (!ctx || !EVP_MAC_init(ctx, (const unsigned char *)(key.n ? key.p : ""), key.n, NULL) ||
        !EVP_MAC_update(ctx, (const unsigned char *)message.p, message.n) || !EVP_MAC_final(ctx, digest, &len, sizeof digest) ||
        len * 2 != SHA256_HEX_LEN)
        return refused(err);
    put_hex(digest, hex);
    return 0;
}
