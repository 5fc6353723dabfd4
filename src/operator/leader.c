#include "operator/leader.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/lease.h"

const char LEADER_LEASE[] = "ea9c19f7.k8sgpt.ai"; /* upstream's leader election id */

enum { IDENTITY_BYTES = 128, UUID_LEN = 36 };

static const struct metric_def STATUS = {
    .name = "leader_election_master_status",
    .help = "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' is the "
            "string used to identify the lease. Please make sure to group by name.",
    .type = METRIC_GAUGE,
    .labels = {"name"},
};

struct leader {
    struct leader_options o;
    char *ns;
    char identity[IDENTITY_BYTES];
    struct lease *lease;
    struct metric *status;
    bool leads;
    int64_t until_us;
};

/* RFC 9562, version 4. */
static void write_uuid(char out[UUID_LEN + 1]) {
    unsigned char b[16];
    arc4random_buf(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0, at = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out[at++] = '-';
        snprintf(out + at, 3, "%02x", b[i]);
        at += 2;
    }
}

/* As controller-runtime's: who restarts is another, and may not take its own earlier life for itself. */
static void write_identity(struct leader *l) {
    char host[IDENTITY_BYTES - UUID_LEN - 1], uuid[UUID_LEN + 1];
    if (gethostname(host, sizeof host)) snprintf(host, sizeof host, "unknown");
    host[sizeof host - 1] = '\0';
    write_uuid(uuid);
    snprintf(l->identity, sizeof l->identity, "%s_%s", host, uuid);
}

static void set_status(struct leader *l, bool leads) {
    l->leads = leads;
    metric_set(l->status, METRIC_LABELS(str_of(LEADER_LEASE)), leads ? 1 : 0);
}

static void act_until(struct leader *l, int64_t boot_us) {
    l->until_us = boot_us;
    http_client_allow_until(l->o.writes, boot_us);
}

static void held(int64_t until_us, void *arg) {
    struct leader *l = arg;
    act_until(l, until_us);
    if (l->leads) return;
    set_status(l, true);
    log_info("operator.leader", "leading", LOG_S("lease", LEADER_LEASE), LOG_S("namespace", l->o.ns), LOG_S("identity", l->identity));
    l->o.begun(l->o.arg);
}

static void lost(const char *why, void *arg) {
    struct leader *l = arg;
    act_until(l, 0);
    set_status(l, false);
    log_warn("operator.leader", "no longer leading: standing by", LOG_S("lease", LEADER_LEASE), LOG_S("namespace", l->o.ns),
             LOG_S("why", why));
    l->o.ended(l->o.arg);
}

struct leader *leader_new(const struct leader_options *options, struct err *err) {
    struct leader *l = calloc(1, sizeof *l);
    char *ns = str_dup(str_of(options->ns));
    if (!l || !ns) {
        err_set(err, ERR_NOMEM, "no memory for leader election");
        free(l);
        free(ns);
        return NULL;
    }
    l->o = *options;
    l->o.ns = l->ns = ns;
    write_identity(l);
    struct lease_options lease = {.loop = l->o.loop,
                                  .client = l->o.client,
                                  .ns = l->o.ns,
                                  .name = LEADER_LEASE,
                                  .identity = l->identity,
                                  .held = held,
                                  .lost = lost,
                                  .arg = l};
    l->lease = lease_new(&lease, err);
    if (!l->lease) {
        leader_free(l);
        return NULL;
    }
    l->status = metrics_define(l->o.metrics, &STATUS);
    act_until(l, 0);
    set_status(l, false);
    log_info("operator.leader", "standing by", LOG_S("lease", LEADER_LEASE), LOG_S("namespace", l->o.ns), LOG_S("identity", l->identity));
    return l;
}

void leader_free(struct leader *l) {
    if (!l) return;
    lease_free(l->lease);
    free(l->ns);
    free(l);
}

void leader_restart(struct leader *l) { lease_restart(l->lease); }

bool leader_may_act(const struct leader *l) { return l->leads && clock_boot_us() < l->until_us; }

void leader_release(struct leader *l, void (*done)(void *arg), void *arg) {
    set_status(l, false);
    act_until(l, 0);
    lease_release(l->lease, done, arg);
}
