#include "operator/reads.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/ptrset.h"

enum read_kind { READ_OBJECT = 1, READ_EXISTENCE, READ_LIST, READ_STATE, READ_OWNER, READ_FINDINGS };

/* A list read keeps its query, so that a change that shares only the term (one of several labels) touches nobody. */
struct list_read {
    struct listed *kind;
    struct store_query query; /* cut off behind its last label; its strings follow */
};

/* How many lists of a kind are recorded: a change of another kind need not be looked up under all that it could be listed by. */
struct listed {
    const struct gvk *gvk;
    size_t lists;
    UT_hash_handle hh;
};

/* One term of one evaluation. `place` is where the term's entry lists it, so that removal needs no search. */
struct read {
    struct term *term;
    uint32_t place;
    enum read_kind kind;
    struct list_read *list; /* of READ_LIST; owned */
};

struct holder {
    struct evaluation *evaluation;
    uint32_t index; /* into its reads */
};

struct term {
    uint64_t id;
    struct holder *holders;
    uint32_t count, cap;
};

struct reads {
    struct ptrset terms;
    struct listed *kinds;
    void (*touched)(struct evaluation *e, void *arg);
    void *arg;
};

static uint64_t term_hash(const void *item) { return ((const struct term *)item)->id; }

static bool term_eq(const void *item, const void *key) { return ((const struct term *)item)->id == *(const uint64_t *)key; }

struct reads *reads_new(void (*touched)(struct evaluation *e, void *arg), void *arg) {
    struct reads *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    *r = (struct reads){.terms = ptrset_new(term_hash, term_eq), .touched = touched, .arg = arg};
    return r;
}

void reads_free(struct reads *r) {
    if (!r) return;
    struct term *t;
    for (size_t i = 0; (t = ptrset_next(&r->terms, &i));) {
        free(t->holders);
        free(t);
    }
    ptrset_free(&r->terms);
    struct listed *kind, *next;
    HASH_ITER(hh, r->kinds, kind, next) {
        HASH_DEL(r->kinds, kind);
        free(kind);
    }
    free(r);
}

/* ---- terms ---------------------------------------------------------------------------------------------------------------- */

static uint64_t kind_seed(enum read_kind kind, const struct gvk *gvk) {
    return str_hash((struct str){(const char *)&gvk, sizeof gvk}, (uint64_t)kind);
}

static uint64_t object_term(enum read_kind kind, const struct gvk *gvk, struct str ns, struct str name) {
    return str_hash(name, str_hash(ns, kind_seed(kind, gvk)));
}

/* The same label in every namespace, as is usual, is a term of its own in each: a change must not go through the readers of all. */
static uint64_t list_term(const struct store *store, uint64_t term, struct str ns) {
    return str_hash(ns, str_hash((struct str){(const char *)&term, sizeof term}, kind_seed(READ_LIST, store_gvk(store))));
}

static struct term *term_find(const struct reads *r, uint64_t id) { return ptrset_find(&r->terms, id, &id); }

static struct term *term_get(struct reads *r, uint64_t id, struct err *err) {
    struct term *t = term_find(r, id);
    if (t) return t;
    t = calloc(1, sizeof *t);
    if (!t) {
        err_set(err, ERR_NOMEM, "no memory to record a read");
        return NULL;
    }
    t->id = id;
    if (ptrset_add(&r->terms, t, err)) {
        free(t);
        return NULL;
    }
    return t;
}

static void term_drop_if_unused(struct reads *r, struct term *t) {
    if (t->count > 0) return;
    ptrset_remove(&r->terms, t->id, &t->id);
    free(t->holders);
    free(t);
}

static struct listed *listed_of(const struct reads *r, const struct gvk *gvk) {
    struct listed *kind = NULL;
    HASH_FIND_PTR(r->kinds, &gvk, kind);
    return kind;
}

