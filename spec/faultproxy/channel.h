/*
 * channel: one end of a TCP connection, in the clear or by TLS. Hands over what arrives and sends what it is given.
 *
 * link uses two of them, control one a client. The user is called from the loop, and never again once the channel is closed or reset.
 */
#ifndef FAULTPROXY_CHANNEL_H
#define FAULTPROXY_CHANNEL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <uv.h>

#include "base/str.h"
#include "net/loop.h"

struct channel;

struct channel_user {
    void (*bytes)(struct str bytes, void *arg);
    void (*end)(void *arg);                   /* the peer sends no more */
    void (*gone)(const char *why, void *arg); /* broken, or it could not be made */
    void (*sent)(void *arg);                  /* less waits to be sent than before */
};

/* tls: NULL in the clear. Both begin to read at once; what is sent before the connection stands waits for it. */
struct channel *channel_accept(uv_stream_t *listener, SSL_CTX *tls, const struct channel_user *user, void *arg);
struct channel *channel_connect(struct loop *loop, const struct sockaddr_in *to, SSL_CTX *tls, const struct channel_user *user, void *arg);

void channel_send(struct channel *c, struct str bytes); /* copied */
size_t channel_unsent(const struct channel *c);         /* bytes that were given and have not left */
void channel_read(struct channel *c, bool on);
void channel_end(struct channel *c);   /* sends no more; still reads */
void channel_close(struct channel *c); /* after what was given has left; NULL: nothing */
void channel_reset(struct channel *c); /* at once: the peer sees a reset; NULL: nothing */

/* Ends all channels of the loop, also those that a peer which does not read keeps from closing. Nothing else may be open then. */
void channel_end_all(struct loop *loop);

#endif
