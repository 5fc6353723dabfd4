#include "operator/shutdown.h"

#include <stdlib.h>

#include "base/log.h"
#include "operator/takeover.h"

struct shutdown {
    struct k8s_operator *op;
    void (*stopped)(void *arg);
    void *arg;
    struct worker *looker;
    struct timer *limit;
    bool silent; /* nothing is sent any more */
};

static void stopped(void *arg) {
    struct shutdown *s = arg;
    timer_stop(s->limit);
    s->stopped(s->arg);
}

static bool is_under_way(const struct k8s_operator *op) {
    for (const struct tenant *t = op->tenants; t; t = t->hh.next)
        if (t->work.running || t->unrecorded) return true;
    return notify_is_sending(op->notifier);
}

static void fall_silent(struct shutdown *s) {
    struct k8s_operator *op = s->op;
    s->silent = true;
    for (struct tenant *t = op->tenants; t; t = t->hh.next) takeover_stand_by(t);
    http_client_allow_until(op->options.writes, 0);
    timer_start(s->limit, op->leader ? RELEASE_MS : 0);
    if (op->leader) leader_release(op->leader, stopped, s);
}

static bool look(void *arg) {
    struct shutdown *s = arg;
    if (!s->silent && !is_under_way(s->op)) fall_silent(s);
    return false;
}

static void limit_reached(void *arg) {
    struct shutdown *s = arg;
    if (s->silent) {
        stopped(s);
        return;
    }
    log_warn("operator", "what is under way does not end: it is cut off");
    fall_silent(s);
}

struct shutdown *shutdown_start(struct k8s_operator *op, void (*when_stopped)(void *arg), void *arg) {
    struct shutdown *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    *s = (struct shutdown){.op = op, .stopped = when_stopped, .arg = arg};
    s->looker = worker_new(op->options.loop, look, s);
    s->limit = timer_new(op->options.loop, limit_reached, s);
    if (!s->looker || !s->limit) {
        shutdown_free(s);
        return NULL;
    }
    timer_start(s->limit, FINISH_MS);
    worker_wake(s->looker);
    return s;
}

void shutdown_free(struct shutdown *s) {
    if (!s) return;
    worker_free(s->looker);
    timer_free(s->limit);
    free(s);
}

void shutdown_look(struct shutdown *s) {
    if (s) worker_wake(s->looker);
}
