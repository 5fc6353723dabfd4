#include "operator/filters.h"

#include <stdlib.h>

#include "base/log.h"

/* ---- findings ----------------------------------------------------------------------------------------------------------------- */

static uint64_t filter_mark(const struct policy *filter) { return str_hash(str_of(filter->name), 0); }

/* False: it failed, or is tripped. */
static bool ask(const struct filters *f, const struct policy *filter, const struct doc *cr, struct group *g, const struct doc *finding,
                bool *keeps) {
    if (filter->layer != LAYER_BUILTIN && policycalls_tripped(f->calls, filter)) return false;
    struct reader reader = {.cluster = f->cluster, .owners = f->owners, .reads = f->reads, .evaluation = &g->kept_by};
    struct script_call call = {.policy = filter, .function = "keep", .args = {{finding, NULL}, {cr, NULL}}, .arg_count = 2};
    struct script_outcome out;
    policycalls_run(f->calls, &call, &reader, &out);
    *keeps = doc_bool(doc_at(doc_root(out.values), 0));
    doc_unref(out.values);
    return out.result == SCRIPT_OK;
}

/* A filter that fails keeps its last decision. Where it has made none the layer below decides, and at last it is kept: it hides no fault.
 */
static bool filter_keeps(const struct filters *f, const struct policy *filter, const struct doc *cr, struct group *g,
                         const struct finding *finding, const struct doc *document) {
    bool keeps = true;
    for (const struct policy *p = script_holder(filter, "keep"); p; p = script_holder(p->lower, "keep")) {
        if (ask(f, p, cr, g, document, &keeps)) return keeps;
        if (finding->filtered) return !finding->hidden || finding->hidden_by != filter_mark(filter);
    }
    return true;
}

/* The object that the finding is about, for its labels and annotations; when these change the filters look again. */
static const struct doc *subject_of(const struct filters *f, struct group *g) {
    const struct gvk *gvk = gvk_of(str_of(g->api_version), str_of(g->kind));
    const struct store *store = gvk ? cluster_store(f->cluster, gvk) : NULL;
    struct err err;
    if (!store) return NULL;
    if (f->reads && reads_object(f->reads, &g->kept_by, gvk, str_of(g->ns), str_of(g->name), &err)) log_error("operator", err.msg);
    return store_get(store, str_of(g->ns), str_of(g->name));
}

bool filters_keep(const struct filters *f, struct doc *cr, struct group *g, struct finding *finding) {
    struct err err;
    bool keeps = true;
    struct doc *document = finding_document(g, finding, NULL, subject_of(f, g), &err);
    for (size_t i = 0; document && keeps && i < bundle_count(f->bundle, POLICY_FILTER); i++) {
        const struct policy *p = bundle_at(f->bundle, POLICY_FILTER, i);
        keeps = filter_keeps(f, p, cr, g, finding, document);
        if (!keeps) finding->hidden_by = filter_mark(p);
    }
    doc_unref(document);
    return keeps;
}

/* ---- names -------------------------------------------------------------------------------------------------------------------- */

static void free_names(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) free(names[i]);
    free(names);
}

void choice_free(struct choice *c) {
    free_names(c->names, c->count);
    free_names(c->unknown, c->unknown_count);
    *c = (struct choice){0};
}

bool choice_holds(char *const *names, size_t count, struct str name) {
    for (size_t i = 0; i < count; i++)
        if (str_is(name, names[i])) return true;
    return false;
}

/* False without memory. */
static bool add_name(char ***names, size_t *count, struct str name) {
    if (choice_holds(*names, *count, name)) return true;
    char **grown = reallocarray(*names, *count + 1, sizeof *grown);
    if (!grown) return false;
    *names = grown;
    char *copy = str_dup(name);
    if (copy) grown[(*count)++] = copy;
    return copy != NULL;
}

