#include <stdlib.h>

#include "doc/copy.h"
#include "kube/cluster_internal.h"
#include "kube/lists.h"

static uint64_t gvk_hash(const void *item) { return (uint64_t)(uintptr_t)item; }
static bool gvk_eq(const void *item, const void *key) { return item == key; }

struct cluster *cluster_new_offline(void) {
    struct cluster *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->entries = entry_set_new();
    c->forbidden = ptrset_new(gvk_hash, gvk_eq);
    return c;
}

struct cluster *cluster_new(struct loop *loop, struct kube_client *client, struct metrics *metrics, struct err *err) {
    struct cluster *c = cluster_new_offline();
    struct discovery *discovery = c ? discovery_new(client) : NULL;
    if (!discovery) {
        cluster_free(c);
        err_set(err, ERR_NOMEM, "no memory for a cluster");
        return NULL;
    }
    c->loop = loop;
    c->client = client;
    c->metrics = metrics;
    c->discovery = discovery;
    return c;
}

void cluster_free(struct cluster *c) {
    if (!c) return;
    struct entry *e;
    crds_free(c->crds);
    plan_free(c->plan);
    for (size_t i = 0; (e = ptrset_next(&c->entries, &i));) entry_free(e);
    ptrset_free(&c->entries);
    ptrset_free(&c->forbidden);
    discovery_free(c->discovery);
    free(c);
}

struct kube_client *cluster_client(const struct cluster *c) {
    return c->client;
}
struct discovery *cluster_discovery(const struct cluster *c) {
    return c->discovery;
}

void cluster_read_once(struct cluster *c) {
    c->once = true;
    lists_by_pages(c->client);
}

void cluster_on_change(struct cluster *c, store_changed changed, void *arg) {
    c->changed = changed;
    c->changed_arg = arg;
}

void cluster_on_state(struct cluster *c, cluster_state_changed changed, void *arg) {
    c->state_changed = changed;
    c->state_arg = arg;
}

void cluster_watch_only(struct cluster *c, const char *const *namespaces, size_t count) {
    c->namespaces = namespaces;
    c->namespace_count = count;
}

void cluster_watch_labelled(struct cluster *c, const char *selector) { c->selector = selector; }

void cluster_entry_changed(struct entry *e, struct str ns, enum reflector_state state, const struct err *err) {
    struct cluster *c = e->cluster;
    if (c->plan) plan_check_soon(c->plan);
    if (!e->in_use || e->state == REFLECTOR_SYNCING || !c->state_changed) return;
    c->state_changed(e->gvk, ns, state, err, c->state_arg);
}

static void hurry_group(const struct ptrset *entries, struct str group) {
    struct entry *e;
    for (size_t i = 0; (e = ptrset_next(entries, &i));) {
        if (str_is(group, e->gvk->group)) entry_hurry(e);
    }
}

static void crds_changed(struct str group, void *arg) {
    struct cluster *c = arg;
    hurry_group(&c->entries, group);
    if (c->plan) hurry_group(&c->plan->entries, group);
}

/* Without memory kinds come by back-off alone, until the next one is wanted. */
void cluster_watch_crds(struct cluster *c) {
    if (!c->crds) c->crds = crds_new(c->loop, c->client, c->metrics, crds_changed, c);
}

void cluster_restart(struct cluster *c) {
    struct entry *e;
    if (c->crds) {
        crds_free(c->crds);
        c->crds = NULL;
        cluster_watch_crds(c);
    }
    for (size_t i = 0; (e = ptrset_next(&c->entries, &i));) entry_restart(e);
    for (size_t i = 0; c->plan && (e = ptrset_next(&c->plan->entries, &i));) {
        if (!e->in_use) entry_restart(e);
    }
}

struct store *cluster_store(const struct cluster *c, const struct gvk *gvk) {
    struct entry *e = entry_set_find(&c->entries, gvk);
    return e ? e->store : NULL;
}

static enum reflector_state explain(enum reflector_state state, const struct err *err, const struct err **err_out) {
    if (err_out) *err_out = err->code ? err : NULL;
    return state;
}

