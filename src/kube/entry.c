#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/cluster_internal.h"

/* After news of its CRD a kind is looked for at once, then 50 ms later, 100, … 800: the API server takes a moment to serve a new one. */
enum { HURRIES = 5, HURRY_MS = 50 };

enum { FAILING_MAX_US = 10 * 1000 * 1000 };

static uint64_t pointer_hash(const void *pointer) { return (uint64_t)(uintptr_t)pointer * 0x9e3779b97f4a7c15u >> 16; }
static uint64_t entry_hash(const void *item) { return pointer_hash(((const struct entry *)item)->gvk); }
static bool entry_eq(const void *item, const void *key) { return ((const struct entry *)item)->gvk == key; }

struct ptrset entry_set_new(void) {
    return ptrset_new(entry_hash, entry_eq);
}
struct entry *entry_set_find(const struct ptrset *set, const struct gvk *gvk) {
    return ptrset_find(set, pointer_hash(gvk), gvk);
}

/* True when it is another state than before, or another reason. */
static bool note(struct entry *e, enum reflector_state state, const struct err *err) {
    bool news = state != e->state || (err ? err->code : ERR_NONE) != e->err.code;
    e->state = state;
    e->err = err ? *err : (struct err){0};
    if (!err)
        e->failing_since_us = 0;
    else if (!e->failing_since_us)
        e->failing_since_us = clock_mono_us();
    return news;
}

static void set_state(struct entry *e, enum reflector_state state, const struct err *err) {
    if (note(e, state, err)) cluster_entry_changed(e, STR(""), state, err);
}

/* It syncs while one of its sources does, and can be read when one of them can. */
static void sum_up(struct entry *e) {
    const struct source *syncing = source_in(e, REFLECTOR_SYNCING), *denied = source_in(e, REFLECTOR_DENIED);
    if (!syncing) syncing = source_in(e, REFLECTOR_MISSING);
    if (syncing)
        (void)note(e, REFLECTOR_SYNCING, syncing->err.code ? &syncing->err : NULL);
    else if (denied && !source_in(e, REFLECTOR_SYNCED))
        (void)note(e, REFLECTOR_DENIED, &denied->err);
    else
        (void)note(e, REFLECTOR_SYNCED, NULL);
}

/* What discovery has told may be true no longer. */
static void look_again_in(struct entry *e, int64_t ms) {
    discovery_doubt(e->cluster->discovery, e->gvk);
    timer_start(e->retry, ms);
}

/* That a collection is not found does not mean that the kind is gone: discovery has the last word. */
void entry_source_changed(struct source *s) {
    struct entry *e = s->entry;
    sum_up(e);
    if (s->state == REFLECTOR_MISSING) look_again_in(e, 0);
    cluster_entry_changed(e, str_of(s->ns), s->state, s->err.code ? &s->err : NULL);
}

static int64_t delay_ms(struct entry *e, const struct err *err) {
    if (!e->hurries) return backoff_after(&e->backoff, clock_mono_us(), err);
    return HURRY_MS << (HURRIES - e->hurries--);
}

/* The server has the kind no longer: its objects are gone with it, and those who read them are told. */
static void forget_all(struct entry *e) {
    sources_close(e);
    store_replace_begin(e->store, STR(""));
    store_replace_end(e->store, STR(""));
}

/* Also a kind that the server does not serve: CRDs are often installed right after. */
static void retry(struct entry *e, const struct err *err) {
    bool missing = err->code == ERR_NOT_FOUND || err->code == ERR_UNSUPPORTED;
    bool denied = err->code == ERR_UNAUTHORIZED || err->code == ERR_FORBIDDEN;
    timer_start(e->retry, delay_ms(e, err));
    if (missing) forget_all(e);
    if (e->source_count) return; /* the server could not be asked: what is watched goes on being watched */
    if (!e->failing_since_us) log_warn("kube.discovery", err->msg, LOG_S("kind", e->gvk->text));
    set_state(e, missing ? REFLECTOR_MISSING : denied ? REFLECTOR_DENIED : REFLECTOR_SYNCING, err);
}

static void open_sources(struct entry *e, const struct resource *resource) {
    struct err err;
    sources_close(e);
    e->hurries = 0;
    if (sources_open(e, resource, &err))
        retry(e, &err);
    else
        (void)note(e, REFLECTOR_SYNCING, NULL);
}

static void on_discovered(const struct resource *resource, const struct err *err, void *arg) {
    struct entry *e = arg;
    struct err local;
    if (resource && !resource->watchable) {
        err_set(&local, ERR_UNSUPPORTED, "the server cannot list and watch %s", e->gvk->text);
        retry(e, &local);
    } else if (!resource) {
        local = *err;
        retry(e, &local);
    } else if (!sources_are_of(e, resource)) {
        open_sources(e, resource);
    } else {
        const struct source *missing = source_in(e, REFLECTOR_MISSING); /* served, it is said, but it cannot be listed */
        if (missing) look_again_in(e, delay_ms(e, &missing->err));
    }
}

static void discover(void *arg) {
    struct entry *e = arg;
    discovery_resolve(e->cluster->discovery, e->gvk, on_discovered, e);
}

int64_t entry_settles_in_ms(const struct entry *e) {
    if (e->state != REFLECTOR_SYNCING) return 0;
    if (!e->failing_since_us) return -1;
    int64_t left_us = e->failing_since_us + FAILING_MAX_US - clock_mono_us();
    return left_us > 0 ? left_us / 1000 + 1 : 0;
}

void entry_hurry(struct entry *e) {
    e->hurries = HURRIES;
    look_again_in(e, 0);
}

void entry_restart(struct entry *e) {
    discovery_forget(e->cluster->discovery, e);
    sources_close(e);
    e->backoff = (struct backoff){0};
    look_again_in(e, 0);
}

void entry_deny(struct entry *e) {
    struct err err;
    err_set(&err, ERR_FORBIDDEN, "%s is forbidden", e->gvk->text);
    set_state(e, REFLECTOR_DENIED, &err);
}

void entry_lack(struct entry *e) {
    struct err err;
    err_set(&err, ERR_NOT_FOUND, "nothing speaks of %s", e->gvk->text);
    set_state(e, REFLECTOR_MISSING, &err);
}

/* What the API server does not serve by itself may come from a CRD. */
static void start(struct entry *e) {
    if (!gvk_is_builtin(e->gvk) && !e->cluster->once) cluster_watch_crds(e->cluster);
    timer_start(e->retry, 0);
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
        start(e);
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
    sources_close(e);
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
