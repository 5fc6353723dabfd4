/*
 * sha256: SHA-256 (FIPS 180-4) by OpenSSL, for identities that outlive the process (finding ids, Result names, bundle hashes),
 * and HMAC by it, for masks.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum { SHA256_HEX_LEN = 64 };

/* Lower-case hex of the digest of the parts, each preceded by its length so that ("ab","c") and ("a","bc") differ. */
int sha256_parts(const struct str *parts, size_t count, char hex[SHA256_HEX_LEN + 1], struct err *err) ERR_MUST_CHECK;

/* Lower-case hex of the digest of the bytes as they are. */
int sha256_bytes(struct str bytes, char hex[SHA256_HEX_LEN + 1], struct err *err) ERR_MUST_CHECK;

/* Lower-case hex of the HMAC-SHA-256 (RFC 2104) of the message by the key. The main thread only. */
int sha256_hmac(struct str key, struct str message, char hex[SHA256_HEX_LEN + 1], struct err *err) ERR_MUST_CHECK;

#endif