static struct listed *listed_get(struct reads *r, const struct gvk *gvk) {
    struct listed *kind = listed_of(r, gvk);
    if (kind) return kind;
    kind = calloc(1, sizeof *kind);
    if (!kind) return NULL;
    kind->gvk = gvk;
    HASH_ADD_PTR(r->kinds, gvk, kind);
    if (kind->hh.tbl) return kind;
    free(kind);
    return NULL;
}

static void list_free(struct list_read *list) {
    if (list) list->kind->lists--;
    free(list);
}

static int term_hold(struct term *t, struct evaluation *e, uint32_t index, struct err *err) {
    if (t->count == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 1;
        struct holder *holders = reallocarray(t->holders, cap, sizeof *holders);
        if (!holders) return err_set(err, ERR_NOMEM, "no memory to record a read");
        t->holders = holders;
        t->cap = cap;
    }
    e->reads[index].place = t->count;
    t->holders[t->count++] = (struct holder){e, index};
    return 0;
}

static void read_release(struct reads *r, struct read *read) {
    struct term *t = read->term;
    struct holder moved = t->holders[--t->count];
    if (read->place != t->count) {
        t->holders[read->place] = moved;
        moved.evaluation->reads[moved.index].place = read->place;
    }
    term_drop_if_unused(r, t);
    list_free(read->list);
    *read = (struct read){0};
}

/* ---- recording ------------------------------------------------------------------------------------------------------------ */

void reads_begin(struct reads *r, struct evaluation *e) {
    (void)r;
    e->fresh = 0;
}

static bool same_list(const struct list_read *a, const struct list_read *b) {
    if (!a || !b) return a == b;
    const struct store_query *p = &a->query, *q = &b->query;
    bool same = p->label_count == q->label_count && str_eq(p->ns, q->ns) && str_eq(p->owner_uid, q->owner_uid) &&
                str_eq(p->index_path, q->index_path) && str_eq(p->index_value, q->index_value);
    for (size_t i = 0; same && i < p->label_count; i++)
        same = str_eq(p->labels[i].key, q->labels[i].key) && str_eq(p->labels[i].value, q->labels[i].value);
    return same;
}

static int grow(struct evaluation *e, struct err *err) {
    if (e->count < e->cap) return 0;
    uint32_t cap = e->cap ? e->cap * 2 : 2;
    struct read *reads = reallocarray(e->reads, cap, sizeof *reads);
    if (!reads) return err_set(err, ERR_NOMEM, "no memory to record a read");
    e->reads = reads;
    e->cap = cap;
    return 0;
}

static bool recorded_already(const struct evaluation *e, uint64_t id, enum read_kind kind) {
    for (uint32_t i = 0; i < e->fresh; i++)
        if (e->reads[i].term->id == id && e->reads[i].kind == kind && kind != READ_LIST) return true;
    return false;
}

/* Puts a new read at place e->fresh. What the last run had there moves to the end, to be released when the run is over. */
static int insert(struct reads *r, struct evaluation *e, uint64_t id, enum read_kind kind, struct list_read *list, struct err *err) {
    struct term *t = term_get(r, id, err);
    if (!t) return err->code;
    int rc = grow(e, err);
    if (!rc) {
        e->reads[e->count] = (struct read){.term = t, .kind = kind, .list = list};
        rc = term_hold(t, e, e->count, err);
    }
    if (rc) {
        term_drop_if_unused(r, t);
        return rc;
    }
    uint32_t last = e->count++, at = e->fresh++;
    if (last == at) return 0;
    struct read swapped = e->reads[at];
    e->reads[at] = e->reads[last];
    e->reads[last] = swapped;
    e->reads[at].term->holders[e->reads[at].place].index = at;
    e->reads[last].term->holders[e->reads[last].place].index = last;
    return 0;
}

