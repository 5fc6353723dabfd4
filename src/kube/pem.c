#include "kube/pem.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* OpenSSL's own would ask the terminal and wait. */
static int no_passphrase(char *out, int size, int writing, void *arg) {
    (void)out;
    (void)size;
    (void)writing;
    bool *asked = arg;
    *asked = true;
    return -1;
}

static BIO *bio_of(struct str pem) { return pem.n && pem.n < INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL; }

static void free_info(X509_INFO *info) { X509_INFO_free(info); }

int pem_check_ca(struct str ca, struct err *err) {
    bool asked = false;
    int count = 0;
    BIO *bio = bio_of(ca);
    STACK_OF(X509_INFO) *list = bio ? PEM_X509_INFO_read_bio(bio, NULL, no_passphrase, &asked) : NULL;
    for (int i = 0; list && i < sk_X509_INFO_num(list); i++) count += sk_X509_INFO_value(list, i)->x509 != NULL;
    bool broken = bio && !list;
    sk_X509_INFO_pop_free(list, free_info);
    BIO_free(bio);
    ERR_clear_error();
    if (count) return 0;
    return err_set(err, ERR_INVALID, broken ? "holds a certificate that is broken or not whole" : "holds no certificate (PEM)");
}

int pem_check_pair(struct str cert, struct str key, struct err *err) {
    bool asked = false;
    BIO *cert_bio = bio_of(cert), *key_bio = bio_of(key);
    X509 *x509 = cert_bio ? PEM_read_bio_X509(cert_bio, NULL, no_passphrase, &asked) : NULL;
    EVP_PKEY *pkey = key_bio ? PEM_read_bio_PrivateKey(key_bio, NULL, no_passphrase, &asked) : NULL;
    bool fits = x509 && pkey && X509_check_private_key(x509, pkey) == 1;
    const char *problem = !x509   ? "the client certificate is none (PEM), or not whole"
                          : asked ? "the client key needs a passphrase, which nobody can be asked for: store it decrypted"
                          : !pkey ? "the client key is none (PEM), or not whole"
                          : !fits ? "the client key does not belong to the client certificate"
                                  : NULL;
    EVP_PKEY_free(pkey);
    X509_free(x509);
    BIO_free(key_bio);
    BIO_free(cert_bio);
    ERR_clear_error();
    return problem ? err_set(err, ERR_INVALID, "%s", problem) : 0;
}
