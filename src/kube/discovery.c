#include "kube/discovery.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/ptrset.h"
#include "kube/client_internal.h"

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
    struct ptrset known; /* struct known; learned again in place, since readers hold pointers to the resource */
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

struct discovery *discovery_new(struct kube_client *client) {
    struct discovery *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->client = client;
    d->known = ptrset_new(resource_hash, resource_eq);
    d->timer = timer_new(kube_client_loop(client), tell_answered, d);
    if (d->timer) return d;
    free(d);
    return NULL;
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

static bool has_verb(struct doc_value entry, const char *verb) {
    struct doc_value verbs = doc_get(entry, STR("verbs"));
    for (size_t i = 0; i < doc_len(verbs); i++) {
        if (str_is(doc_str(doc_at(verbs, i)), verb)) return true;
    }
    return false;
}

static bool has_subresource(struct doc_value list, struct str plural, const char *subresource) {
    for (size_t i = 0; i < doc_len(list); i++) {
        struct str head, rest;
        if (str_cut(doc_path_str(doc_at(list, i), "name"), '/', &head, &rest) && str_eq(head, plural) && str_is(rest, subresource))
            return true;
    }
    return false;
}

static int learn(struct discovery *d, const struct gvk *gvk, struct doc_value list, struct doc_value entry, struct err *err) {
    struct str plural = doc_path_str(entry, "name");
    char *copy = str_dup(plural);
    struct known *k = copy ? known_of(d, gvk, err) : NULL;
    if (!k) {
        free(copy);
        return err_set(err, ERR_NOMEM, "no memory for kind %s", gvk->text);
    }
    struct resource *r = &k->resource;
    k->doubted = false;
    free(r->plural);
    r->plural = copy;
    r->namespaced = doc_bool(doc_get(entry, STR("namespaced")));
    r->watchable = has_verb(entry, "list") && has_verb(entry, "watch");
    r->has_status = has_subresource(list, plural, "status");
    return 0;
}

/* Looks for one kind in an APIResourceList; entries named PLURAL/SUBRESOURCE bear the kind of what the subresource takes. */
static int learn_kind(struct discovery *d, const struct gvk *gvk, const struct doc *answer, struct err *err) {
    struct doc_value list = doc_get(doc_root(answer), STR("resources"));
    for (size_t i = 0; i < doc_len(list); i++) {
        struct doc_value entry = doc_at(list, i);
        struct str name = doc_path_str(entry, "name");
        if (!name.n || memchr(name.p, '/', name.n) || !str_is(doc_path_str(entry, "kind"), gvk->kind)) continue;
        return learn(d, gvk, list, entry, err);
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

void discovery_resolve(struct discovery *d, const struct gvk *gvk,
                       void (*found)(const struct resource *resource, const struct err *err, void *arg), void *arg) {
    struct waiter *w = calloc(1, sizeof *w);
    if (!w) {
        const struct err err = {.code = ERR_NOMEM, .msg = "no memory to ask for a kind"};
        found(NULL, &err, arg);
        return;
    }
    *w = (struct waiter){.gvk = gvk, .found = found, .arg = arg};
    struct question *q = NULL;
    const struct known *k = find_known(d, gvk);
    if ((!k || k->doubted) && !ask(d, gvk, &q, &w->err)) {
        DL_APPEND(q->waiters, w);
        return;
    }
    DL_APPEND(d->answered, w);
    timer_start(d->timer, 0);
}
