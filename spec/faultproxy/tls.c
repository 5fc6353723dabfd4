#include "tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

enum { VALID_SECONDS = 7 * 24 * 3600 };

static int tls_error(struct err *err, const char *what) {
    char why[256];
    ERR_error_string_n(ERR_get_error(), why, sizeof why);
    return err_set(err, ERR_INVALID, "%s: %s", what, why);
}

static bool add_extension(X509 *cert, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/* Its own authority: what a client is given to trust is the certificate itself. */
static bool fill(X509 *cert, EVP_PKEY *key) {
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_set_version(cert, 2) && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -3600) && X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"faultproxy", -1, -1, 0) &&
           X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) &&
           add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") && X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool write_pem(const char *path, X509 *cert) {
    FILE *file = fopen(path, "w");
    bool written = file && PEM_write_X509(file, cert);
    return file && fclose(file) == 0 && written;
}

SSL_CTX *tls_server_new(const char *ca_out, struct err *err) {
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool made = tls && key && cert && fill(cert, key) && SSL_CTX_use_certificate(tls, cert) && SSL_CTX_use_PrivateKey(tls, key);
    if (!made)
        tls_error(err, "cannot make a certificate");
    else if (!write_pem(ca_out, cert))
        made = !err_set(err, ERR_IO, "cannot write %s", ca_out);
    EVP_PKEY_free(key);
    X509_free(cert);
    if (made) return tls;
    SSL_CTX_free(tls);
    return NULL;
}

SSL_CTX *tls_client_new(const char *ca, const char *cert, const char *key, struct err *err) {
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    bool made = tls && (!ca || SSL_CTX_load_verify_locations(tls, ca, NULL)) && (!cert || SSL_CTX_use_certificate_chain_file(tls, cert)) &&
                (!key || SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM));
    if (made) {
        SSL_CTX_set_verify(tls, ca ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
        return tls;
    }
    tls_error(err, "cannot use the files for the server");
    SSL_CTX_free(tls);
    return NULL;
}
