#include "kube/link.h"

#include "base/clock.h"
#include "base/log.h"
#include "kube/client_internal.h"

static bool any_watch(const struct kube_client *c) {
    for (const struct kube_call *call = c->calls; call; call = call->next) {
        if (strcmp(call->verb, "watch") == 0) return true;
    }
    return false;
}

/* Also what was sent after the probe: it may be on the same connection, which is closed when its last request has gone. */
static void end_all(struct kube_link *link) {
    for (struct kube_call *call = link->client->calls; call; call = call->next) {
        if (!call->http) continue; /* it waits for a credential */
        call->dead = true;
        http_abandon(call->http);
    }
}

static void on_probed(struct doc *object, const struct err *err, void *arg) {
    struct kube_link *link = arg;
    (void)object;
    link->probe = NULL;
    if (err && err->code == ERR_CANCELLED) return;
    if (link->heard_us < link->probed_us) {
        log_warn("kube.link", "the link is dead", LOG_S("server", link->client->config->server), LOG_S("error", err ? err->msg : ""));
        end_all(link);
    }
    timer_start(link->timer, link->silence_ms);
}

static void probe(struct kube_link *link) {
    struct err err;
    const struct kube_request request = {.verb = KUBE_GET, .path = "/readyz", .timeout_ms = link->probe_ms, .done = on_probed, .arg = link};
    link->probed_us = clock_mono_us();
    if (kube_send(link->client, &request, &link->probe, &err)) timer_start(link->timer, link->silence_ms);
}

static void look(void *arg) {
    struct kube_link *link = arg;
    if (link->probe || !any_watch(link->client)) return;
    int64_t left_ms = link->silence_ms - (clock_mono_us() - link->heard_us) / 1000;
    if (left_ms > 0)
        timer_start(link->timer, left_ms);
    else
        probe(link);
}

int link_open(struct kube_link *link, struct kube_client *client, struct err *err) {
    *link = (struct kube_link){.client = client, .silence_ms = LINK_SILENCE_MS, .probe_ms = LINK_PROBE_MS};
    link->timer = timer_new(client->loop, look, link);
    return link->timer ? 0 : err_set(err, ERR_NOMEM, "no memory for a client of %s", client->config->server);
}

void link_close(struct kube_link *link) { timer_free(link->timer); }

void link_watch(struct kube_link *link) {
    if (timer_active(link->timer) || link->probe) return;
    link->heard_us = clock_mono_us();
    timer_start(link->timer, link->silence_ms);
}

void link_heard(struct kube_link *link) { link->heard_us = clock_mono_us(); }

void link_list_begins(struct kube_link *link) {
    if (link->lists++ == 0) link->since_us = clock_mono_us();
}

static void judge(struct kube_link *link) {
    int64_t bytes_s = link->bytes * 1000000 / (link->busy_us > 0 ? link->busy_us : 1);
    bool slow = link->slow ? bytes_s < LINK_FAST_BYTES_S : bytes_s < LINK_SLOW_BYTES_S;
    if (slow != link->slow) {
        log_info("kube.link", slow ? "the link is slow: lists are compressed" : "the link is fast: lists are not compressed",
                 LOG_I("bytes_per_s", bytes_s));
    }
    link->slow = slow;
    link->bytes = link->busy_us = 0;
}

/* Lists that run side by side share the link: the time counts once, until the last of them has ended. */
void link_list_ends(struct kube_link *link, int64_t wire_bytes) {
    int64_t now_us = clock_mono_us();
    link->bytes += wire_bytes;
    link->busy_us += now_us - link->since_us;
    link->since_us = now_us;
    link->lists--;
    if (link->bytes >= LINK_SAMPLE_BYTES) judge(link);
}

bool link_is_slow(const struct kube_link *link) { return link->slow; }
