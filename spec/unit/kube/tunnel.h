/*
 * tunnel: a proxy in threads of its own: HTTP CONNECT, the same over TLS, or SOCKS5 (RFC 9110 9.3.6, RFC 1928). Whatever host it is asked
 * for, it connects to loopback: names that only a proxy could resolve work through it.
 */
#ifndef SPEC_KUBE_TUNNEL_H
#define SPEC_KUBE_TUNNEL_H

#include <poll.h>

#include "net/tls_server.h"

enum { TUNNEL_THREADS = 16 };

struct tunnel {
    SSL_CTX *ctx; /* NULL: plain */
    bool socks;
    int listening, count;
    uint16_t port;
    pthread_t accepting, serving[TUNNEL_THREADS];
    char target[128], authorization[128]; /* of the last that asked */
};

struct tunnel_conn {
    struct tunnel *tunnel;
    SSL *ssl;
    int fd;
};

static inline int tunnel_read(const struct tunnel_conn *c, void *out, int size) {
    return c->ssl ? SSL_read(c->ssl, out, size) : (int)recv(c->fd, out, (size_t)size, 0);
}

static inline bool tunnel_write(const struct tunnel_conn *c, const void *bytes, int n) {
    return c->ssl ? SSL_write(c->ssl, bytes, n) == n : send(c->fd, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

/* Reads up to the blank line, and no further. */
static inline bool tunnel_connect_request(const struct tunnel_conn *c, uint16_t *port) {
    char head[2048] = "";
    int n = 0;
    while (n < (int)sizeof head - 1 && !strstr(head, "\r\n\r\n") && tunnel_read(c, head + n, 1) == 1) head[++n] = '\0';
    const char *authorization = strcasestr(head, "\r\nProxy-Authorization: ");
    if (authorization) (void)sscanf(authorization + 23, "%127[^\r]", c->tunnel->authorization);
    if (sscanf(head, "CONNECT %127s HTTP/1.1", c->tunnel->target) != 1) return false;
    const char *colon = strrchr(c->tunnel->target, ':');
    *port = (uint16_t)strtol(colon ? colon + 1 : "0", NULL, 10);
    static const char ok[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    return tunnel_write(c, ok, sizeof ok - 1);
}

static inline bool tunnel_read_all(const struct tunnel_conn *c, unsigned char *out, int size) {
    int n = 0, got;
    while (n < size && (got = tunnel_read(c, out + n, size - n)) > 0) n += got;
    return n == size;
}

/* Without a password; the target by name (address type 3): names are the proxy's to resolve. */
static inline bool tunnel_socks_request(const struct tunnel_conn *c, uint16_t *port) {
    unsigned char b[300];
    if (!tunnel_read_all(c, b, 2) || b[0] != 5 || !tunnel_read_all(c, b, b[1]) || !tunnel_write(c, "\5\0", 2)) return false;
    if (!tunnel_read_all(c, b, 5) || b[3] != 3) return false;
    int len = b[4];
    if (!tunnel_read_all(c, b, len + 2)) return false;
    *port = (uint16_t)(b[len] << 8 | b[len + 1]);
    (void)snprintf(c->tunnel->target, sizeof c->tunnel->target, "%.*s:%u", len, (const char *)b, *port);
    return tunnel_write(c, "\5\0\0\1\0\0\0\0\0\0", 10);
}

static inline void tunnel_relay(const struct tunnel_conn *c, int far) {
    char block[4096];
    struct pollfd fds[] = {{.fd = c->fd, .events = POLLIN}, {.fd = far, .events = POLLIN}};
    for (;;) {
        bool pending = c->ssl && SSL_pending(c->ssl) > 0;
        if (!pending && poll(fds, 2, -1) < 0) return;
        if (pending || fds[0].revents) {
            int n = tunnel_read(c, block, sizeof block);
            if (n <= 0 || send(far, block, (size_t)n, MSG_NOSIGNAL) != n) return;
        } else if (fds[1].revents) {
            ssize_t n = recv(far, block, sizeof block, 0);
            if (n <= 0 || !tunnel_write(c, block, (int)n)) return;
        }
    }
}

static inline void *tunnel_serve(void *arg) {
    struct tunnel_conn *c = arg;
    uint16_t port;
    if (c->tunnel->ctx) {
        c->ssl = SSL_new(c->tunnel->ctx);
        (void)SSL_set_fd(c->ssl, c->fd);
    }
    bool ok = !c->ssl || SSL_accept(c->ssl) == 1;
    if (ok && (c->tunnel->socks ? tunnel_socks_request(c, &port) : tunnel_connect_request(c, &port))) {
        int far = raw_connect(port);
        tunnel_relay(c, far);
        (void)close(far);
    }
    SSL_free(c->ssl);
    (void)close(c->fd);
    free(c);
    return NULL;
}

static inline void *tunnel_accept(void *arg) {
    struct tunnel *t = arg;
    int fd;
    while (t->count < TUNNEL_THREADS && (fd = accept(t->listening, NULL, NULL)) >= 0) {
        struct tunnel_conn *c = calloc(1, sizeof *c);
        *c = (struct tunnel_conn){.tunnel = t, .fd = fd};
        if (pthread_create(&t->serving[t->count], NULL, tunnel_serve, c)) abort();
        t->count++;
    }
    return NULL;
}

/* `id` NULL: without TLS. */
static inline struct tunnel *tunnel_new(bool socks, const struct identity *id) {
    struct tunnel *t = calloc(1, sizeof *t);
    t->socks = socks;
    if (id) {
        t->ctx = SSL_CTX_new(TLS_server_method());
        assert_int_equal(SSL_CTX_use_certificate(t->ctx, id->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(t->ctx, id->key), 1);
    }
    t->listening = raw_listen(&t->port);
    assert_int_equal(pthread_create(&t->accepting, NULL, tunnel_accept, t), 0);
    return t;
}

/* After the client is freed: its connections have ended then. */
static inline void tunnel_free(struct tunnel *t) {
    (void)shutdown(t->listening, SHUT_RDWR);
    (void)pthread_join(t->accepting, NULL);
    for (int i = 0; i < t->count; i++) (void)pthread_join(t->serving[i], NULL);
    (void)close(t->listening);
    SSL_CTX_free(t->ctx);
    free(t);
}

#endif
