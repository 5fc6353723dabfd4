/*
 * tls: how the proxy shows itself to clients, and how it reaches the server. HTTP/1.1 only: no other protocol is agreed on.
 */
#ifndef FAULTPROXY_TLS_H
#define FAULTPROXY_TLS_H

#include <openssl/ssl.h>

#include "base/err.h"

/* With a certificate made on the spot for 127.0.0.1 and localhost, written to ca_out as PEM for clients to trust. NULL with *err. */
SSL_CTX *tls_server_new(const char *ca_out, struct err *err) ERR_MUST_CHECK;

/* Files of PEM; each may be NULL: without ca the server is not verified, without cert and key none is shown. NULL with *err. */
SSL_CTX *tls_client_new(const char *ca, const char *cert, const char *key, struct err *err) ERR_MUST_CHECK;

#endif
