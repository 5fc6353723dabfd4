#include "operator/plan.h"

#include <stdlib.h>

static const char EVENT_GVK[] = "v1/Event";
/* ctx.events looks events up by the name of what they are about, see reader.c. */
static const struct str EVENT_INDEXES[] = {{"involvedObject.name", 19}};

void plan_wants_free(struct plan_wants *w) {
    for (size_t i = 0; i < w->count; i++) projection_unref(w->items[i].projection);
    free(w->items);
    *w = (struct plan_wants){0};
}

static int add(struct plan_wants *w, const struct gvk *gvk, const struct projection *projection, const struct str *indexes,
               size_t index_count, struct err *err) {
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 16;
        struct cluster_want *grown = reallocarray(w->items, cap, sizeof *grown);
        if (!grown) return err_set(err, ERR_NOMEM, "no memory for the list of what is watched");
        w->items = grown;
        w->cap = cap;
    }
    w->items[w->count++] = (struct cluster_want){gvk, projection_ref(projection), indexes, index_count};
    return 0;
}

static int add_managed(struct plan_wants *w, const char *kind, struct err *err) {
    const struct gvk *gvk = gvk_parse(str_of(kind), err);
    if (!gvk) return err->code;
    struct projection *whole = projection_object();
    if (!whole) return err_set(err, ERR_NOMEM, "no memory for the list of what is watched");
    int rc = add(w, gvk, whole, NULL, 0, err);
    projection_unref(whole);
    return rc;
}

/* Of a snapshot, where Secrets are in a store like anything else. */
static int add_secret_content(struct plan_wants *w, struct err *err) {
    const struct gvk *gvk = gvk_parse(STR("v1/Secret"), err);
    struct projection *content = gvk ? projection_new() : NULL;
    if (!content) return err_set(err, ERR_NOMEM, "no memory for the list of what is watched");
    int rc = projection_add(content, STR("data"), err);
    if (!rc) rc = add(w, gvk, content, NULL, 0, err);
    projection_unref(content);
    return rc;
}

int plan_policy_wants(const struct policy *p, struct plan_wants *w, struct err *err) {
    int rc = 0;
    for (; !rc && p; p = p->lower) { /* a layer below may have to stand in */
        for (size_t i = 0; !rc && i < p->watch_count; i++) {
            const struct policy_watch *watch = &p->watches[i];
            rc = add(w, watch->gvk, watch->projection, watch->indexes, watch->index_count, err);
            if (!rc && str_is(str_of(EVENT_GVK), watch->gvk->text)) rc = add(w, watch->gvk, watch->projection, EVENT_INDEXES, 1, err);
        }
        if (!rc && p->secret_content) rc = add_secret_content(w, err);
    }
    return rc;
}

static bool wants_kind(const struct plan_wants *w, size_t count, const struct gvk *gvk) {
    for (size_t i = 0; i < count; i++)
        if (w->items[i].gvk == gvk) return true;
    return false;
}

/* Keeps of what was added since `before` the kinds that were wanted until then. */
static void keep_known(struct plan_wants *w, size_t before) {
    size_t kept = before;
    for (size_t i = before; i < w->count; i++) {
        if (wants_kind(w, before, w->items[i].gvk))
            w->items[kept++] = w->items[i];
        else
            projection_unref(w->items[i].projection);
    }
    w->count = kept;
}

static int add_reader(const struct policy *p, bool widens, void *arg, struct err *err) {
    struct plan_wants *w = arg;
    size_t before = w->count;
    int rc = plan_policy_wants(p, w, err);
    if (!widens) keep_known(w, before);
    return rc;
}

static int each_of_kind(const struct bundle *bundle, enum policy_kind kind, bool widens,
                        int (*each)(const struct policy *p, bool widens, void *arg, struct err *err), void *arg, struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < bundle_count(bundle, kind); i++) rc = each(bundle_at(bundle, kind, i), widens, arg, err);
    return rc;
}

int plan_correlate_wants(const struct bundle *bundle, struct plan_wants *w, struct err *err) {
    return each_of_kind(bundle, POLICY_CORRELATE, false, add_reader, w, err);
}

/* Findings are about kinds that analyzers read: of the others correlate policies need nothing, and nobody has to list all pods for them. */
int plan_each_reader(const struct bundle *bundle, const struct str *analyzers, size_t count,
                     int (*each)(const struct policy *p, bool widens, void *arg, struct err *err), void *arg, struct err *err) {
    static const enum policy_kind always[] = {POLICY_STEP, POLICY_RENDER, POLICY_FILTER, POLICY_ROUTE, POLICY_SINK};
    int rc = 0;
    for (size_t k = 0; !rc && k < sizeof always / sizeof *always; k++) rc = each_of_kind(bundle, always[k], true, each, arg, err);
    for (size_t i = 0; !rc && i < count; i++) {
        const struct policy *p = bundle_find(bundle, POLICY_ANALYZER, analyzers[i]);
        rc = p ? each(p, true, arg, err) : 0;
    }
    return rc ? rc : each_of_kind(bundle, POLICY_CORRELATE, false, each, arg, err);
}

void plan_leave_out_secrets(struct plan_wants *w) {
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (secrets_is(w->items[i].gvk))
            projection_unref(w->items[i].projection);
        else
            w->items[kept++] = w->items[i];
    }
    w->count = kept;
}

int plan_blind_secrets(struct plan_wants *w, struct err *err) {
    struct projection *blind = projection_new();
    int rc = blind ? projection_add(blind, STR("type"), err) : err_set(err, ERR_NOMEM, "no memory for the list of what is watched");
    for (size_t i = 0; !rc && i < w->count; i++) {
        struct cluster_want *want = &w->items[i];
        if (!secrets_is(want->gvk)) continue;
        projection_unref(want->projection);
        *want = (struct cluster_want){.gvk = want->gvk, .projection = projection_ref(blind)};
    }
    projection_unref(blind);
    return rc;
}

int plan_wants(const struct k8s_operator *op, struct bundle *bundle, const struct str *analyzers, size_t count, struct plan_wants *out,
               struct err *err) {
    *out = (struct plan_wants){0};
    int rc = add_managed(out, K8SGPT_GVK, err);
    if (!rc && op->tenants) rc = add_managed(out, RESULT_GVK, err);
    if (!rc && op->tenants) rc = plan_each_reader(bundle, analyzers, count, add_reader, out, err);
    if (rc)
        plan_wants_free(out);
    else
        plan_leave_out_secrets(out);
    return rc;
}

static bool listed(const struct str *names, size_t count, struct str name) {
    for (size_t i = 0; i < count; i++)
        if (str_eq(names[i], name)) return true;
    return false;
}

int plan_analyzers(const struct k8s_operator *op, struct bundle *bundle, struct str **out, size_t *count, struct err *err) {
    size_t most = bundle_count(bundle, POLICY_ANALYZER);
    *count = 0;
    *out = calloc(most + 1, sizeof **out);
    if (!*out) return err_set(err, ERR_NOMEM, "no memory for the list of analyzers");
    for (const struct tenant *t = op->tenants; t; t = t->hh.next) {
        for (size_t i = 0; i < t->choice.count; i++) {
            const struct policy *p = bundle_find(bundle, POLICY_ANALYZER, str_of(t->choice.names[i]));
            if (p && !listed(*out, *count, str_of(p->name))) (*out)[(*count)++] = str_of(p->name);
        }
    }
    return 0;
}
