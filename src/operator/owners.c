#include "operator/owners.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "doc/builder.h"
#include "kube/backoff.h"

enum {
    MAX_ENTRIES = 10000, /* the oldest goes first; a chain that is asked for again is fetched again */
    MAX_UID = 64,
};

struct entry {
    char uid[MAX_UID];
    struct owners *all;
    struct doc *metadata;  /* NULL while asked for the first time */
    struct doc *reference; /* what the owner reference itself says, for when the server does not answer */
    char *ns;
    const struct gvk *gvk;
    struct kube_call *call;
    bool asking;
    bool unsure;    /* the server could not be asked: until it can, the reference has to do */
    bool abandoned; /* evicted while asked for */
    UT_hash_handle hh;
};

struct owners {
    struct cluster *cluster;
    struct reads *reads;
    const struct owners *known; /* where the answer may be already, or NULL */
    struct entry *by_uid;       /* in order of insertion */
    struct doc_builder *builder;
    struct timer *timer; /* runs while some entry is unsure; NULL: offline */
    struct backoff backoff;
    const struct gvk *denied; /* the kind that was told of last, or NULL */
};

static void entry_free(struct entry *e) {
    doc_unref(e->metadata);
    doc_unref(e->reference);
    free(e->ns);
    free(e);
}

static void evict(struct owners *o, struct entry *e) {
    HASH_DEL(o->by_uid, e);
    if (e->asking) {
        e->abandoned = true; /* its answer, which is sure to come, frees it */
        if (e->call) kube_cancel(e->call);
        return;
    }
    entry_free(e);
}

/* The owner reference with controller: true, or the first one (garbage collection docs: "Owners and dependents"). */
static struct doc_value controller_of(const struct doc *object) {
    struct doc_value refs = doc_path(doc_root(object), "metadata.ownerReferences");
    for (size_t i = 0; i < doc_len(refs); i++)
        if (doc_bool(doc_get(doc_at(refs, i), STR("controller")))) return doc_at(refs, i);
    return doc_len(refs) ? doc_at(refs, 0) : DOC_NO_VALUE;
}

/* The object that a reference speaks of, as far as the reference says. `kind` has its apiVersion and kind; ns may be empty. */
static struct doc *reference_doc(struct owners *o, struct doc_value kind, struct str ns, struct str name, struct str uid, struct err *err) {
    struct doc_builder *b = o->builder;
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", doc_path_str(kind, "apiVersion"));
    doc_pair_str(b, "kind", doc_path_str(kind, "kind"));
    doc_key(b, STR("metadata"));
    doc_begin_object(b);
    doc_pair_str(b, "name", name);
    if (ns.n) doc_pair_str(b, "namespace", ns);
    doc_pair_str(b, "uid", uid);
    doc_end_object(b);
    doc_end_object(b);
    return doc_builder_finish(b, err);
}

/* `metadata` NULL: what the reference says. */
static void settle(struct entry *e, struct doc *metadata) {
    e->asking = false;
    if (e->abandoned) {
        entry_free(e);
        return;
    }
    if (!metadata) metadata = e->reference;
    bool news = metadata != e->metadata;
    doc_ref(metadata);
    doc_unref(e->metadata);
    e->metadata = metadata;
    if (news) reads_owner_changed(e->all->reads, str_of(e->uid));
}

/* Whether the server has answered, be it that there is no such thing or that nobody may know. */
static bool is_answer(const struct err *err) {
    return !err || err->code == ERR_NONE || err->code == ERR_NOT_FOUND || err->code == ERR_FORBIDDEN || err->code == ERR_UNAUTHORIZED ||
           err->code == ERR_UNSUPPORTED;
}

/* Of a kind it is told once, until an owner of another kind is denied. */
static void tell_denied(struct owners *o, const struct gvk *gvk, const struct err *err) {
    if (o->denied != gvk)
        log_info("operator", "owners of a kind may not be looked up: who owns these is not known", LOG_S("kind", gvk->text),
                 LOG_S("error", err->msg));
    o->denied = gvk;
}

/* No object came. */
static void settle_without(struct entry *e, const struct err *err) {
    struct owners *o = e->all;
    if (err && err->code == ERR_FORBIDDEN) tell_denied(o, e->gvk, err);
    e->unsure = !e->abandoned && !is_answer(err);
    if (e->unsure && !timer_active(o->timer)) timer_start(o->timer, backoff_next(&o->backoff, clock_mono_us()));
    settle(e, NULL);
}

/* The server calls everything PartialObjectMetadata; what it really is stands in the reference. */
static struct doc *named_as(struct owners *o, const struct doc *reference, const struct doc *object) {
    struct doc_builder *b = o->builder;
    struct err err;
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", doc_path_str(doc_root(reference), "apiVersion"));
    doc_pair_str(b, "kind", doc_path_str(doc_root(reference), "kind"));
    doc_key(b, STR("metadata"));
    doc_put_value(b, doc_path(doc_root(object), "metadata"));
    doc_end_object(b);
    return doc_builder_finish(b, &err);
}

static void fetched(struct doc *object, const struct err *err, void *arg) {
    struct entry *e = arg;
    e->call = NULL;
    bool same = object && str_is(doc_path_str(doc_root(object), "metadata.uid"), e->uid);
    struct doc *owner = same && !e->abandoned ? named_as(e->all, e->reference, object) : NULL;
    if (owner) {
        backoff_good(&e->all->backoff, clock_mono_us());
        settle(e, owner);
    } else {
        settle_without(e, err);
    }
    doc_unref(owner);
}

/* A reference does not say whether it is of the namespace of what it stands in. */
static void forget_namespace(struct entry *e) {
    struct doc_value o = doc_root(e->reference);
    struct err err;
    struct doc *global = reference_doc(e->all, o, STR(""), doc_path_str(o, "metadata.name"), str_of(e->uid), &err);
    if (!global) return;
    doc_unref(e->reference);
    e->reference = global;
}

