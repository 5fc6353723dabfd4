#include <stdlib.h>

#include "base/clock.h"
#include "doc/builder.h"
#include "operator/oneshot_internal.h"

struct groups {
    struct group **items;
    size_t count;
};

static void collect(struct group *g, void *arg) {
    struct groups *all = arg;
    if (group_is_open(g)) all->items[all->count++] = g;
}

static void count_group(struct group *g, void *arg) {
    (void)g;
    ++*(size_t *)arg;
}

static size_t place_of(const struct oneshot *o, const char *analyzer) {
    size_t i = 0;
    while (i < o->choice.count && strcmp(o->choice.names[i], analyzer) != 0) i++;
    return i;
}

/* As the filters chose the analyzers, then by name: the same cluster, the same report. */
static int in_order(const void *a, const void *b, void *arg) {
    const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
    size_t at = place_of(arg, x->analyzer), other = place_of(arg, y->analyzer);
    if (at != other) return at < other ? -1 : 1;
    int by_ns = strcmp(x->ns, y->ns);
    return by_ns ? by_ns : strcmp(x->name, y->name);
}

static int put_groups(struct doc_builder *b, const struct oneshot *o, struct err *err) {
    struct groups all = {0};
    size_t most = 0;
    int rc = 0;
    findings_each(o->findings, count_group, &most);
    all.items = calloc(most + 1, sizeof(struct group *));
    if (!all.items) return err_set(err, ERR_NOMEM, "no memory for a report");
    findings_each(o->findings, collect, &all);
    qsort_r(all.items, all.count, sizeof *all.items, in_order, (void *)(uintptr_t)o);
    doc_key(b, STR("groups"));
    doc_begin_array(b);
    for (size_t i = 0; !rc && i < all.count; i++) {
        struct doc *group = group_document(all.items[i], true, err);
        if (!group) rc = (int)err->code;
        if (group) doc_put_value(b, doc_root(group));
        doc_unref(group);
    }
    doc_end_array(b);
    free(all.items);
    return rc;
}

static void put_rules(struct doc_builder *b, const struct policy *p) {
    doc_key(b, STR("rules"));
    doc_begin_array(b);
    for (size_t i = 0; i < p->rule_count; i++) {
        doc_begin_object(b);
        doc_pair_str(b, "name", str_of(p->rules[i].name));
        doc_pair_str(b, "severity", str_of(severity_name(p->rules[i].severity)));
        doc_end_object(b);
    }
    doc_end_array(b);
}

static void put_analyzer(struct doc_builder *b, const struct oneshot *o, const struct policy *p) {
    static const char *const states[] = {
        [INSIGHT_WHOLE] = "active", [INSIGHT_NONE_NEEDED] = "inactive", [INSIGHT_FAILED] = "failing", [INSIGHT_UNREAD] = "unread"};
    const char *why;
    size_t objects;
    enum insight insight = oneshot_insight(o, p->name, &why, &objects);
    doc_begin_object(b);
    doc_pair_str(b, "name", str_of(p->name));
    doc_pair_str(b, "kind", str_of(p->watches[0].gvk->kind));
    doc_pair_str(b, "description", str_of(p->description));
    doc_pair_str(b, "state", str_of(states[insight]));
    doc_pair_str(b, "reason", str_of(why));
    (void)diagnosis_withheld(o->diagnosis, str_of(p->name), &why);
    doc_pair_str(b, "withheld", str_of(why));
    doc_pair_int(b, "failed", (int64_t)objects);
    put_rules(b, p);
    doc_end_object(b);
}

static void put_analyzers(struct doc_builder *b, const struct oneshot *o) {
    doc_key(b, STR("analyzers"));
    doc_begin_array(b);
    for (size_t i = 0; i < o->choice.count; i++) {
        const struct policy *p = bundle_find(o->options.bundle, POLICY_ANALYZER, str_of(o->choice.names[i]));
        if (p) put_analyzer(b, o, p);
    }
    doc_end_array(b);
}

/* Those of an analyzer are told with it. */
static void put_failing(const struct policy *policy, size_t times, const char *message, void *arg) {
    struct doc_builder *b = arg;
    if (policy->kind == POLICY_ANALYZER) return;
    doc_begin_object(b);
    doc_pair_str(b, "kind", str_of(policy_kind_name(policy->kind)));
    doc_pair_str(b, "name", str_of(policy->name));
    doc_pair_int(b, "failed", (int64_t)times);
    doc_pair_str(b, "reason", str_of(message));
    doc_end_object(b);
}