/* Most runs read what the run before read, in the same order: then nothing is to be done. Takes `list` in any case. */
static int record(struct reads *r, struct evaluation *e, uint64_t id, enum read_kind kind, struct list_read *list, struct err *err) {
    struct err local;
    if (e->fresh < e->count) {
        const struct read *old = &e->reads[e->fresh];
        if (old->term->id == id && old->kind == kind && same_list(old->list, list)) {
            list_free(list);
            e->fresh++;
            return 0;
        }
    }
    if (recorded_already(e, id, kind)) return 0; /* never a list: `list` is NULL */
    int rc = insert(r, e, id, kind, list, err ? err : &local);
    if (rc) list_free(list);
    return rc;
}

int reads_object(struct reads *r, struct evaluation *e, const struct gvk *gvk, struct str ns, struct str name, struct err *err) {
    return record(r, e, object_term(READ_OBJECT, gvk, ns, name), READ_OBJECT, NULL, err);
}

int reads_existence(struct reads *r, struct evaluation *e, const struct gvk *gvk, struct str ns, struct str name, struct err *err) {
    return record(r, e, object_term(READ_EXISTENCE, gvk, ns, name), READ_EXISTENCE, NULL, err);
}

int reads_state(struct reads *r, struct evaluation *e, const struct gvk *gvk, struct err *err) {
    return record(r, e, kind_seed(READ_STATE, gvk), READ_STATE, NULL, err);
}

int reads_owner(struct reads *r, struct evaluation *e, struct str uid, struct err *err) {
    return record(r, e, str_hash(uid, READ_OWNER), READ_OWNER, NULL, err);
}

static uint64_t findings_term(const void *whose, struct str kind, struct str ns, struct str name) {
    uint64_t seed = str_hash((struct str){(const char *)&whose, sizeof whose}, READ_FINDINGS);
    return str_hash(name, str_hash(ns, str_hash(kind, seed)));
}

int reads_findings(struct reads *r, struct evaluation *e, const void *whose, struct str kind, struct str ns, struct str name,
                   struct err *err) {
    return record(r, e, findings_term(whose, kind, ns, name), READ_FINDINGS, NULL, err);
}

static size_t query_text_bytes(const struct store_query *q) {
    size_t bytes = q->ns.n + q->owner_uid.n + q->index_path.n + q->index_value.n;
    for (size_t i = 0; i < q->label_count; i++) bytes += q->labels[i].key.n + q->labels[i].value.n;
    return bytes;
}

/* Copies a span behind the query and points to it there. */
static char *keep(struct str *span, char *to) {
    if (span->n) memcpy(to, span->p, span->n);
    span->p = to;
    return to + span->n;
}

static struct list_read *list_read_new(struct listed *kind, const struct store_query *q) {
    size_t fixed = offsetof(struct store_query, labels) + q->label_count * sizeof q->labels[0];
    struct list_read *l = kind ? calloc(1, offsetof(struct list_read, query) + fixed + query_text_bytes(q)) : NULL;
    if (!l) return NULL;
    l->kind = kind;
    kind->lists++;
    memcpy(&l->query, q, fixed);
    char *to = (char *)&l->query + fixed;
    to = keep(&l->query.ns, to);
    to = keep(&l->query.owner_uid, to);
    to = keep(&l->query.index_path, to);
    to = keep(&l->query.index_value, to);
    for (size_t i = 0; i < q->label_count; i++) to = keep(&l->query.labels[i].value, keep(&l->query.labels[i].key, to));
    return l;
}

int reads_list(struct reads *r, struct evaluation *e, const struct store *store, const struct store_query *query, struct err *err) {
    struct list_read *list = list_read_new(listed_get(r, store_gvk(store)), query);
    if (!list) return err_set(err, ERR_NOMEM, "no memory to record a read");
    return record(r, e, list_term(store, store_query_term(store, query), query->ns), READ_LIST, list, err);
}

