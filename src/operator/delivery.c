#include "operator/delivery.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "doc/copy.h"
#include "operator/delivery_internal.h"
#include "operator/operator_internal.h"
#include "operator/shutdown.h"

enum {
    MAX_FLYING = 2,      /* of one sink of one tenant */
    MAX_WAITING = 10000, /* of all; a finding that finds no place is told when one is free */
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 300 * 1000,
    GIVE_UP_ATTEMPTS = 20, /* about an hour and a half */
    DEFAULT_TIMEOUT_MS = 35 * 1000,
};

/* ---- life ----------------------------------------------------------------------------------------------------------------------- */

/* A Go duration of one unit ("30s", "500ms", "1m"), as upstream's chart writes it. */
static int64_t timeout_from_environment(void) {
    const char *text = getenv("OPERATOR_SINK_WEBHOOK_TIMEOUT_SECONDS");
    char unit[3] = "";
    double n = 0;
    if (!text || sscanf(text, "%lf%2[a-z]", &n, unit) != 2 || !(n > 0)) return DEFAULT_TIMEOUT_MS;
    double ms = !strcmp(unit, "ms") ? n : !strcmp(unit, "s") ? n * 1e3 : !strcmp(unit, "m") ? n * 6e4 : DEFAULT_TIMEOUT_MS;
    return (int64_t)fmin(fmax(ms, 1), 10 * 60 * 1000);
}

struct deliveries *deliveries_new(struct k8s_operator *op, delivery_over over, void *arg) {
    struct deliveries *d = calloc(1, sizeof *d);
    if (d) *d = (struct deliveries){.op = op, .over = over, .arg = arg, .timeout_ms = timeout_from_environment()};
    return d;
}

void delivery_free(struct delivery *d) {
    timer_free(d->timer);
    bundle_unref(d->bundle);
    doc_unref(d->request);
    free(d->group_id);
    free(d->finding_id);
    free(d->sink);
    free(d->secret_name);
    free(d->secret_key);
    free(d);
}

static void unlink_delivery(struct delivery *d) {
    struct delivery **at = &d->all->list;
    while (*at != d) at = &(*at)->next;
    *at = d->next;
    d->all->count--;
}

static void take_off(struct delivery *d) {
    d->state = FLYING;
    d->next_flying = d->all->flying;
    d->all->flying = d;
}

static void land(struct delivery *d) {
    struct delivery **at = &d->all->flying;
    while (*at && *at != d) at = &(*at)->next_flying;
    if (*at) *at = d->next_flying;
}

/* One that is under way goes when its answer comes: see answered. */
static void abandon(struct delivery *d) {
    d->tenant = NULL;
    timer_stop(d->timer);
    land(d);
    unlink_delivery(d);
    if (d->state == FLYING) {
        if (d->call) http_cancel(d->call);
    } else {
        delivery_free(d);
    }
}

void deliveries_forget(struct deliveries *all, const struct tenant *t) {
    struct delivery *d, *next;
    for (d = all->list; d; d = next) {
        next = d->next;
        if (d->tenant == t) abandon(d);
    }
}

void deliveries_free(struct deliveries *all) {
    if (!all) return;
    while (all->list) abandon(all->list);
    free(all);
}

bool deliveries_has(const struct deliveries *all, const struct tenant *t, const char *finding_id, struct str sink) {
    for (const struct delivery *d = all->list; d; d = d->next)
        if (d->tenant == t && str_is(sink, d->sink) && !strcmp(d->finding_id, finding_id)) return true;
    return false;
}

bool deliveries_are_flying(const struct deliveries *all) { return all->flying != NULL; }

bool deliveries_any(const struct deliveries *all, const char *group_id, const struct tenant *t) {
    for (const struct delivery *d = all->list; d; d = d->next)
        if (d->tenant == t && !strcmp(d->group_id, group_id)) return true;
    return false;
}

void deliveries_each_waiting(const struct deliveries *all, const struct tenant *t,
                             void (*each)(const char *sink, const char *message, void *arg), void *arg) {
    for (const struct delivery *d = all->list; d; d = d->next)
        if (d->tenant == t && d->problem[0]) each(d->sink, d->problem, arg);
}

