#include "operator/secrets.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"

enum {
    MAX_KEY = 512, /* namespace, '/', name: 63 + 1 + 253 */
    VERIFY_MS = 10 * 1000,
    PRESENT_US = 300 * 1000 * 1000,
    ABSENT_US = 20 * 1000 * 1000,
    RETRY_MS = 1000, /* after an answer that said nothing */
};

enum known { UNKNOWN, PRESENT, ABSENT, DENIED };

struct entry {
    struct secrets *all; /* NULL: forgotten while an answer is under way */
    enum known known;
    bool asking;
    int64_t asked_us;
    struct str ns, name; /* into key */
    UT_hash_handle hh;
    char key[];
};

/* A namespace whose Secrets may not be read, as the last answer said. */
struct closed {
    const struct entry *probe; /* goes on asking, also when nobody does any more: analyzers leave out what may not be read */
    UT_hash_handle hh;
    char ns[];
};

struct secrets {
    struct cluster *cluster;
    struct reads *reads;
    struct timer *timer;
    const struct gvk *gvk;
    struct entry *entries;
    struct closed *closed;
};

bool secrets_is(const struct gvk *gvk) { return str_is(STR("v1/Secret"), gvk->text); }

/* ---- asking --------------------------------------------------------------------------------------------------------------------- */

static enum known known_by(const struct err *err) {
    if (!err || err->code == ERR_NONE) return PRESENT;
    if (err->code == ERR_NOT_FOUND) return ABSENT;
    return err->code == ERR_FORBIDDEN || err->code == ERR_UNAUTHORIZED ? DENIED : UNKNOWN;
}

static struct closed *closed_find(const struct secrets *s, struct str ns) {
    struct closed *c = NULL;
    HASH_FIND(hh, s->closed, ns.p, ns.n, c);
    return c;
}

static void closed_drop(struct secrets *s, struct closed *c) {
    HASH_DEL(s->closed, c);
    free(c);
}

/* Without memory a namespace counts as open: reads there fail as forbidden. */
static void closed_add(struct secrets *s, const struct entry *probe) {
    struct closed *c = calloc(1, sizeof *c + probe->ns.n + 1);
    if (!c) return;
    c->probe = probe;
    memcpy(c->ns, probe->ns.p, probe->ns.n);
    HASH_ADD_KEYPTR(hh, s->closed, c->ns, probe->ns.n, c);
    if (!c->hh.tbl) free(c);
}

static void set_denied(struct entry *e, bool denied) {
    struct secrets *s = e->all;
    struct closed *c = closed_find(s, e->ns);
    if (denied == (c != NULL)) return;
    if (c)
        closed_drop(s, c);
    else
        closed_add(s, e);
    reads_state_changed(s->reads, s->gvk);
}

/* An answer that says nothing (the server was not reachable) leaves what was known before. */
static void answered(struct doc *object, const struct err *err, void *arg) {
    struct entry *e = arg;
    struct secrets *s = e->all;
    (void)object;
    if (!s) {
        free(e);
        return;
    }
    enum known now = known_by(err), before = e->known;
    e->asking = false;
    if (now == UNKNOWN) {
        timer_start(s->timer, RETRY_MS);
        return;
    }
    e->known = now;
    set_denied(e, now == DENIED);
    if (now != before) reads_existence_changed(s->reads, s->gvk, e->ns, e->name);
}

static void resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct entry *e = arg;
    struct err local;
    if (!resource || !e->all) {
        answered(NULL, err, e);
        return;
    }
    struct kube_request request = {
        .verb = KUBE_GET, .resource = resource, .ns = e->ns, .name = e->name, .metadata_only = true, .done = answered, .arg = e};
    if (kube_send(cluster_client(e->all->cluster), &request, NULL, &local)) answered(NULL, &local, e);
}

static void ask(struct entry *e) {
    struct secrets *s = e->all;
    e->asking = true;
    e->asked_us = clock_mono_us();
    discovery_resolve(cluster_discovery(s->cluster), s->gvk, resolved, e);
    if (!timer_active(s->timer)) timer_start(s->timer, VERIFY_MS);
}

