/*
 * proxy: what stands between clients and a server: where it listens, whom it reaches, the rules, and the connections that pass it.
 *
 * main makes one, control steers it. It ends no answer, adds no header and forgets no byte unless a rule says so, apart from Host and,
 * where it has a token of its own, Authorization.
 */
#ifndef FAULTPROXY_PROXY_H
#define FAULTPROXY_PROXY_H

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "net/loop.h"
#include "rule.h"

struct link;

struct proxy {
    struct loop *loop;
    bool raw;            /* bytes only; else HTTP/1.1 */
    bool quiet;          /* reports nothing */
    SSL_CTX *listen_tls; /* NULL: in the clear */
    SSL_CTX *upstream_tls;
    struct sockaddr_in upstream;
    char *authority;     /* HOST:PORT of the server */
    char *authorization; /* NULL: as the client says */
    struct rules rules;
    struct link *links, *ended; /* `ended` are freed by `reaper` */
    struct worker *reaper;
    struct uv_tcp_s *listener; /* NULL: connections are refused */
    int reserved;              /* a socket that keeps the port ours while nobody listens */
    uint16_t port;
    bool frozen, knocking; /* somebody knocked while it was frozen */
    unsigned connections, requests;
};

/* Listens on a free port of 127.0.0.1. `loop`, `raw`, `listen_tls` and so on are set before. ERR_IO. */
int proxy_open(struct proxy *p, struct err *err) ERR_MUST_CHECK;
void proxy_close(struct proxy *p); /* takes what proxy_open made, and the rules */

/* "http://127.0.0.1:PORT", also https; further connections go there. ERR_INVALID. */
int proxy_set_upstream(struct proxy *p, const char *url, struct err *err) ERR_MUST_CHECK;

void proxy_freeze(struct proxy *p, bool frozen);                                /* nothing moves and nobody is let in; nothing is lost */
int proxy_refuse(struct proxy *p, bool refuse, struct err *err) ERR_MUST_CHECK; /* as if nobody listened; connections that stand stay */
void proxy_cut(struct proxy *p);                                                /* all connections, with a reset */
bool proxy_go(struct proxy *p, unsigned request);                               /* lets go of a held request or answer; false: it is none */

#endif
