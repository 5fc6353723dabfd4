/*
 * tls_server: certificates made on the spot and a small HTTPS server in threads of its own, for the TLS tests.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "http_fixture.h"

enum { TLS_THREADS = 64, TLS_CONTEXTS = 8 };

struct identity {
    EVP_PKEY *key;
    X509 *cert;
    char *cert_pem, *key_pem;
};

struct tls_server {
    SSL_CTX *ctx, *old[TLS_CONTEXTS];
    int retired;
    int listening;
    uint16_t port;
    pthread_t accepting, serving[TLS_THREADS];
    int count;
    bool h2_offered;
    bool closes; /* each connection after one answer */
    void (*answer)(SSL *ssl, const char *request, struct tls_server *s);
    void (*talk)(SSL *ssl, void *arg); /* a whole connection, by HTTP/2; NULL: HTTP/1.1 */
    void *arg;
};

struct tls_conn {
    struct tls_server *server;
    int fd;
};

static inline char *bio_text(BIO *bio) {
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)n);
    BIO_free(bio);
    return text;
}

static inline void add_extension(X509 *cert, X509 *issuer, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* A certificate for `cn`, signed by `ca` (NULL: by itself, a CA); san may be NULL. */
static inline struct identity identity_new(const char *cn, const char *san, const struct identity *ca) {
    static long serial = 1;
    struct identity id = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
    X509 *issuer = ca ? ca->cert : id.cert;
    X509_NAME *name = X509_get_subject_name(id.cert);
    assert_int_equal(X509_set_version(id.cert, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(id.cert), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(id.cert), 86400));
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(id.cert, X509_get_subject_name(issuer)), 1);
    assert_int_equal(X509_set_pubkey(id.cert, id.key), 1);
    add_extension(id.cert, issuer, NID_basic_constraints, ca ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (san) add_extension(id.cert, issuer, NID_subject_alt_name, san);
    assert_true(X509_sign(id.cert, ca ? ca->key : id.key, EVP_sha256()) > 0);
    BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(cert, id.cert), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(key, id.key, NULL, NULL, 0, NULL, NULL), 1);
    id.cert_pem = bio_text(cert);
    id.key_pem = bio_text(key);
    return id;
}

static inline void identity_free(struct identity *id) {
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
    free(id->cert_pem);
    free(id->key_pem);
}

/* Answers what it saw: server name, Host header and the client's common name. */
static inline void tls_answer(SSL *ssl, const char *request, struct tls_server *s) {
    (void)s;
    char cn[64] = "-", body[256], answer[512];
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), *host = strcasestr(request, "\r\nHost: ");
    X509 *peer = SSL_get1_peer_certificate(ssl);
    if (peer) (void)X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, cn, sizeof cn);
    X509_free(peer);
    int host_len = host ? (int)strcspn(host + 8, "\r") : 1;
    int n = snprintf(body, sizeof body, "sni=%s host=%.*s client=%s", sni ? sni : "-", host_len, host ? host + 8 : "-", cn);
    n = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, body);
    (void)SSL_write(ssl, answer, n);
}

/* Closed with bytes unread, a connection is reset, and the peer may find that before the alert. */
static inline void tls_reject(int fd) {
    char block[4096];
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, block, sizeof block, 0) > 0) {}
}

static inline void *tls_serve(void *arg) {
    struct tls_conn *c = arg;
    SSL *ssl = SSL_new(c->server->ctx);
    char request[4096];
    int n;
    (void)SSL_set_fd(ssl, c->fd);
    bool open = SSL_accept(ssl) == 1;
    if (!open) tls_reject(c->fd);
    if (open && c->server->talk) {
        c->server->talk(ssl, c->server->arg);
        open = false;
    }
    while (open && (n = SSL_read(ssl, request, sizeof request - 1)) > 0) {
        request[n] = '\0';
        c->server->answer(ssl, request, c->server);
        open = !c->server->closes;
    }
    if (c->server->closes) (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    (void)close(c->fd);
    free(c);
    return NULL;
}

static inline void *tls_accept(void *arg) {
    struct tls_server *s = arg;
    int fd;
    while (s->count < TLS_THREADS && (fd = accept(s->listening, NULL, NULL)) >= 0) {
        struct tls_conn *c = calloc(1, sizeof *c);
        *c = (struct tls_conn){s, fd};
        if (pthread_create(&s->serving[s->count], NULL, tls_serve, c)) abort();
        s->count++;
    }
    return NULL;
}

static inline int tls_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len,
                           void *arg) {
    (void)ssl;
    struct tls_server *s = arg;
    for (unsigned i = 0; i < in_len; i += in[i] + 1u) {
        if (in[i] == 2 && memcmp(in + i + 1, "h2", 2) == 0) s->h2_offered = true;
        const char *spoken = s->talk ? "h2" : "http/1.1";
        if (in[i] == strlen(spoken) && memcmp(in + i + 1, spoken, in[i]) == 0) *out = in + i + 1, *out_len = in[i];
    }
    return *out ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* For connections from now on. client_ca: NULL, or who must have signed the client's certificate. */
static inline void tls_server_become(struct tls_server *s, const struct identity *id, const struct identity *client_ca) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(ctx, id->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, id->key), 1);
    SSL_CTX_set_alpn_select_cb(ctx, tls_alpn, s);
    if (client_ca) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        assert_int_equal(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"spec", 4), 1);
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), client_ca->cert), 1);
    }
    if (s->retired < TLS_CONTEXTS && s->ctx) s->old[s->retired++] = s->ctx; /* a thread may be about to use it */
    s->ctx = ctx;
}

static inline struct tls_server *tls_server_new(const struct identity *id, const struct identity *client_ca) {
    struct tls_server *s = calloc(1, sizeof *s);
    s->answer = tls_answer;
    tls_server_become(s, id, client_ca);
    s->listening = raw_listen(&s->port);
    assert_int_equal(pthread_create(&s->accepting, NULL, tls_accept, s), 0);
    return s;
}

/* After the client is freed: its connections have ended then. */
static inline void tls_server_free(struct tls_server *s) {
    (void)shutdown(s->listening, SHUT_RDWR);
    (void)pthread_join(s->accepting, NULL);
    for (int i = 0; i < s->count; i++) (void)pthread_join(s->serving[i], NULL);
    (void)close(s->listening);
    while (s->retired) SSL_CTX_free(s->old[--s->retired]);
    SSL_CTX_free(s->ctx);
    free(s);
}

#endif
