/*
 * channel_internal: what channel.c and channel_tls.c know of each other. Not for other units.
 */
#ifndef FAULTPROXY_CHANNEL_INTERNAL_H
#define FAULTPROXY_CHANNEL_INTERNAL_H

#include "base/buf.h"
#include "channel.h"

struct channel {
    uv_tcp_t tcp;
    SSL *ssl; /* NULL: in the clear */
    const struct channel_user *user;
    void *arg;
    struct buf early; /* to be sent by TLS, given before the handshake was done */
    bool connected, reading, ended, closing;
};

void channel_broke(struct channel *c, const char *why);
void channel_send_raw(struct channel *c, struct str bytes);

SSL *channel_tls_new(SSL_CTX *tls);
void channel_tls_begin(struct channel *c);
void channel_tls_take(struct channel *c, struct str bytes);
void channel_tls_send(struct channel *c, struct str bytes);
void channel_tls_end(struct channel *c);

#endif