/* Keeps of *names what `selected` lists too. */
static void narrow(char **names, size_t *count, struct doc_value selected) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        bool listed = false;
        for (size_t k = 0; k < doc_len(selected); k++) listed |= str_is(doc_str(doc_at(selected, k)), names[i]);
        if (listed)
            names[kept++] = names[i];
        else
            free(names[i]);
    }
    *count = kept;
}

/* ---- choice of analyzers ------------------------------------------------------------------------------------------------------ */

struct choosing {
    const struct filters *filters;
    struct choice choice;
    bool made, lacks; /* lacks: memory ran out for a name */
};

/* What the filter selects, or where it fails, the layer below. False when all of them fail. */
static bool select_by(const struct filters *f, const struct policy *filter, const struct doc *cr, struct doc **values, struct err *err) {
    struct reader reader = {.cluster = f->cluster, .owners = f->owners};
    struct script_call call = {.policy = filter, .function = "select", .args = {{cr, NULL}}, .arg_count = 1};
    struct script_outcome out;
    policycalls_run(f->calls, &call, &reader, &out);
    *values = out.values;
    if (out.result == SCRIPT_OK) return true;
    *err = out.err;
    filter = script_holder(filter->lower, "select");
    return filter && select_by(f, filter, cr, values, err);
}

struct switched {
    struct str name;
    bool off;
};

static void look_whether_off(const struct policy *p, bool disabled, void *arg) {
    struct switched *s = arg;
    if (disabled && p->kind == POLICY_ANALYZER && str_is(s->name, p->name)) s->off = true;
}

/* Who switches an analyzer off in a policy folder knows its name; nobody has to correct spec.filters. */
static bool is_switched_off(const struct bundle *bundle, struct str analyzer) {
    struct switched s = {.name = analyzer};
    bundle_each_override(bundle, look_whether_off, &s);
    return s.off;
}

static void take_selection(struct choosing *c, struct doc_value selected) {
    const struct bundle *bundle = c->filters->bundle;
    struct choice *out = &c->choice;
    for (size_t i = 0; i < doc_len(selected); i++) {
        struct str name = doc_str(doc_at(selected, i));
        bool known = bundle_find(bundle, POLICY_ANALYZER, name) != NULL;
        if (!known && !is_switched_off(bundle, name))
            c->lacks |= !add_name(&out->unknown, &out->unknown_count, name);
        else if (known && !c->made)
            c->lacks |= !add_name(&out->names, &out->count, name);
    }
    if (c->made) narrow(out->names, &out->count, selected);
    c->made = true;
}

/* Where no filter has a say, every analyzer runs: a filter that lost its select hides no fault. */
static void take_all(struct choosing *c) {
    for (size_t i = 0; i < bundle_count(c->filters->bundle, POLICY_ANALYZER); i++)
        c->lacks |= !add_name(&c->choice.names, &c->choice.count, str_of(bundle_at(c->filters->bundle, POLICY_ANALYZER, i)->name));
}

static int choose(struct choosing *c, const struct doc *cr, struct err *err) {
    const struct filters *f = c->filters;
    for (size_t i = 0; i < bundle_count(f->bundle, POLICY_FILTER); i++) {
        const struct policy *p = policycalls_effective(f->calls, bundle_at(f->bundle, POLICY_FILTER, i));
        struct doc *values = NULL;
        if (!(p = script_holder(p, "select"))) continue;
        if (!select_by(f, p, cr, &values, err)) return err->code = ERR_POLICY; /* whatever it met: forbidden, out of memory of its own */
        take_selection(c, doc_at(doc_root(values), 0));
        doc_unref(values);
    }
    if (!c->made) take_all(c);
    return c->lacks ? err_set(err, ERR_NOMEM, "no memory for the names of analyzers") : 0;
}

int filters_choose(const struct filters *f, struct doc *cr, struct choice *out, struct err *err) {
    struct choosing c = {.filters = f};
    int rc = choose(&c, cr, err);
    *out = c.choice;
    return rc;
}
