#include "operator/contest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/operator_internal.h"

enum {
    EPISODE_US = 600 * 1000 * 1000,
    TELL_AFTER = 3, /* a change or two by hand is put right without a word */
    TELL_AT_LAST = 6,
};

static const char MANAGER[] = "k8sgpt-operator";

struct contest {
    struct tenant *tenant;
    const char *gvk; /* static text */
    char *name;
    struct timer *timer;
    void (*again)(void *arg);
    void *arg;
    int times;       /* undone in this episode */
    bool told;       /* in this episode */
    int64_t last_us; /* undone */
    struct kube_call *asking;
};

static void wait_over(void *arg) {
    const struct contest *c = arg;
    c->again(c->arg);
}

struct contest *contest_new(struct tenant *t, const char *gvk, struct str name, void (*again)(void *arg), void *arg) {
    struct contest *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    *c = (struct contest){.tenant = t, .gvk = gvk, .name = str_dup(name), .again = again, .arg = arg};
    c->timer = timer_new(t->op->options.loop, wait_over, c);
    if (c->name && c->timer) return c;
    contest_free(c);
    return NULL;
}

void contest_free(struct contest *c) {
    if (!c) return;
    struct cluster *cluster = c->tenant->op->cluster;
    if (cluster && cluster_discovery(cluster)) discovery_forget(cluster_discovery(cluster), c);
    kube_drop(c->asking);
    timer_free(c->timer);
    free(c->name);
    free(c);
}

/* ---- who it is -------------------------------------------------------------------------------------------------------------------- */

/* API concepts, "Field management": the manager of the newest change that is not ours. */
static struct str rival_of(const struct doc *object) {
    struct doc_value fields = doc_path(doc_root(object), "metadata.managedFields");
    struct str rival = {0}, newest = {0};
    for (size_t i = 0; i < doc_len(fields); i++) {
        struct str manager = doc_path_str(doc_at(fields, i), "manager"), time = doc_path_str(doc_at(fields, i), "time");
        if (str_is(manager, MANAGER) || (rival.n && str_cmp(time, newest) < 0)) continue;
        rival = manager;
        newest = time;
    }
    return rival;
}

static void tell(struct contest *c, struct str rival) {
    char text[512], who[160];
    const struct tenant *t = c->tenant;
    c->told = true;
    snprintf(who, sizeof who, rival.n ? "the field manager %.*s" : "somebody", (int)(rival.n > 128 ? 128 : rival.n),
             rival.p ? rival.p : "");
    snprintf(text, sizeof text,
             "%s keeps changing fields of %s %s/%s that the operator owns. They are put right ever more rarely: stop one of the two.", who,
             strrchr(c->gvk, '/') + 1, t->ns, c->name);
    log_warn("operator.contest", text, LOG_S("k8sgpt", t->key), LOG_T("manager", rival));
    operator_event(t->op, t, STR("Warning"), STR("Contested"), str_of(text));
}

static void asked(struct doc *object, const struct err *err, void *arg) {
    struct contest *c = arg;
    if (err && err->code == ERR_FORBIDDEN) log_warn("operator.contest", "who it is may not be looked up", LOG_S("error", err->msg));
    struct str rival = rival_of(object);
    c->asking = NULL;
    if (rival.n || !object || c->times >= TELL_AT_LAST) tell(c, rival); /* else our own write came between: the next time */
}

static void resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct contest *c = arg;
    struct err local;
    (void)err;
    struct kube_request request = {.verb = KUBE_GET, .resource = resource, .name = str_of(c->name), .done = asked, .arg = c};
    if (resource && resource->namespaced) request.ns = str_of(c->tenant->ns);
    if (!resource || kube_send(cluster_client(c->tenant->op->cluster), &request, &c->asking, &local)) tell(c, (struct str){0});
}

static void find_out(struct contest *c) {
    struct err err;
    const struct gvk *gvk = gvk_parse(str_of(c->gvk), &err);
    discovery_forget(cluster_discovery(c->tenant->op->cluster), c);
    if (gvk && !c->asking) discovery_resolve(cluster_discovery(c->tenant->op->cluster), gvk, resolved, c);
}

/* ---- how long --------------------------------------------------------------------------------------------------------------------- */

void contest_undone(struct contest *c) {
    int64_t now_us = clock_mono_us();
    if (c->times && now_us - c->last_us > EPISODE_US) {
        c->times = 0;
        c->told = false;
    }
    c->last_us = now_us;
    if (++c->times >= TELL_AFTER && !c->told) find_out(c);
    timer_start(c->timer, work_backoff_ms(c->times));
}

bool contest_waits(const struct contest *c) { return c && timer_active(c->timer); }