enum reflector_state cluster_state_in(const struct cluster *c, const struct gvk *gvk, struct str ns, const struct err **err_out) {
    static const struct err nothing, outside = {.code = ERR_FORBIDDEN, .msg = "this namespace is not among those of --watch-namespace"};
    const struct entry *e = entry_set_find(&c->entries, gvk);
    if (!e) return explain(REFLECTOR_MISSING, &nothing, err_out);
    if (!ns.n || !e->source_count) return explain(e->state, &e->err, err_out);
    const struct source *s = source_of(e, ns);
    if (!s) return explain(REFLECTOR_DENIED, &outside, err_out);
    return explain(s->state == REFLECTOR_MISSING ? REFLECTOR_SYNCING : s->state, &s->err, err_out);
}

enum reflector_state cluster_state(const struct cluster *c, const struct gvk *gvk, const struct err **err_out) {
    return cluster_state_in(c, gvk, (struct str){0}, err_out);
}

void cluster_each_denied(const struct cluster *c, const struct gvk *gvk, void (*each)(struct str ns, const struct err *why, void *arg),
                         void *arg) {
    const struct entry *e = entry_set_find(&c->entries, gvk);
    for (size_t i = 0; e && e->state == REFLECTOR_SYNCED && i < e->source_count; i++) {
        const struct source *s = &e->sources[i];
        if (s->state == REFLECTOR_DENIED) each(str_of(s->ns), &s->err, arg);
    }
}

bool cluster_is_stuck(const struct cluster *c, const struct gvk *gvk) {
    const struct entry *e = entry_set_find(&c->entries, gvk);
    return e && e->state == REFLECTOR_SYNCING && entry_settles_in_ms(e) == 0;
}

bool cluster_all_settled(const struct cluster *c) {
    struct entry *e;
    for (size_t i = 0; (e = ptrset_next(&c->entries, &i));) {
        if (e->state == REFLECTOR_SYNCING) return false;
    }
    return true;
}

static int store_for(struct cluster *c, const struct doc *object, struct store **store, struct err *err) {
    struct str api_version = doc_path_str(doc_root(object), "apiVersion"), kind = doc_path_str(doc_root(object), "kind");
    const struct gvk *gvk = gvk_of(api_version, kind);
    *store = gvk ? cluster_store(c, gvk) : NULL;
    if (gvk) return 0;
    return err_set(err, ERR_INVALID, "an object of no kind (apiVersion \"" STR_FMT "\", kind \"" STR_FMT "\")", STR_ARG(api_version),
                   STR_ARG(kind));
}

int cluster_load(struct cluster *c, struct doc *object, struct err *err) {
    struct err local;
    struct store *store;
    if (!err) err = &local;
    int rc = store_for(c, object, &store, err);
    if (rc || !store) return rc;
    struct doc *projected = doc_copy_kept(doc_root(object), store_projection(store), err);
    if (!projected) return (int)err->code;
    rc = store_put(store, projected, err);
    doc_unref(projected);
    return rc;
}

int cluster_load_kept(struct cluster *c, struct doc *object, struct err *err) {
    struct store *store;
    int rc = store_for(c, object, &store, err);
    return rc || !store ? rc : store_put(store, object, err);
}

bool cluster_is_forbidden(const struct cluster *c, const struct gvk *gvk) { return ptrset_find(&c->forbidden, gvk_hash(gvk), gvk) != NULL; }

void cluster_forbid(struct cluster *c, const struct gvk *gvk) {
    void *kind = (void *)(uintptr_t)gvk;
    if (!cluster_is_forbidden(c, gvk) && ptrset_add(&c->forbidden, kind, NULL)) return;
    struct entry *e = entry_set_find(&c->entries, gvk);
    if (e) entry_deny(e);
}

void cluster_lack(struct cluster *c, const struct gvk *gvk) {
    struct entry *e = entry_set_find(&c->entries, gvk);
    if (e) entry_lack(e);
}

void cluster_each_store(const struct cluster *c, void (*each)(const struct store *store, void *arg), void *arg) {
    struct entry *e;
    for (size_t i = 0; (e = ptrset_next(&c->entries, &i));) each(e->store, arg);
}
