#include "cli/connection.h"

#include "net/http_client.h"

enum { PROBE_TIMEOUT_MS = 10000 };

struct probe {
    bool over;
    struct err err;
};

static void probed(struct doc *object, const struct err *err, void *arg) {
    struct probe *p = arg;
    (void)object;
    p->over = true;
    if (err) p->err = *err;
}

/* Who may not read the version (API docs: system:public-info-viewer) is at least known. */
static int probe(const struct connection *c, struct err *err) {
    struct probe p = {0};
    struct kube_request request = {.verb = KUBE_GET, .path = "/version", .timeout_ms = PROBE_TIMEOUT_MS, .done = probed, .arg = &p};
    int rc = kube_send(c->client, &request, NULL, err);
    if (rc) return rc;
    (void)loop_run_until(c->loop, &p.over, 2 * PROBE_TIMEOUT_MS);
    if (!p.err.code || p.err.code == ERR_FORBIDDEN || p.err.code == ERR_NOT_FOUND) return 0;
    *err = p.err;
    return err->code;
}

int connection_open(struct connection *c, const char *kubeconfig, const char *context, struct err *err) {
    *c = (struct connection){0};
    int rc = kube_config_load(kubeconfig, context, &c->config, err);
    if (rc) return rc;
    if (!(c->loop = loop_new(err))) return err->code;
    if (!(c->http = http_client_new(c->loop, "k8sgpt-operator", err))) return err->code;
    if (!(c->client = kube_client_new(c->loop, c->http, c->config, NULL, err))) return err->code;
    if (!(c->cluster = cluster_new(c->loop, c->client, NULL, err))) return err->code;
    return probe(c, err);
}

void connection_close(struct connection *c) {
    cluster_free(c->cluster);
    if (c->client) kube_client_free(c->client);
    if (c->http) http_client_free(c->http);
    if (c->loop) loop_free(c->loop);
    if (c->config) kube_config_free(c->config);
    *c = (struct connection){0};
}
