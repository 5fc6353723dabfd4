/*
 * pem: what certificate and key files hold, judged before it is used: a file that is being written, or was exchanged for something
 * else, must not take the place of one that works.
 */
#ifndef KUBE_PEM_H
#define KUBE_PEM_H

#include "base/err.h"
#include "base/str.h"

/* One whole certificate at least, and nothing broken (RFC 7468). ERR_INVALID. */
int pem_check_ca(struct str ca, struct err *err) ERR_MUST_CHECK;

/* A certificate and the key that belongs to it. ERR_INVALID; also where the key needs a passphrase, for which nobody can be asked. */
int pem_check_pair(struct str cert, struct str key, struct err *err) ERR_MUST_CHECK;

#endif
