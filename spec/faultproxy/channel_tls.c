/* TLS of a channel: OpenSSL between two memory BIOs, libuv between them and the wire. */
#include "channel_internal.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "memory.h"

SSL *channel_tls_new(SSL_CTX *tls) {
    SSL *ssl = memory_or_end(SSL_new(tls));
    SSL_set_bio(ssl, memory_or_end(BIO_new(BIO_s_mem())), memory_or_end(BIO_new(BIO_s_mem())));
    return ssl;
}

static void flush(struct channel *c) {
    char *bytes;
    long n = BIO_get_mem_data(SSL_get_wbio(c->ssl), &bytes);
    if (n <= 0) return;
    channel_send_raw(c, (struct str){bytes, (size_t)n});
    (void)BIO_reset(SSL_get_wbio(c->ssl));
}

static void fail(struct channel *c) {
    char why[256];
    ERR_error_string_n(ERR_get_error(), why, sizeof why);
    ERR_clear_error();
    flush(c); /* the alert that says why */
    channel_broke(c, why);
}

static bool is_fatal(const struct channel *c, int rc) {
    int error = SSL_get_error(c->ssl, rc);
    return error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_ZERO_RETURN;
}

static void send_early(struct channel *c) {
    if (c->early.len && SSL_write(c->ssl, c->early.data, (int)c->early.len) <= 0) fail(c);
    buf_clear(&c->early);
}

/* False: not yet, or it failed. */
static bool shake_hands(struct channel *c) {
    if (SSL_is_init_finished(c->ssl)) return true;
    int rc = SSL_do_handshake(c->ssl);
    if (rc != 1 && is_fatal(c, rc)) {
        fail(c);
        return false;
    }
    if (rc == 1) send_early(c);
    flush(c);
    return rc == 1;
}

void channel_tls_begin(struct channel *c) { (void)shake_hands(c); }

void channel_tls_take(struct channel *c, struct str bytes) {
    char plain[16 * 1024];
    int n = 0;
    (void)BIO_write(SSL_get_rbio(c->ssl), bytes.p, (int)bytes.n);
    if (!shake_hands(c)) return;
    while (!c->closing && (n = SSL_read(c->ssl, plain, sizeof plain)) > 0) c->user->bytes((struct str){plain, (size_t)n}, c->arg);
    if (c->closing) return;
    if (SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN)
        c->user->end(c->arg);
    else if (is_fatal(c, n))
        fail(c);
    else
        flush(c);
}

void channel_tls_send(struct channel *c, struct str bytes) {
    struct err err;
    if (!SSL_is_init_finished(c->ssl)) {
        if (buf_append(&c->early, bytes.p, bytes.n, &err)) channel_broke(c, err.msg);
        return;
    }
    if (SSL_write(c->ssl, bytes.p, (int)bytes.n) <= 0)
        fail(c);
    else
        flush(c);
}

void channel_tls_end(struct channel *c) {
    if (!SSL_is_init_finished(c->ssl)) return;
    (void)SSL_shutdown(c->ssl);
    flush(c);
}
