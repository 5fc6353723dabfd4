/*
 * link: one client's connection and the one to the server that it is passed on to. Bytes pass unread, or as HTTP by exchange.
 */
#ifndef FAULTPROXY_LINK_H
#define FAULTPROXY_LINK_H

#include "channel.h"
#include "exchange.h"
#include "flow.h"
#include "proxy.h"

struct link {
    struct proxy *proxy;
    unsigned number;
    struct channel *client, *server; /* server NULL: not asked yet */
    struct flow up, down;
    struct exchange exchange; /* of HTTP */
    bool over;                /* in proxy->ended */
    struct link *prev, *next;
};

void link_accept(struct proxy *p, uv_stream_t *listener);

/* Connects to the server where that is not done. False: it cannot be, and the link is over. */
bool link_reach(struct link *l);

/* Ends both connections, in order or by a reset, and says why. The link itself stays until the loop turns. */
void link_end(struct link *l, const char *why, bool reset);
void link_free(struct link *l); /* one that has ended */

void link_frozen(struct link *l);               /* proxy->frozen has changed */
bool link_go(struct link *l, unsigned request); /* false: it holds nothing of that number */
void link_regulate(struct link *l);             /* reads where there is room for what comes */

#endif
