#include "proxy.h"

#include <unistd.h>
#include <utlist.h>

#include "channel.h"
#include "link.h"
#include "memory.h"

enum { BACKLOG = 128 };

/* ---- listening ---------------------------------------------------------------------------------------------------------------- */

static void let_in(struct proxy *p) {
    p->knocking = false;
    link_accept(p, (uv_stream_t *)p->listener);
}

/* What is not accepted waits in the kernel, and libuv asks no further until it is. */
static void on_knock(uv_stream_t *listener, int status) {
    struct proxy *p = listener->data;
    if (status) return;
    if (p->frozen)
        p->knocking = true;
    else
        let_in(p);
}

static void on_listener_closed(uv_handle_t *handle) { free(handle); }

static int start_listening(struct proxy *p, struct err *err) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(p->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uv_tcp_t *listener = memory_new(sizeof *listener);
    (void)uv_tcp_init(loop_uv(p->loop), listener);
    listener->data = p;
    int rc = uv_tcp_bind(listener, (const struct sockaddr *)&at, 0);
    if (!rc) rc = uv_listen((uv_stream_t *)listener, BACKLOG, on_knock);
    if (!rc) {
        p->listener = listener;
        return 0;
    }
    uv_close((uv_handle_t *)listener, on_listener_closed);
    return err_set(err, ERR_IO, "cannot listen on port %u: %s", p->port, uv_strerror(rc));
}

static void stop_listening(struct proxy *p) {
    if (p->listener) uv_close((uv_handle_t *)p->listener, on_listener_closed);
    p->listener = NULL;
    p->knocking = false;
}

/* A bound socket that does not listen: its port is nobody else's, and who connects to it is refused. */
static int reserve_port(struct proxy *p, struct err *err) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int on = 1;
    p->reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->reserved < 0 || setsockopt(p->reserved, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(p->reserved, (const struct sockaddr *)&at, sizeof at) || getsockname(p->reserved, (struct sockaddr *)&at, &size))
        return err_set(err, ERR_IO, "cannot bind a port of 127.0.0.1");
    p->port = ntohs(at.sin_port);
    return 0;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------- */

static bool reap(void *arg) {
    struct proxy *p = arg;
    while (p->ended) {
        struct link *l = p->ended;
        DL_DELETE(p->ended, l);
        link_free(l);
    }
    return false;
}

int proxy_open(struct proxy *p, struct err *err) {
    p->reaper = memory_or_end(worker_new(p->loop, reap, p));
    int rc = reserve_port(p, err);
    return rc ? rc : start_listening(p, err);
}

void proxy_close(struct proxy *p) {
    stop_listening(p);
    proxy_cut(p);
    (void)reap(p);
    worker_free(p->reaper);
    rules_clear(&p->rules);
    if (p->reserved > 0) (void)close(p->reserved);
    SSL_CTX_free(p->listen_tls);
    SSL_CTX_free(p->upstream_tls);
    free(p->authority);
    free(p->authorization);
}

int proxy_set_upstream(struct proxy *p, const char *url, struct err *err) {
    struct str rest = str_of(url), host, port;
    int64_t number;
    while (rest.n && rest.p[rest.n - 1] == '/') rest.n--;
    struct str scheme = str_starts(rest, STR("https://")) ? STR("https://") : STR("http://");
    if (str_starts(rest, scheme)) rest.p += scheme.n, rest.n -= scheme.n;
    char *authority = memory_text(rest);
    bool right = str_cut(str_of(authority), ':', &host, &port) && str_to_int(port, &number) && number > 0 && number < 65536;
    char *address = memory_text(host);
    right = right && uv_ip4_addr(address, (int)number, &p->upstream) == 0;
    free(address);
    if (!right) {
        free(authority);
        return err_set(err, ERR_INVALID, "the server is given as http://127.0.0.1:PORT, not \"%s\"", url);
    }
    free(p->authority);
    p->authority = authority;
    return 0;
}

void proxy_freeze(struct proxy *p, bool frozen) {
    struct link *l, *next;
    p->frozen = frozen;
    DL_FOREACH_SAFE(p->links, l, next) link_frozen(l);
    if (!frozen && p->knocking) let_in(p);
}

int proxy_refuse(struct proxy *p, bool refuse, struct err *err) {
    if (refuse) stop_listening(p);
    return refuse || p->listener ? 0 : start_listening(p, err);
}

void proxy_cut(struct proxy *p) {
    while (p->links) link_end(p->links, "cut", true);
}

bool proxy_go(struct proxy *p, unsigned request) {
    struct link *l;
    DL_FOREACH(p->links, l) {
        if (link_go(l, request)) return true;
    }
    return false;
}
