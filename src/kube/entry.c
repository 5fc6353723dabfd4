#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/cluster_internal.h"

static uint64_t pointer_hash(const void *pointer) { return (uint64_t)(uintptr_t)pointer * 0x9e3779b97f4a7c15u >> 16; }
static uint64_t entry_hash(const void *item) { return pointer_hash(((const struct entry *)item)->gvk); }
static bool entry_eq(const void *item, const void *key) { return ((const struct entry *)item)->gvk == key; }

struct ptrset entry_set_new(void) {
    return ptrset_new(entry_hash, entry_eq);
}
struct entry *entry_set_find(const struct ptrset *set, const struct gvk *gvk) {
    return ptrset_find(set, pointer_hash(gvk), gvk);
}

static void set_state(struct entry *e, enum reflector_state state, const struct err *err) {
    e->state = state;
    e->err = err ? *err : (struct err){0};
    if (!err)
        e->failing_since_us = 0;
    else if (!e->failing_since_us)
        e->failing_since_us = clock_mono_us();
    cluster_entry_changed(e);
}

static void on_reflector(struct reflector *r, enum reflector_state state, const struct err *err, void *arg) {
    (void)r;
    set_state(arg, state, err);
}

/* Also a kind that the server does not serve: CRDs are often installed right after. */
static void retry(struct entry *e, const struct err *err) {
    int64_t delay_ms = backoff_after(&e->backoff, clock_mono_us(), err);
    bool missing = err->code == ERR_NOT_FOUND || err->code == ERR_UNSUPPORTED;
    bool denied = err->code == ERR_UNAUTHORIZED || err->code == ERR_FORBIDDEN;
    if (!e->failing_since_us) log_warn("kube.discovery", err->msg, LOG_S("kind", e->gvk->text));
    timer_start(e->retry, delay_ms);
    set_state(e, missing ? REFLECTOR_MISSING : denied ? REFLECTOR_DENIED : REFLECTOR_SYNCING, err);
}

static void on_discovered(const struct resource *resource, const struct err *err, void *arg) {
    struct entry *e = arg;
    struct err local = {0};
    if (!resource) {
        local = *err;
    } else if (!resource->watchable) {
        err_set(&local, ERR_UNSUPPORTED, "the server cannot list and watch %s", e->gvk->text);
    } else {
        struct cluster *c = e->cluster;
        e->reflector = reflector_new(c->loop, c->client, resource, (struct str){0}, e->store, c->metrics, on_reflector, e, &local);
    }
    if (!e->reflector) retry(e, &local);
}

static void discover(void *arg) {
    struct entry *e = arg;
    discovery_resolve(e->cluster->discovery, e->gvk, on_discovered, e);
}

void entry_deny(struct entry *e) {
    struct err err;
    err_set(&err, ERR_FORBIDDEN, "%s is forbidden", e->gvk->text);
    set_state(e, REFLECTOR_DENIED, &err);
}

struct entry *entry_new(struct cluster *c, const struct gvk *gvk, const struct projection *projection, struct err *err) {
    struct entry *e = calloc(1, sizeof *e);
    if (!e) goto nomem;
    e->cluster = c;
    e->gvk = gvk;
    e->store = store_new(gvk, projection);
    e->retry = c->loop ? timer_new(c->loop, discover, e) : NULL;
    if (!e->store || (c->loop && !e->retry)) goto nomem;
    if (c->loop)
        timer_start(e->retry, 0);
    else if (cluster_is_forbidden(c, gvk))
        entry_deny(e);
    else
        e->state = REFLECTOR_SYNCED;
    return e;
nomem:
    entry_free(e);
    err_set(err, ERR_NOMEM, "no memory for the objects of kind %s", gvk->text);
    return NULL;
}

void entry_free(struct entry *e) {
    if (!e) return;
    if (e->cluster->discovery) discovery_forget(e->cluster->discovery, e);
    reflector_free(e->reflector);
    timer_free(e->retry);
    store_free(e->store);
    free(e);
}

static void on_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    struct cluster *c = arg;
    if (c->changed) c->changed(store, before, after, c->changed_arg);
}

void entry_listen(struct entry *e) {
    e->in_use = true;
    store_on_change(e->store, on_change, e->cluster);
}