static void truncate_reads(struct reads *r, struct evaluation *e, uint32_t keep_count) {
    while (e->count > keep_count) read_release(r, &e->reads[--e->count]);
    if (e->count == 0) {
        free(e->reads);
        e->reads = NULL;
        e->cap = 0;
    }
}

void reads_end(struct reads *r, struct evaluation *e) { truncate_reads(r, e, e->fresh); }

void reads_drop(struct reads *r, struct evaluation *e) {
    truncate_reads(r, e, 0);
    e->fresh = 0;
}

/* ---- changes -------------------------------------------------------------------------------------------------------------- */

static void touch_all(struct reads *r, uint64_t id) {
    const struct term *t = term_find(r, id);
    for (uint32_t i = 0; t && i < t->count; i++) r->touched(t->holders[i].evaluation, r->arg);
}

struct list_change {
    struct reads *reads;
    const struct store *store;
    const struct doc *before, *after;
    struct str ns;
    uint64_t done[32]; /* the terms of both are mostly the same: the first ones that were looked up */
    size_t done_count;
};

static bool is_done(struct list_change *c, uint64_t store_term_id) {
    for (size_t i = 0; i < c->done_count; i++)
        if (c->done[i] == store_term_id) return true;
    if (c->done_count < sizeof c->done / sizeof *c->done) c->done[c->done_count++] = store_term_id;
    return false;
}

static void touch_lists_in(const struct list_change *c, uint64_t store_term_id, struct str ns) {
    const struct term *t = term_find(c->reads, list_term(c->store, store_term_id, ns));
    for (uint32_t i = 0; t && i < t->count; i++) {
        const struct holder *h = &t->holders[i];
        const struct list_read *list = h->evaluation->reads[h->index].list;
        if (!list) continue;
        if ((c->before && store_query_matches(&list->query, c->before)) || (c->after && store_query_matches(&list->query, c->after)))
            c->reads->touched(h->evaluation, c->reads->arg);
    }
}

/* Who asked in its namespace, and who asked in all. */
static void touch_lists(uint64_t store_term_id, void *arg) {
    struct list_change *c = arg;
    if (is_done(c, store_term_id)) return;
    touch_lists_in(c, store_term_id, STR(""));
    if (c->ns.n) touch_lists_in(c, store_term_id, c->ns);
}

void reads_object_changed(struct reads *r, const struct store *store, const struct doc *before, const struct doc *after) {
    const struct gvk *gvk = store_gvk(store);
    struct doc_value object = doc_root(after ? after : before);
    struct str ns = doc_path_str(object, "metadata.namespace"), name = doc_path_str(object, "metadata.name");
    touch_all(r, object_term(READ_OBJECT, gvk, ns, name));
    if (!before || !after) touch_all(r, object_term(READ_EXISTENCE, gvk, ns, name));
    const struct listed *kind = listed_of(r, gvk);
    if (!kind || !kind->lists) return;
    struct list_change change = {.reads = r, .store = store, .before = before, .after = after, .ns = ns};
    if (before) store_object_terms(store, before, touch_lists, &change);
    if (after) store_object_terms(store, after, touch_lists, &change);
}

void reads_existence_changed(struct reads *r, const struct gvk *gvk, struct str ns, struct str name) {
    touch_all(r, object_term(READ_EXISTENCE, gvk, ns, name));
}

bool reads_anyone_asked(const struct reads *r, const struct gvk *gvk, struct str ns, struct str name) {
    return term_find(r, object_term(READ_EXISTENCE, gvk, ns, name)) != NULL;
}

void reads_state_changed(struct reads *r, const struct gvk *gvk) { touch_all(r, kind_seed(READ_STATE, gvk)); }

void reads_owner_changed(struct reads *r, struct str uid) { touch_all(r, str_hash(uid, READ_OWNER)); }

void reads_findings_changed(struct reads *r, const void *whose, struct str kind, struct str ns, struct str name) {
    touch_all(r, findings_term(whose, kind, ns, name));
}
