#include "cli/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "net/http_server.h"

enum { MAX_EXPOSITION_BYTES = 64 * 1024 * 1024 };

struct pages {
    struct metrics *metrics;
    const struct k8s_operator *operator;
    struct http_server *metrics_server, *health_server;
};

static void serve_metrics(struct http_exchange *x, void *arg) {
    const struct pages *p = arg;
    struct buf text = buf_new(MAX_EXPOSITION_BYTES);
    struct err err;
    if (!str_is(http_path(x), "/metrics"))
        http_respond(x, 404, "text/plain", STR("metrics are at /metrics\n"));
    else if (metrics_write(p->metrics, &text, &err))
        http_respond(x, 500, "text/plain", str_of(err.msg));
    else
        http_respond(x, 200, "text/plain; version=0.0.4; charset=utf-8", (struct str){text.data, text.len});
    buf_free(&text);
}

/* That it answers at all is what /healthz tells: the loop turns. */
static void serve_health(struct http_exchange *x, void *arg) {
    const struct pages *p = arg;
    const char *why = "";
    bool ready = operator_ready(p->operator, & why);
    if (str_is(http_path(x), "/healthz"))
        http_respond(x, 200, "text/plain", STR("ok"));
    else if (!str_is(http_path(x), "/readyz"))
        http_respond(x, 404, "text/plain", STR("probes are at /healthz and /readyz\n"));
    else
        http_respond(x, ready ? 200 : 503, "text/plain", ready ? STR("ok") : str_of(why));
}

static int listen_on(struct pages *p, struct loop *loop, const char *what, const char *address, http_handler handler,
                     struct http_server **server, struct err *err) {
    char bound[256];
    if (!strcmp(address, "0")) return 0;
    *server = http_server_new(loop, address, &HTTP_SERVER_PROBES, handler, p, err);
    if (!*server) return err_prefix(err, "cannot serve %s", what);
    const char *colon = strrchr(address, ':');
    snprintf(bound, sizeof bound, "%.*s:%u", (int)(colon ? colon - address : 0), address, http_server_port(*server));
    log_info("run", "listening", LOG_S("what", what), LOG_S("address", bound));
    return 0;
}

int pages_open(struct loop *loop, struct metrics *metrics, const struct k8s_operator *op, const char *metrics_address,
               const char *health_address, struct pages **out, struct err *err) {
    struct pages *p = *out = calloc(1, sizeof *p);
    if (!p) return err_set(err, ERR_NOMEM, "no memory to serve pages");
    p->metrics = metrics;
    p->operator= op;
    int rc = listen_on(p, loop, "metrics", metrics_address, serve_metrics, &p->metrics_server, err);
    return rc ? rc : listen_on(p, loop, "health", health_address, serve_health, &p->health_server, err);
}

void pages_free(struct pages *p) {
    if (!p) return;
    http_server_free(p->metrics_server);
    http_server_free(p->health_server);
    free(p);
}
