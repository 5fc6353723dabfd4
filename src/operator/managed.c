#include "operator/managed.h"

#include <stdlib.h>

#include "doc/builder.h"
#include "doc/copy.h"
#include "operator/contest.h"
#include "operator/owned.h"
#include "operator/rendering.h"

enum { MAX_KINDS = 64 };

/* An object that was applied for a tenant, and who disputes it. */
struct claim {
    const struct tenant *tenant;
    const struct gvk *gvk;
    char *name;
    char *version;           /* of what the server answered last; NULL: nothing yet */
    bool seen;               /* and the watch has brought it, so that what comes later is somebody else's doing */
    struct contest *contest; /* NULL: nobody does */
    struct claim *next;
};

struct managed {
    struct k8s_operator *op;
    struct cluster *cluster; /* NULL: nobody has asked yet */
    struct cluster_plan *plan;
    const struct gvk *kinds[MAX_KINDS]; /* of every bundle since: what an older one wrote may still have to go */
    bool written[MAX_KINDS];            /* by our policies; others only follow from that */
    size_t kind_count, planned_count;
    bool ready;
    struct managed_waiter *waiters;
    struct claim *claims;
};

struct managed *managed_new(struct k8s_operator *op) {
    struct managed *m = calloc(1, sizeof *m);
    if (m) m->op = op;
    return m;
}

static void claim_free(struct claim *c) {
    contest_free(c->contest);
    free(c->name);
    free(c->version);
    free(c);
}

void managed_free(struct managed *m) {
    if (!m) return;
    for (struct claim *c = m->claims, *next; c; c = next) {
        next = c->next;
        claim_free(c);
    }
    cluster_free(m->cluster);
    free(m);
}

/* ---- caches ------------------------------------------------------------------------------------------------------------------- */

static struct str version_of(const struct doc *object) { return doc_path_str(doc_root(object), "metadata.resourceVersion"); }

/* Names of cluster-scoped objects are told apart by their kind and name alone, as are those of one tenant. */
static bool is_about(const struct claim *c, const struct gvk *gvk, struct str name) { return c->gvk == gvk && str_is(name, c->name); }

static void note_seen(const struct managed *m, const struct gvk *gvk, const struct doc *after) {
    struct str name = doc_path_str(doc_root(after), "metadata.name");
    for (struct claim *c = m->claims; c; c = c->next)
        if (c->version && is_about(c, gvk, name) && str_is(version_of(after), c->version)) c->seen = true;
}

static void enqueue_namespace(const struct managed *m, struct str ns) {
    for (struct tenant *t = m->op->tenants; t; t = t->hh.next)
        if (str_is(ns, t->ns)) tenant_enqueue(t);
}

void managed_share_changed(const struct managed *m, struct str ns) {
    if (m->cluster) enqueue_namespace(m, ns);
}

static void object_changed(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    const struct managed *m = arg;
    struct doc_value labels = doc_path(doc_root(after ? after : before), "metadata.labels");
    struct str ns = doc_str(doc_get(labels, str_of(LABEL_OF_NAMESPACE)));
    if (after) note_seen(m, store_gvk(store), after);
    enqueue_namespace(m, ns);
}

static void state_changed(const struct gvk *gvk, struct str ns, enum reflector_state state, const struct err *err, void *arg) {
    const struct managed *m = arg;
    operator_tell_unreadable(m->op, gvk, ns, state, err);
    operator_enqueue_all(m->op);
}

static int connect(struct managed *m, struct err *err) {
    const struct operator_options *o = &m->op->options;
    if (m->cluster) return 0;
    m->cluster = cluster_new(o->loop, o->client, NULL, err);
    if (!m->cluster) return (int)err->code;
    cluster_watch_only(m->cluster, o->namespaces, o->namespace_count);
    cluster_watch_labelled(m->cluster, LABEL_OF_NAMESPACE);
    cluster_on_change(m->cluster, object_changed, m);
    cluster_on_state(m->cluster, state_changed, m);
    return 0;
}

static void add_kind(const struct gvk *gvk, bool written, void *arg) {
    struct managed *m = arg;
    size_t i = 0;
    while (i < m->kind_count && m->kinds[i] != gvk) i++;
    if (i == MAX_KINDS) return;
    m->kinds[i] = gvk;
    m->written[i] |= written;
    if (i == m->kind_count) m->kind_count++;
}

