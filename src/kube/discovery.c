#include "kube/discovery.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/ptrset.h"
#include "kube/client_internal.h"
#include "kube/overview.h"

/* Fewer group-versions are asked for one by one: a few kilobytes each, where an overview has 60 and one more for every CRD. */
enum { OVERVIEW_FROM = 4 };

struct waiter {
    const struct gvk *gvk;
    void (*found)(const struct resource *resource, const struct err *err, void *arg);
    void *arg;
    struct err err; /* the answer, once there is one */
    struct waiter *prev, *next;
};

/* One group-version being asked for; everybody who needs a kind of it waits here. */
struct question {
    struct discovery *discovery;
    char *api_version;
    struct kube_call *call;
    struct waiter *waiters;
    struct question *prev, *next;
};

struct known {
    struct resource resource; /* first: its hash and eq */
    bool doubted;
};

struct discovery {
    struct kube_client *client;
    struct ptrset known;       /* struct known; learned again in place, since readers hold pointers to the resource */
    struct waiter *asking;     /* since this turn of the loop */
    struct waiter *batch;      /* of the overview */
    struct overview *overview; /* NULL: not under way */
    struct question *questions;
    struct waiter *answered; /* still to be told, from the loop */
    struct timer *timer;
};

static uint64_t resource_hash(const void *item) {
    return (uint64_t)(uintptr_t)((const struct resource *)item)->gvk * 0x9e3779b97f4a7c15u >> 16;
}
static uint64_t gvk_key(const struct gvk *gvk) { return (uint64_t)(uintptr_t)gvk * 0x9e3779b97f4a7c15u >> 16; }
static bool resource_eq(const void *item, const void *key) { return ((const struct resource *)item)->gvk == key; }

static void tell(struct waiter *w, const struct resource *resource) {
    w->found(resource, w->err.code ? &w->err : NULL, w->arg);
    free(w);
}

static void tell_answered(void *arg) {
    struct discovery *d = arg;
    while (d->answered) {
        struct waiter *w = d->answered;
        DL_DELETE(d->answered, w);
        tell(w, w->err.code ? NULL : discovery_known(d, w->gvk));
    }
}

static void question_free(struct question *q) {
    free(q->api_version);
    free(q);
}

static void cancel_waiters(struct waiter **waiters) {
    while (*waiters) {
        struct waiter *w = *waiters;
        DL_DELETE(*waiters, w);
        err_set(&w->err, ERR_CANCELLED, "discovery is going away");
        tell(w, NULL);
    }
}

void discovery_free(struct discovery *d) {
    if (!d) return;
    timer_free(d->timer);
    while (d->questions) {
        struct question *q = d->questions;
        DL_DELETE(d->questions, q);
        kube_drop(q->call);
        cancel_waiters(&q->waiters);
        question_free(q);
    }
    overview_free(d->overview);
    cancel_waiters(&d->batch);
    cancel_waiters(&d->asking);
    cancel_waiters(&d->answered);
    struct known *k;
    for (size_t i = 0; (k = ptrset_next(&d->known, &i));) {
        free(k->resource.plural);
        free(k);
    }
    ptrset_free(&d->known);
    free(d);
}

static void forget_in(struct waiter **waiters, const void *arg) {
    struct waiter *w, *next;
    DL_FOREACH_SAFE(*waiters, w, next) {
        if (w->arg != arg) continue;
        DL_DELETE(*waiters, w);
        free(w);
    }
}

void discovery_forget(struct discovery *d, const void *arg) {
    struct question *q;
    DL_FOREACH(d->questions, q) forget_in(&q->waiters, arg);
    forget_in(&d->batch, arg);
    forget_in(&d->asking, arg);
    forget_in(&d->answered, arg);
}

static struct known *find_known(const struct discovery *d, const struct gvk *gvk) { return ptrset_find(&d->known, gvk_key(gvk), gvk); }

const struct resource *discovery_known(const struct discovery *d, const struct gvk *gvk) {
    const struct known *k = find_known(d, gvk);
    return k ? &k->resource : NULL;
}

