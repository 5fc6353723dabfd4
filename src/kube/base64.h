/*
 * base64: RFC 4648 section 4, for the -data fields of kubeconfig files and for basic authentication.
 */
#ifndef KUBE_BASE64_H
#define KUBE_BASE64_H

#include "base/str.h"

/* The bytes that `text` stands for, NUL-terminated; line breaks are skipped. The caller frees them; NULL when malformed or without memory.
 */
char *base64_decode(struct str text, size_t *len_out);

/* The caller frees it; NULL without memory. */
char *base64_encode(struct str bytes);

#endif