static void plan_ready(void *arg) {
    struct managed *m = arg;
    struct managed_waiter *w;
    cluster_commit(m->cluster, m->plan);
    m->plan = NULL;
    m->ready = true;
    while ((w = m->waiters)) {
        m->waiters = w->next;
        w->ready(w->arg);
    }
}

static int prepare(struct managed *m, struct err *err) {
    struct cluster_want wants[MAX_KINDS];
    struct projection *whole = projection_whole();
    if (!whole) return err_set(err, ERR_NOMEM, "no memory for the list of what is watched");
    for (size_t i = 0; i < m->kind_count; i++) wants[i] = (struct cluster_want){.gvk = m->kinds[i], .projection = whole};
    m->plan = cluster_prepare(m->cluster, wants, m->kind_count, plan_ready, m, err);
    projection_unref(whole);
    if (!m->plan) return (int)err->code;
    m->planned_count = m->kind_count;
    return 0;
}

bool managed_open(struct managed *m, const struct bundle *bundle, struct err *err) {
    *err = (struct err){0};
    if (connect(m, err)) return false;
    rendering_each_kind(bundle, add_kind, m);
    if (m->kind_count == m->planned_count) return m->ready;
    m->ready = false;
    (void)prepare(m, err);
    return false;
}

void managed_wait(struct managed *m, struct managed_waiter *w) {
    w->next = m->waiters;
    m->waiters = w;
}

void managed_leave(struct managed *m, struct managed_waiter *w) {
    for (struct managed_waiter **at = &m->waiters; *at; at = &(*at)->next) {
        if (*at != w) continue;
        *at = w->next;
        return;
    }
}

void managed_restart(struct managed *m) {
    if (m->cluster) cluster_restart(m->cluster);
}

/* ---- what there is ------------------------------------------------------------------------------------------------------------ */

/* Its own, or shared by all of the namespace. */
static bool concerns(const struct tenant *t, const struct doc *object) {
    struct doc_value name = doc_get(doc_path(doc_root(object), "metadata.labels"), str_of(LABEL_OF_NAME));
    return doc_type(name) == DOC_ABSENT || str_is(doc_str(name), t->name);
}

static int put_stored(struct doc_builder *b, struct store *store, const struct tenant *t, const struct projection *shown, struct err *err) {
    struct store_query query = {.labels = {{str_of(LABEL_OF_NAMESPACE), str_of(t->ns)}}, .label_count = 1};
    struct doc **found = NULL;
    size_t count = 0;
    int rc = store_list(store, &query, &found, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        struct doc *kept = concerns(t, found[i]) ? doc_copy_kept(doc_root(found[i]), shown, err) : NULL;
        if (kept) doc_put_value(b, doc_root(kept));
        if (!kept && concerns(t, found[i])) rc = (int)err->code;
        doc_unref(kept);
    }
    free(found);
    return rc;
}

static enum reflector_state state_of(const struct managed *m, const struct gvk *gvk, const struct tenant *t, const struct err **why) {
    *why = NULL;
    return cluster_state_in(m->cluster, gvk, str_of(t->ns), why);
}

static int put_objects(struct doc_builder *b, const struct managed *m, const struct tenant *t, bool written, struct err *err) {
    struct projection *shown = projection_object();
    int rc = shown ? 0 : err_set(err, ERR_NOMEM, "no memory for what is managed");
    const struct err *why;
    doc_key(b, written ? STR("objects") : STR("followers"));
    doc_begin_array(b);
    for (size_t i = 0; !rc && i < m->kind_count; i++) {
        struct store *store = cluster_store(m->cluster, m->kinds[i]);
        bool is_meant = store && m->written[i] == written;
        if (is_meant && state_of(m, m->kinds[i], t, &why) == REFLECTOR_SYNCED) rc = put_stored(b, store, t, shown, err);
    }
    doc_end_array(b);
    projection_unref(shown);
    return rc;
}

/* A kind that the server does not serve has no objects; of the others nobody knows. */
static void put_unreadable(struct doc_builder *b, const struct managed *m, const struct tenant *t) {
    const struct err *why;
    doc_key(b, STR("unreadable"));
    doc_begin_array(b);
    for (size_t i = 0; i < m->kind_count; i++) {
        enum reflector_state state = state_of(m, m->kinds[i], t, &why);
        if (state == REFLECTOR_SYNCED || state == REFLECTOR_MISSING) continue;
        doc_begin_object(b);
        doc_pair_str(b, "kind", str_of(m->kinds[i]->text));
        doc_pair_str(b, "reason", why ? str_of(why->msg) : STR("it is still being read"));
        doc_pair_bool(b, "followed", !m->written[i]);
        doc_end_object(b);
    }
    doc_end_array(b);
}