void discovery_doubt(struct discovery *d, const struct gvk *gvk) {
    struct known *k = find_known(d, gvk);
    if (k) k->doubted = true;
}

static struct known *known_of(struct discovery *d, const struct gvk *gvk, struct err *err) {
    struct known *k = find_known(d, gvk);
    if (k) return k;
    k = calloc(1, sizeof *k);
    if (!k) {
        err_set(err, ERR_NOMEM, "no memory for kind %s", gvk->text);
        return NULL;
    }
    k->resource.gvk = gvk;
    if (!ptrset_add(&d->known, k, err)) return k;
    free(k);
    return NULL;
}

static bool has_subresource(struct doc_value list, struct str plural, const char *subresource) {
    for (size_t i = 0; i < doc_len(list); i++) {
        struct str head, rest;
        if (str_cut(doc_path_str(doc_at(list, i), "name"), '/', &head, &rest) && str_eq(head, plural) && str_is(rest, subresource))
            return true;
    }
    return false;
}

static int learn(struct discovery *d, const struct gvk *gvk, const struct overview_entry *entry, struct err *err) {
    char *plural = str_dup(entry->plural);
    struct known *k = plural ? known_of(d, gvk, err) : NULL;
    if (!k) {
        free(plural);
        return err_set(err, ERR_NOMEM, "no memory for kind %s", gvk->text);
    }
    struct resource *r = &k->resource;
    k->doubted = false;
    free(r->plural);
    r->plural = plural;
    r->namespaced = entry->namespaced;
    r->watchable = entry->watchable;
    r->has_status = entry->has_status;
    return 0;
}

/* Looks for one kind in an APIResourceList; entries named PLURAL/SUBRESOURCE bear the kind of what the subresource takes. */
static int learn_kind(struct discovery *d, const struct gvk *gvk, const struct doc *answer, struct err *err) {
    struct doc_value list = doc_get(doc_root(answer), STR("resources"));
    for (size_t i = 0; i < doc_len(list); i++) {
        struct doc_value entry = doc_at(list, i);
        struct str name = doc_path_str(entry, "name");
        if (!name.n || memchr(name.p, '/', name.n) || !str_is(doc_path_str(entry, "kind"), gvk->kind)) continue;
        const struct overview_entry found = {
            .plural = name,
            .namespaced = doc_bool(doc_get(entry, STR("namespaced"))),
            .watchable = overview_has_verb(entry, "list") && overview_has_verb(entry, "watch"),
            .has_status = has_subresource(list, name, "status"),
        };
        return learn(d, gvk, &found, err);
    }
    return err_set(err, ERR_NOT_FOUND, "the server does not serve %s", gvk->text);
}

static void answer(struct discovery *d, struct waiter *w, const struct doc *list, const struct err *failure) {
    if (!failure)
        (void)learn_kind(d, w->gvk, list, &w->err);
    else if (failure->code == ERR_NOT_FOUND)
        err_set(&w->err, ERR_NOT_FOUND, "the server does not serve %s", w->gvk->text);
    else
        w->err = *failure;
    DL_APPEND(d->answered, w);
}

/* All answers are filed before the first is told, so that whoever is told one may ask or forget others. */
static void on_answer(struct doc *list, const struct err *err, void *arg) {
    struct question *q = arg;
    struct discovery *d = q->discovery;
    DL_DELETE(d->questions, q);
    while (q->waiters) {
        struct waiter *w = q->waiters;
        DL_DELETE(q->waiters, w);
        answer(d, w, list, err);
    }
    question_free(q);
    tell_answered(d);
}

static struct question *find_question(struct discovery *d, const char *api_version) {
    struct question *q;
    DL_FOREACH(d->questions, q) {
        if (strcmp(q->api_version, api_version) == 0) return q;
    }
    return NULL;
}

static int send_question(struct question *q, const struct gvk *gvk, struct err *err) {
    char path[1024];
    snprintf(path, sizeof path, "/%s/%s", *gvk->group ? "apis" : "api", gvk->api_version);
    const struct kube_request request = {.verb = KUBE_GET, .path = path, .done = on_answer, .arg = q};
    return kube_send(q->discovery->client, &request, &q->call, err);
}