static void put_others(struct doc_builder *b, const struct oneshot *o) {
    doc_key(b, STR("failing"));
    doc_begin_array(b);
    policycalls_each_failed(o->calls, put_failing, b);
    doc_end_array(b);
}

static void find_least_uid(const struct store *store, void *arg) {
    struct str *least = arg;
    struct doc *object;
    for (size_t i = 0; (object = store_next(store, &i));) {
        struct str uid = doc_path_str(doc_root(object), "metadata.uid");
        if (uid.n && (!least->n || str_cmp(uid, *least) < 0)) *least = uid;
    }
}

/*
 * What tells this cluster from others, and is known to none but its users, so that masks cannot be guessed (mask.lua): the uid of the
 * namespace that every cluster has. A snapshot that lacks it has other uids, as hard to guess.
 */
static struct str cluster_id(const struct oneshot *o) {
    struct err err;
    const struct gvk *gvk = gvk_parse(STR("v1/Namespace"), &err);
    const struct store *store = gvk ? cluster_store(o->options.cluster, gvk) : NULL;
    struct str uid = doc_path_str(doc_root(store ? store_get(store, STR(""), STR("kube-system")) : NULL), "metadata.uid");
    if (!uid.n) cluster_each_store(o->options.cluster, find_least_uid, &uid);
    return uid;
}

struct doc *oneshot_report(const struct oneshot *o, const struct doc *about, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a report");
        return NULL;
    }
    char now[CLOCK_TEXT_LEN];
    doc_begin_object(b);
    for (size_t i = 0; i < doc_len(doc_root(about)); i++) {
        struct str key;
        struct doc_value value = doc_pair(doc_root(about), i, &key, NULL);
        doc_key(b, key);
        doc_put_value(b, value);
    }
    doc_pair_str(b, "time", str_of(clock_format_s(clock_wall_ms(), now)));
    doc_pair_str(b, "cluster", cluster_id(o));
    put_analyzers(b, o);
    put_others(b, o);
    int rc = put_groups(b, o, err);
    doc_end_object(b);
    struct doc *report = rc ? NULL : doc_builder_finish(b, err);
    doc_builder_free(b);
    return report;
}

/* Of what a report costs most is its findings. */
enum { RENDER_FUEL = 20000000, RENDER_FUEL_GROUP = 200000 };

static int append_pieces(struct doc_value pieces, struct buf *out, struct err *err) {
    int rc = doc_type(pieces) == DOC_STRING ? ERR_POLICY : 0;
    for (size_t i = 0; !rc && i < doc_len(pieces); i++) {
        struct doc_value piece = doc_at(pieces, i);
        rc = doc_type(piece) == DOC_STRING ? buf_append(out, doc_str(piece).p, doc_str(piece).n, err) : ERR_POLICY;
    }
    return rc == ERR_POLICY ? err_set(err, ERR_POLICY, "render must return a list of strings") : rc;
}

int oneshot_render(struct oneshot *o, struct str name, const struct doc *report, struct buf *out, struct err *err) {
    const struct policy *p = bundle_find(o->options.bundle, POLICY_REPORT, name);
    if (!p) return err_set(err, ERR_NOT_FOUND, "there is no report policy " STR_FMT, STR_ARG(name));
    int64_t groups = (int64_t)doc_len(doc_path(doc_root(report), "groups"));
    struct reader reader = {.cluster = o->options.cluster, .owners = o->owners};
    struct script_call call = {
        .policy = p, .function = "render", .args = {{report, NULL}}, .arg_count = 1, .fuel = RENDER_FUEL + groups * RENDER_FUEL_GROUP};
    struct script_outcome outcome;
    policycalls_run(o->calls, &call, &reader, &outcome);
    int rc = outcome.result == SCRIPT_OK ? append_pieces(doc_at(doc_root(outcome.values), 0), out, err)
                                         : err_set(err, ERR_POLICY, "%s", outcome.err.msg);
    doc_unref(outcome.values);
    return rc ? err_prefix(err, "report %s", p->name) : 0;
}