struct doc *managed_objects(const struct managed *m, const struct tenant *t, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for what is managed");
        return NULL;
    }
    doc_begin_object(b);
    int rc = put_objects(b, m, t, true, err);
    if (!rc) rc = put_objects(b, m, t, false, err);
    put_unreadable(b, m, t);
    doc_end_object(b);
    struct doc *doc = rc ? NULL : doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

/* ---- what is to be done ------------------------------------------------------------------------------------------------------- */

static struct claim **claim_at(struct managed *m, const struct tenant *t, const struct gvk *gvk, struct str name) {
    struct claim **at = &m->claims;
    while (*at && !((*at)->tenant == t && is_about(*at, gvk, name))) at = &(*at)->next;
    return at;
}

/* Without memory nobody remembers that it was applied, and nobody is held back. */
static struct claim *claim_new(struct managed *m, const struct tenant *t, const struct gvk *gvk, struct str name) {
    struct claim *c = calloc(1, sizeof *c);
    if (c) *c = (struct claim){.tenant = t, .gvk = gvk, .name = str_dup(name), .next = m->claims};
    if (c && c->name) return m->claims = c;
    free(c);
    return NULL;
}

static void may_be_applied(void *arg) { tenant_enqueue(arg); }

/* `undone`: what was applied is not there any more, or not as it was. It is applied again once the wait for that is over. */
static enum managed_need dispute(struct claim *c, struct tenant *t, bool undone) {
    if (contest_waits(c->contest)) return MANAGED_WAIT;
    if (!undone) return MANAGED_APPLY;
    c->seen = false;
    if (!c->contest) c->contest = contest_new(t, c->gvk->text, str_of(c->name), may_be_applied, t);
    if (c->contest) contest_undone(c->contest);
    return contest_waits(c->contest) ? MANAGED_WAIT : MANAGED_APPLY;
}

enum managed_need managed_need(struct managed *m, struct tenant *t, struct doc_value wanted) {
    const struct gvk *gvk = gvk_of(doc_path_str(wanted, "apiVersion"), doc_path_str(wanted, "kind"));
    const struct store *store = m->cluster && gvk ? cluster_store(m->cluster, gvk) : NULL;
    struct str ns = doc_path_str(wanted, "metadata.namespace"), name = doc_path_str(wanted, "metadata.name");
    if (!store) return MANAGED_APPLY;
    const struct doc *have = store_get(store, ns, name);
    bool marked = have && owned_is_marked(wanted, doc_root(have));
    if (marked && owned_is_whole(wanted, doc_root(have))) return MANAGED_IS_SO;
    struct claim *c = *claim_at(m, t, gvk, name);
    return c ? dispute(c, t, c->seen && (marked || !have)) : MANAGED_APPLY;
}

void managed_applied(struct managed *m, const struct tenant *t, const struct doc *object) {
    struct doc_value o = doc_root(object);
    const struct gvk *gvk = gvk_of(doc_path_str(o, "apiVersion"), doc_path_str(o, "kind"));
    const struct store *store = m->cluster && gvk ? cluster_store(m->cluster, gvk) : NULL;
    struct str ns = doc_path_str(o, "metadata.namespace"), name = doc_path_str(o, "metadata.name");
    if (!store) return;
    struct claim *c = *claim_at(m, t, gvk, name);
    const struct doc *have = store_get(store, ns, name);
    if (!c) c = claim_new(m, t, gvk, name);
    if (!c) return;
    free(c->version);
    c->version = str_dup(version_of(object));
    c->seen = have && str_eq(version_of(have), version_of(object));
}

static void drop(struct claim **at) {
    struct claim *c = *at;
    *at = c->next;
    claim_free(c);
}

void managed_deleted(struct managed *m, const struct tenant *t, struct doc_value reference) {
    const struct gvk *gvk = gvk_of(doc_path_str(reference, "apiVersion"), doc_path_str(reference, "kind"));
    struct claim **at = claim_at(m, t, gvk, doc_path_str(reference, "metadata.name"));
    if (*at) drop(at);
}

void managed_forget(struct managed *m, const struct tenant *t) {
    for (struct claim **at = &m->claims; *at;) {
        if ((*at)->tenant == t)
            drop(at);
        else
            at = &(*at)->next;
    }
}