/* ---- keeping -------------------------------------------------------------------------------------------------------------------- */

static void forget(struct entry *e) {
    HASH_DEL(e->all->entries, e);
    e->all = NULL;
    if (!e->asking) free(e);
}

/* How long it is good for. */
static int64_t lasts_us(enum known known) { return known == PRESENT ? PRESENT_US : known == UNKNOWN ? RETRY_MS * 1000 : ABSENT_US; }

static bool is_wanted(const struct entry *e) {
    const struct closed *c = closed_find(e->all, e->ns);
    return (c && c->probe == e) || reads_anyone_asked(e->all->reads, e->all->gvk, e->ns, e->name);
}

static void verify(void *arg) {
    struct secrets *s = arg;
    struct entry *e, *next;
    int64_t now_us = clock_mono_us();
    HASH_ITER(hh, s->entries, e, next) {
        bool due = now_us - e->asked_us >= lasts_us(e->known);
        if (!is_wanted(e))
            forget(e);
        else if (due && !e->asking)
            ask(e);
    }
    if (s->entries) timer_start(s->timer, VERIFY_MS);
}

struct secrets *secrets_new(struct loop *loop, struct cluster *cluster, struct reads *reads) {
    struct secrets *s = calloc(1, sizeof *s);
    struct err err;
    if (!s) return NULL;
    *s = (struct secrets){.cluster = cluster, .reads = reads, .gvk = gvk_parse(STR("v1/Secret"), &err)};
    s->timer = timer_new(loop, verify, s);
    if (s->timer && s->gvk) return s;
    secrets_free(s);
    return NULL;
}

void secrets_free(struct secrets *s) {
    if (!s) return;
    struct entry *e, *next;
    struct closed *c, *after;
    HASH_ITER(hh, s->entries, e, next) forget(e);
    HASH_ITER(hh, s->closed, c, after) closed_drop(s, c);
    timer_free(s->timer);
    free(s);
}

static struct entry *entry_of(struct secrets *s, struct str ns, struct str name) {
    char key[MAX_KEY];
    struct entry *e = NULL;
    int n = snprintf(key, sizeof key, STR_FMT "/" STR_FMT, STR_ARG(ns), STR_ARG(name));
    if (n < 0 || n >= MAX_KEY) return NULL;
    HASH_FIND(hh, s->entries, key, (size_t)n, e);
    if (e || !(e = calloc(1, sizeof *e + (size_t)n + 1))) return e;
    memcpy(e->key, key, (size_t)n + 1);
    e->all = s;
    e->ns = (struct str){e->key, ns.n};
    e->name = (struct str){e->key + ns.n + 1, name.n};
    HASH_ADD_KEYPTR(hh, s->entries, e->key, (size_t)n, e);
    if (!e->hh.tbl) {
        free(e);
        return NULL;
    }
    ask(e);
    return e;
}

int secrets_exists(struct secrets *s, struct evaluation *ev, struct str ns, struct str name, bool *out, struct err *err) {
    *out = false;
    int rc = reads_existence(s->reads, ev, s->gvk, ns, name, err);
    if (!rc) rc = reads_state(s->reads, ev, s->gvk, err);
    if (rc) return rc;
    const struct entry *e = entry_of(s, ns, name);
    if (!e) return err_set(err, ERR_NOMEM, "no memory to look up a Secret");
    if (e->known == DENIED)
        return err_set(err, ERR_FORBIDDEN, "v1/Secret " STR_FMT "/" STR_FMT " may not be read", STR_ARG(ns), STR_ARG(name));
    if (e->known == UNKNOWN) return err_set(err, ERR_TIMEOUT, "v1/Secret %s is being looked up", e->key);
    *out = e->known == PRESENT;
    return 0;
}

bool secrets_readable(struct secrets *s, struct evaluation *ev, struct str ns) {
    struct err err;
    return !reads_state(s->reads, ev, s->gvk, &err) && !(ns.n ? closed_find(s, ns) : s->closed);
}