static void resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct entry *e = arg;
    if (!resource || e->abandoned) {
        settle_without(e, err);
        return;
    }
    if (!resource->namespaced) forget_namespace(e);
    struct kube_request request = {
        .verb = KUBE_GET,
        .resource = resource,
        .ns = resource->namespaced ? str_of(e->ns) : STR(""),
        .name = doc_path_str(doc_root(e->reference), "metadata.name"),
        .metadata_only = true,
        .done = fetched,
        .arg = e,
    };
    struct err local;
    if (kube_send(cluster_client(e->all->cluster), &request, &e->call, &local)) settle_without(e, &local);
}

static void ask(struct entry *e) {
    e->unsure = false;
    e->asking = true;
    discovery_resolve(cluster_discovery(e->all->cluster), e->gvk, resolved, e);
}

static void ask_again(void *arg) {
    struct owners *o = arg;
    struct entry *e, *next;
    HASH_ITER(hh, o->by_uid, e, next)
    if (e->unsure) ask(e);
}

struct owners *owners_new(struct loop *loop, struct cluster *cluster, struct reads *reads) {
    struct owners *o = calloc(1, sizeof *o);
    if (!o) return NULL;
    *o = (struct owners){.cluster = cluster, .reads = reads, .builder = doc_builder_new()};
    if (loop) o->timer = timer_new(loop, ask_again, o);
    if (o->builder && (o->timer || !loop)) return o;
    owners_free(o);
    return NULL;
}

void owners_free(struct owners *o) {
    if (!o) return;
    struct entry *e, *next;
    HASH_ITER(hh, o->by_uid, e, next) evict(o, e);
    doc_builder_free(o->builder);
    timer_free(o->timer);
    free(o);
}

static struct entry *entry_new(struct owners *o, struct doc_value ref, struct str ns, const struct gvk *gvk, struct err *err) {
    struct str uid = doc_path_str(ref, "uid");
    struct entry *e = calloc(1, sizeof *e);
    if (!e || !(e->ns = str_dup(ns)) || !(e->reference = reference_doc(o, ref, ns, doc_path_str(ref, "name"), uid, err))) {
        err_set(err, ERR_NOMEM, "no memory for the owner of an object");
        if (e) entry_free(e);
        return NULL;
    }
    memcpy(e->uid, uid.p, uid.n);
    e->all = o;
    e->gvk = gvk;
    if (HASH_COUNT(o->by_uid) >= MAX_ENTRIES) evict(o, o->by_uid);
    HASH_ADD_STR(o->by_uid, uid, e);
    if (e->hh.tbl) return e;
    entry_free(e);
    err_set(err, ERR_NOMEM, "no memory for the owner of an object");
    return NULL;
}

void owners_share(struct owners *o, const struct owners *known) { o->known = known; }

static struct entry *find(const struct owners *o, struct str uid) {
    struct entry *e = NULL;
    HASH_FIND(hh, o->by_uid, uid.p, uid.n, e);
    return e;
}

/* An owner's metadata is asked for once, so that what another was told is as good. */
static struct doc *told_already(const struct owners *o, struct str uid) {
    const struct entry *e = o->known ? find(o->known, uid) : NULL;
    return e && !e->unsure && !e->asking ? e->metadata : NULL;
}

static int from_server(struct owners *o, struct evaluation *ev, struct doc_value ref, struct str ns, const struct gvk *gvk,
                       const struct doc **out, struct err *err) {
    struct str uid = doc_path_str(ref, "uid");
    struct entry *e = find(o, uid);
    if (!e) {
        if (!(e = entry_new(o, ref, ns, gvk, err))) return err->code;
        e->metadata = doc_ref(cluster_client(o->cluster) ? told_already(o, uid) : e->reference);
        if (!e->metadata) ask(e);
    }
    *out = e->metadata;
    if (ev) {
        int rc = reads_owner(o->reads, ev, uid, err);
        if (rc) return rc;
    }
    return e->metadata ? 0 : err_set(err, ERR_TIMEOUT, "the owner %s is being looked up", e->uid);
}

/* Where the kind is watched. What is not there (yet) was read as well: an owner may be seen after what it owns. */
static int from_store(struct owners *o, struct evaluation *ev, struct doc_value ref, struct str ns, const struct gvk *gvk,
                      const struct doc **out, struct err *err) {
    const struct str places[] = {ns, STR("")}, name = doc_path_str(ref, "name");
    const struct store *store = cluster_store(o->cluster, gvk);
    for (size_t i = 0; store && !*out && i < sizeof places / sizeof *places; i++) {
        const struct doc *owner = store_get(store, places[i], name);
        if (owner && str_eq(doc_path_str(doc_root(owner), "metadata.uid"), doc_path_str(ref, "uid"))) *out = owner;
        int rc = ev ? reads_object(o->reads, ev, gvk, places[i], name, err) : 0;
        if (rc) return rc;
    }
    return 0;
}

int owners_parent(struct owners *o, struct evaluation *ev, const struct doc *object, const struct doc **out, struct err *err) {
    *out = NULL;
    struct doc_value ref = controller_of(object);
    const struct gvk *gvk = gvk_of(doc_path_str(ref, "apiVersion"), doc_path_str(ref, "kind"));
    struct str uid = doc_path_str(ref, "uid"), ns = doc_path_str(doc_root(object), "metadata.namespace");
    if (!gvk || uid.n == 0 || uid.n >= MAX_UID) return 0;

    int rc = from_store(o, ev, ref, ns, gvk, out, err);
    return rc || *out ? rc : from_server(o, ev, ref, ns, gvk, out, err);
}
