#include "link.h"

#include <utlist.h>

#include "memory.h"
#include "report.h"

void link_end(struct link *l, const char *why, bool reset) {
    struct proxy *p = l->proxy;
    if (l->over) return;
    l->over = true;
    report_end(l, why);
    if (reset)
        channel_reset(l->client);
    else
        channel_close(l->client);
    channel_reset(l->server);
    l->up.to = l->down.to = NULL;
    DL_DELETE(p->links, l);
    DL_APPEND(p->ended, l);
    worker_wake(p->reaper);
}

void link_free(struct link *l) {
    flow_free(&l->up);
    flow_free(&l->down);
    exchange_free(&l->exchange);
    free(l);
}

void link_regulate(struct link *l) {
    if (l->over) return;
    bool frozen = l->proxy->frozen;
    channel_read(l->client, !frozen && !flow_is_full(&l->up) && !exchange_is_full(&l->exchange));
    if (l->server && !l->over) channel_read(l->server, !frozen && !flow_is_full(&l->down));
}

/* ---- the client --------------------------------------------------------------------------------------------------------------- */

static void client_bytes(struct str bytes, void *arg) {
    struct link *l = arg;
    if (l->proxy->raw)
        flow_put(&l->up, bytes);
    else
        exchange_request_bytes(l, bytes);
    link_regulate(l);
}

static void client_end(void *arg) {
    struct link *l = arg;
    if (l->proxy->raw)
        flow_end(&l->up);
    else
        link_end(l, "client", false);
}

static void client_gone(const char *why, void *arg) {
    (void)why;
    link_end(arg, "client", true);
}

static void channel_sent(void *arg) { link_regulate(arg); }

static const struct channel_user CLIENT = {client_bytes, client_end, client_gone, channel_sent};

/* ---- the server --------------------------------------------------------------------------------------------------------------- */

static void server_bytes(struct str bytes, void *arg) {
    struct link *l = arg;
    if (l->proxy->raw)
        flow_put(&l->down, bytes);
    else
        exchange_answer_bytes(l, bytes);
    link_regulate(l);
}

static void server_end(void *arg) {
    struct link *l = arg;
    if (l->proxy->raw)
        flow_end(&l->down);
    else
        exchange_answer_end(l);
}

static void server_gone(const char *why, void *arg) { link_end(arg, why, true); }

static const struct channel_user SERVER = {server_bytes, server_end, server_gone, channel_sent};

bool link_reach(struct link *l) {
    struct proxy *p = l->proxy;
    if (l->server) return true;
    l->server = channel_connect(p->loop, &p->upstream, p->upstream_tls, &SERVER, l);
    if (!l->server) link_end(l, "the server cannot be reached", true);
    l->up.to = l->server;
    return l->server;
}

/* ---- the link ----------------------------------------------------------------------------------------------------------------- */

static void on_cut(void *arg, bool reset) { link_end(arg, "cut", reset); }

static void on_moved(void *arg) {
    struct link *l = arg;
    if (!l->over && !l->proxy->raw) exchange_moved(l);
    link_regulate(l);
}

static const struct flow_user FLOWS = {on_cut, on_moved};

static void begin_raw(struct link *l) {
    struct request_line line = {.verb = "connection"};
    struct fault fault = rules_meet(&l->proxy->rules, &line), none = {0};
    report_connection(l, &fault);
    if (fault.kind == FAULT_REFUSE) {
        link_end(l, "refused", true);
        return;
    }
    flow_begin(&l->up, fault.up ? fault : none);
    flow_begin(&l->down, fault.up ? none : fault);
    (void)link_reach(l);
}

void link_accept(struct proxy *p, uv_stream_t *listener) {
    struct link *l = memory_new(sizeof *l);
    l->proxy = p;
    l->number = ++p->connections;
    flow_init(&l->up, p->loop, &p->frozen, &FLOWS, l);
    flow_init(&l->down, p->loop, &p->frozen, &FLOWS, l);
    exchange_init(&l->exchange);
    DL_APPEND(p->links, l);
    l->client = channel_accept(listener, p->listen_tls, &CLIENT, l);
    l->down.to = l->client;
    if (!l->client)
        link_end(l, "not accepted", true);
    else if (p->raw)
        begin_raw(l);
}

void link_frozen(struct link *l) {
    link_regulate(l);
    if (l->proxy->frozen) return;
    flow_move(&l->up);
    if (!l->over) flow_move(&l->down);
}

bool link_go(struct link *l, unsigned request) { return !l->proxy->raw && exchange_go(l, request); }
