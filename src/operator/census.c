#include "operator/census.h"

#include <stdlib.h>

#include "base/clock.h"

enum { MAX_KINDS = 64, GOOD_FOR_US = 60 * 1000 * 1000 };

struct kind_count {
    struct census *census;
    const struct gvk *gvk;
    struct kube_call *call; /* the list, under way; or NULL */
    bool under_way;         /* the list, or discovery before it */
    int64_t at_us;          /* when it was counted; 0: never */
    int64_t count;
    struct err err; /* of what could not be counted */
};

struct census {
    struct kube_client *client;
    struct discovery *discovery;
    char *ns;
    struct kind_count *kinds[MAX_KINDS];
    size_t kind_count;
    size_t left; /* answers that are awaited */
    void (*done)(void *arg);
    void *arg;
};

struct census *census_new(void) {
    return calloc(1, sizeof(struct census));
}

void census_leave(struct census *c) { c->done = NULL; }

static void forget(struct census *c, size_t i) {
    struct kind_count *k = c->kinds[i];
    if (k->under_way) {
        discovery_forget(c->discovery, k);
        c->left--;
    }
    kube_drop(k->call);
    free(k);
    c->kinds[i] = c->kinds[--c->kind_count];
}

void census_free(struct census *c) {
    if (!c) return;
    while (c->kind_count) forget(c, 0);
    free(c->ns);
    free(c);
}

static void tell_if_over(struct census *c) {
    void (*done)(void *arg) = c->done;
    if (c->left || !done) return;
    c->done = NULL;
    done(c->arg);
}

static void counted(struct kind_count *k, int64_t count, const struct err *err) {
    k->under_way = false;
    k->call = NULL;
    k->at_us = clock_mono_us();
    k->count = count;
    k->err = err ? *err : (struct err){0};
    k->census->left--;
    tell_if_over(k->census);
}

static void list_came(struct doc *list, const struct err *err, void *arg) {
    struct doc_value root = list ? doc_root(list) : DOC_NO_VALUE, rest = doc_path(root, "metadata.remainingItemCount");
    struct err vague = {0};
    /* It may be left out (Kubernetes API, ListMeta); then nobody knows how many there are. */
    if (!err && doc_path_str(root, "metadata.continue").n && doc_type(rest) != DOC_INT) {
        err_set(&vague, ERR_UNSUPPORTED, "the API server does not say how many there are");
        err = &vague;
    }
    counted(arg, err ? 0 : (int64_t)doc_len(doc_path(root, "items")) + doc_int(rest), err);
}

static void resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct kind_count *k = arg;
    struct err failure;
    if (!resource) {
        counted(k, 0, err->code == ERR_NOT_FOUND ? NULL : err);
        return;
    }
    struct kube_request request = {
        .verb = KUBE_GET,
        .resource = resource,
        .metadata_only = true,
        .limit = 1,
        .done = list_came,
        .arg = k,
    };
    if (resource->namespaced) request.ns = str_of(k->census->ns);
    if (kube_send(k->census->client, &request, &k->call, &failure)) counted(k, 0, &failure);
}

static struct kind_count *find_or_add(struct census *c, const struct gvk *gvk, struct err *err) {
    for (size_t i = 0; i < c->kind_count; i++)
        if (c->kinds[i]->gvk == gvk) return c->kinds[i];
    struct kind_count *k = c->kind_count < MAX_KINDS ? calloc(1, sizeof *k) : NULL;
    if (!k) {
        err_set(err, ERR_LIMIT, "over %d kinds", MAX_KINDS);
        return NULL;
    }
    k->census = c;
    k->gvk = gvk;
    return c->kinds[c->kind_count++] = k;
}

static bool holds(struct doc_value kinds, const struct gvk *gvk) {
    for (size_t i = 0; i < doc_len(kinds); i++)
        if (str_is(doc_str(doc_at(kinds, i)), gvk->text)) return true;
    return false;
}

static int want(struct census *c, struct doc_value kinds, struct err *err) {
    for (size_t i = c->kind_count; i-- > 0;)
        if (!holds(kinds, c->kinds[i]->gvk)) forget(c, i);
    for (size_t i = 0; i < doc_len(kinds); i++) {
        const struct gvk *gvk = gvk_parse(doc_str(doc_at(kinds, i)), err);
        struct kind_count *k = gvk ? find_or_add(c, gvk, err) : NULL;
        if (!k) return err_prefix(err, "ctx.count");
    }
    return 0;
}

static bool is_due(const struct kind_count *k, int64_t now_us) { return !k->under_way && (!k->at_us || now_us - k->at_us > GOOD_FOR_US); }

static int go_to(struct census *c, struct str ns, struct err *err) {
    if (c->ns && str_is(ns, c->ns)) return 0;
    while (c->kind_count) forget(c, 0);
    return str_replace(&c->ns, ns) ? 0 : err_set(err, ERR_NOMEM, "no memory to count objects");
}

int census_take(struct census *c, struct kube_client *client, struct discovery *discovery, struct doc_value kinds, struct str ns,
                void (*done)(void *arg), void *arg, struct err *err) {
    int64_t now_us = clock_mono_us();
    c->client = client;
    c->discovery = discovery;
    int rc = go_to(c, ns, err);
    if (!rc) rc = want(c, kinds, err);
    if (rc) return rc;
    c->done = done;
    c->arg = arg;
    c->left++; /* until all are asked: an answer may come from within */
    for (size_t i = 0; i < c->kind_count; i++) {
        struct kind_count *k = c->kinds[i];
        if (!is_due(k, now_us)) continue;
        k->under_way = true;
        c->left++;
        discovery_resolve(discovery, k->gvk, resolved, k);
    }
    c->left--;
    tell_if_over(c);
    return 0;
}

void census_put(const struct census *c, struct doc_builder *b) {
    doc_begin_object(b);
    doc_key(b, STR("counts"));
    doc_begin_object(b);
    for (size_t i = 0; i < c->kind_count; i++)
        if (!c->kinds[i]->err.code) doc_pair_int(b, c->kinds[i]->gvk->text, c->kinds[i]->count);
    doc_end_object(b);
    doc_key(b, STR("failed"));
    doc_begin_array(b);
    for (size_t i = 0; i < c->kind_count; i++) {
        if (!c->kinds[i]->err.code) continue;
        doc_begin_object(b);
        doc_pair_str(b, "kind", str_of(c->kinds[i]->gvk->text));
        doc_pair_str(b, "reason", str_of(c->kinds[i]->err.msg));
        doc_end_object(b);
    }
    doc_end_array(b);
    doc_end_object(b);
}