/* ---- the end of one --------------------------------------------------------------------------------------------------------------- */

static void pump(struct deliveries *all);

void delivery_end(struct delivery *d, enum delivery_end how, struct str ref, const char *why) {
    struct deliveries *all = d->all;
    struct delivery_order order = {
        .tenant = d->tenant,
        .group_id = d->group_id,
        .finding_id = d->finding_id,
        .change = d->change,
        .severity = d->severity,
        .sink = str_of(d->sink),
    };
    land(d);
    unlink_delivery(d);
    all->over(&order, how, ref, why, all->arg);
    delivery_free(d);
    pump(all);
}

void delivery_try_again(struct delivery *d, int64_t wait_ms, const char *why) {
    int64_t pause_ms = FIRST_PAUSE_MS;
    snprintf(d->problem, sizeof d->problem, "%.500s", why);
    if (++d->attempts >= GIVE_UP_ATTEMPTS) {
        delivery_end(d, DELIVERY_FAILED, STR(""), d->problem);
        return;
    }
    for (int i = 1; i < d->attempts && pause_ms < LONGEST_PAUSE_MS; i++) pause_ms *= 2;
    if (pause_ms > LONGEST_PAUSE_MS) pause_ms = LONGEST_PAUSE_MS;
    land(d);
    d->state = PAUSED;
    timer_start(d->timer, wait_ms > pause_ms ? wait_ms : pause_ms);
    telemetry_notified(d->all->op->telemetry, str_of(d->sink), "retried");
    tenant_enqueue(d->tenant); /* its condition Notified says so */
    pump(d->all);
}

/* ---- the queue -------------------------------------------------------------------------------------------------------------------- */

static int flying_of(const struct deliveries *all, const struct delivery *like) {
    int n = 0;
    for (const struct delivery *d = all->flying; d; d = d->next_flying)
        if (d->tenant == like->tenant && !strcmp(d->sink, like->sink)) n++;
    return n;
}

/* Starts what may start; starting can end a delivery at once, so the list is looked through from its beginning each time. */
static void pump(struct deliveries *all) {
    shutdown_look(all->op->shutdown);
    if (!operator_may_tell(all->op)) return;
    for (struct delivery *d = all->list; d;) {
        if (d->state != QUEUED || flying_of(all, d) >= MAX_FLYING) {
            d = d->next;
            continue;
        }
        take_off(d);
        delivery_attempt(d);
        d = all->list;
    }
}

static void pause_over(void *arg) {
    struct delivery *d = arg;
    d->state = QUEUED;
    pump(d->all);
}

static struct delivery *delivery_new(struct deliveries *all, const struct delivery_order *o, struct err *err) {
    struct delivery *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    *d = (struct delivery){
        .all = all,
        .tenant = o->tenant,
        .bundle = bundle_ref(all->op->bundle),
        .policy = o->policy,
        .group_id = str_dup(str_of(o->group_id)),
        .finding_id = str_dup(str_of(o->finding_id)),
        .sink = str_dup(o->sink),
        .secret_name = str_dup(o->secret_name),
        .secret_key = str_dup(o->secret_key),
        .change = o->change,
        .severity = o->severity,
        .request = doc_copy(o->request, err),
        .timer = timer_new(all->op->options.loop, pause_over, d),
    };
    if (d->group_id && d->finding_id && d->sink && d->secret_name && d->secret_key && d->request && d->timer) return d;
    delivery_free(d);
    return NULL;
}

int deliveries_add(struct deliveries *all, const struct delivery_order *order, struct err *err) {
    if (all->count >= MAX_WAITING) return err_set(err, ERR_LIMIT, "%d notifications are waiting already", MAX_WAITING);
    struct delivery *d = delivery_new(all, order, err), **at = &all->list;
    if (!d) return err_set(err, ERR_NOMEM, "no memory for a notification");
    while (*at) at = &(*at)->next;
    *at = d;
    all->count++;
    pump(all);
    return 0;
}