static int ask(struct discovery *d, const struct gvk *gvk, struct question **out, struct err *err) {
    *out = find_question(d, gvk->api_version);
    if (*out) return 0;
    struct question *q = calloc(1, sizeof *q);
    if (!q) return err_set(err, ERR_NOMEM, "no memory to ask for kind %s", gvk->text);
    q->discovery = d;
    q->api_version = strdup(gvk->api_version);
    int rc = q->api_version ? send_question(q, gvk, err) : err_set(err, ERR_NOMEM, "no memory to ask for kind %s", gvk->text);
    if (rc) {
        question_free(q);
        return rc;
    }
    DL_APPEND(d->questions, q);
    *out = q;
    return 0;
}

static bool is_known(const struct discovery *d, const struct gvk *gvk) {
    const struct known *k = find_known(d, gvk);
    return k && !k->doubted;
}

/* Those that are not known by now are asked for, a group-version at a time. */
static void ask_each(struct discovery *d, struct waiter **waiters) {
    while (*waiters) {
        struct waiter *w = *waiters;
        struct question *q = NULL;
        DL_DELETE(*waiters, w);
        bool asked = !is_known(d, w->gvk) && !ask(d, w->gvk, &q, &w->err);
        if (asked)
            DL_APPEND(q->waiters, w);
        else
            DL_APPEND(d->answered, w);
    }
}

static void on_entry(const struct overview_entry *entry, void *arg) {
    struct discovery *d = arg;
    struct waiter *w;
    struct err err; /* without memory it is asked for once more */
    DL_FOREACH(d->batch, w) {
        const struct gvk *gvk = w->gvk;
        if (str_is(entry->kind, gvk->kind) && str_is(entry->version, gvk->version) && str_is(entry->group, gvk->group))
            (void)learn(d, gvk, entry, &err);
    }
}

/* What it does not name may be there all the same: a new CRD, or an API server behind that is slow. */
static void on_overview(void *arg) {
    struct discovery *d = arg;
    overview_free(d->overview);
    d->overview = NULL;
    ask_each(d, &d->batch);
    tell_answered(d);
}

static size_t count_versions(const struct waiter *waiters) {
    size_t count = 0;
    const struct waiter *w, *before;
    DL_FOREACH(waiters, w) {
        for (before = waiters; before != w && strcmp(before->gvk->api_version, w->gvk->api_version) != 0;) before = before->next;
        count += before == w;
    }
    return count;
}

/* Whoever asked in one turn of the loop is served together. */
static void on_turn(void *arg) {
    struct discovery *d = arg;
    struct err err;
    bool many = !d->overview && count_versions(d->asking) >= OVERVIEW_FROM;
    if (many) d->overview = overview_new(d->client, on_entry, on_overview, d, &err);
    if (many && d->overview) {
        DL_CONCAT(d->batch, d->asking);
        d->asking = NULL;
    } else {
        ask_each(d, &d->asking);
    }
    tell_answered(d);
}

struct discovery *discovery_new(struct kube_client *client) {
    struct discovery *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->client = client;
    d->known = ptrset_new(resource_hash, resource_eq);
    d->timer = timer_new(kube_client_loop(client), on_turn, d);
    if (d->timer) return d;
    free(d);
    return NULL;
}

void discovery_resolve(struct discovery *d, const struct gvk *gvk,
                       void (*found)(const struct resource *resource, const struct err *err, void *arg), void *arg) {
    struct waiter *w = calloc(1, sizeof *w);
    if (!w) {
        const struct err err = {.code = ERR_NOMEM, .msg = "no memory to ask for a kind"};
        found(NULL, &err, arg);
        return;
    }
    *w = (struct waiter){.gvk = gvk, .found = found, .arg = arg};
    if (is_known(d, gvk))
        DL_APPEND(d->answered, w);
    else
        DL_APPEND(d->asking, w);
    timer_start(d->timer, 0);
}
