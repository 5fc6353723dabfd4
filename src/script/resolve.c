#include <stdlib.h>

#include "doc/yaml.h"
#include "script/bundle_internal.h"

/* The files of one kind and name, one a layer, and how far they were resolved. */
struct chain {
    struct bundle *b;
    struct bundle_problems *problems;
    size_t first_entry; /* those of this chain are b->entries[first_entry..] */
    struct resolved result;
};

/* Without memory nothing can be told of single files; all else is one file's problem. */
static int report(struct chain *c, struct layer_file *file, const struct err *why, struct err *err) {
    if (why->code == ERR_NOMEM && file->layer == LAYER_BUILTIN) return *err = *why, (int)why->code;
    file->broken = true;
    if (file->layer == LAYER_BUILTIN) c->b->files.builtin_broken = true;
    return problem_add(c->problems, file->source, policy_kind_folder(file->kind), file->name, why->msg, err);
}

static int keep_entry(struct bundle *b, struct policy_entry *e, struct err *err) {
    struct policy_entry **entries = realloc(b->entries, (b->entry_count + 1) * sizeof *entries);
    if (!entries) {
        policy_entry_free(e);
        return err_set(err, ERR_NOMEM, "no memory for the list of policies");
    }
    b->entries = entries;
    b->entries[b->entry_count++] = e;
    return 0;
}

/* A file above the built-in layer lives in a state of its own. */
static struct policy_entry *load_file(struct bundle *b, const struct layer_file *file, struct err *err) {
    if (file->layer == LAYER_BUILTIN) return builtins_policy(b->builtins, file, err);
    struct script_vm *vm = vm_new(VM_OVERRIDE_BYTES, file->layer, &b->files, err);
    struct policy_entry *e = vm ? policy_load(vm, file, err) : NULL;
    if (!e)
        vm_free(vm);
    else
        e->owns_vm = true;
    return e;
}

static int place(struct chain *c, struct policy_entry *e, struct err *why) {
    struct policy_entry *below = c->result.effective;
    const char *source = e->file->source;
    if (!below && (e->disables || e->policy.wraps))
        return err_set(why, ERR_POLICY, "%s: there is no %s/%s below to %s; correct the name or remove it", source,
                       policy_kind_folder(e->policy.kind), e->policy.name, e->disables ? "switch off" : "wrap");
    int rc = below ? policy_stand_on(e, &below->policy, why) : 0;
    if (rc) return rc;
    c->result.disabled_by = e->disables ? e : NULL;
    c->result.effective = e->disables ? NULL : e;
    return 0;
}

static int add_file(struct chain *c, struct layer_file *file, struct err *err) {
    struct err why = {0};
    struct policy_entry *e = load_file(c->b, file, &why);
    if (!e) return report(c, file, &why, err);
    int rc = keep_entry(c->b, e, err);
    if (rc) return rc;
    return place(c, e, &why) ? report(c, file, &why, err) : 0;
}

static bool knows_param(const struct chain *c, struct str key) {
    for (size_t i = c->first_entry; i < c->b->entry_count; i++) {
        struct doc_value declared = doc_get(doc_root(c->b->entries[i]->table), STR("params"));
        if (doc_type(doc_get(declared, key)) != DOC_ABSENT) return true;
    }
    return false;
}

static int check_params_file(const struct chain *c, const struct layer_file *file, const struct doc *doc, struct err *why) {
    struct doc_value root = doc_root(doc);
    if (c->first_entry == c->b->entry_count)
        return err_set(why, ERR_POLICY, "%s: there is no policy %s/%s; correct the name or remove it", file->source,
                       policy_kind_folder(file->kind), file->name);
    if (doc_type(root) != DOC_OBJECT) return err_set(why, ERR_POLICY, "%s: must hold names and values", file->source);
    if (file->layer == LAYER_OBJECT && file->kind != POLICY_FILTER && file->kind != POLICY_ROUTE)
        return err_set(why, ERR_POLICY, "%s: a K8sGPT object may bring filters and routes only", file->source);
    for (size_t i = 0; i < doc_len(root); i++) {
        struct str key;
        doc_pair(root, i, &key, NULL);
        if (!knows_param(c, key))
            return err_set(why, ERR_POLICY, "%s: %s/%s has no parameter " STR_FMT "; correct the name or remove it", file->source,
                           policy_kind_folder(file->kind), file->name, STR_ARG(key));
    }
    return 0;
}

/* Of the file's layer and those below. */
static int overlay_params(struct chain *c, const struct layer_file *file, const struct doc *doc, struct err *err) {
    for (size_t i = c->first_entry; i < c->b->entry_count; i++) {
        struct policy *p = &c->b->entries[i]->policy;
        if (p->layer > file->layer) continue;
        struct doc *merged = params_overlay(p->params, doc, err);
        if (!merged) return (int)err->code;
        doc_unref(p->params);
        p->params = merged;
    }
    return 0;
}

static int add_params(struct chain *c, struct layer_file *file, struct err *err) {
    struct err why = {0};
    struct doc *doc = yaml_decode((struct str){file->text, file->len}, &why);
    if (!doc) err_prefix(&why, "%s", file->source);
    int rc = doc ? check_params_file(c, file, doc, &why) : (int)why.code;
    rc = rc ? report(c, file, &why, err) : overlay_params(c, file, doc, err);
    doc_unref(doc);
    return rc;
}

static bool same_name(const struct layer_file *a, const struct layer_file *b) {
    return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

/* True when a later source of the same layer has this file too: that one counts. */
static bool is_hidden(const struct layer_files *files, size_t i) {
    if (i + 1 >= files->count) return false;
    const struct layer_file *f = &files->items[i], *after = f + 1;
    return f->what == after->what && same_name(f, after) && f->layer == after->layer;
}

static int add_policies(struct chain *c, const struct layer_file *like, struct err *err) {
    struct layer_files *files = &c->b->files;
    int rc = 0;
    for (size_t i = 0; i < files->count && !rc; i++) {
        struct layer_file *f = &files->items[i];
        if (f->what == FILE_POLICY && same_name(f, like) && !is_hidden(files, i)) rc = add_file(c, f, err);
    }
    for (size_t i = 0; i < files->count && !rc; i++) {
        struct layer_file *f = &files->items[i];
        if (f->what == FILE_PARAMS && same_name(f, like) && !is_hidden(files, i)) rc = add_params(c, f, err);
    }
    return rc;
}

/* The first of all files with this kind and name; parameters alone are a name too, to be told that they have no policy. */
static bool is_first(const struct layer_files *files, size_t i) {
    const struct layer_file *f = &files->items[i];
    if (f->what != FILE_POLICY && f->what != FILE_PARAMS) return false;
    for (size_t k = 0; k < i; k++)
        if (same_name(&files->items[k], f)) return false;
    return true;
}

static int compare_names(const void *a, const void *b) {
    const struct resolved *x = a, *y = b;
    const struct policy_entry *p = x->effective ? x->effective : x->disabled_by, *q = y->effective ? y->effective : y->disabled_by;
    if (!p || !q) return !p - !q;
    if (p->policy.kind != q->policy.kind) return p->policy.kind < q->policy.kind ? -1 : 1;
    if (p->policy.order != q->policy.order) return p->policy.order < q->policy.order ? -1 : 1;
    return str_cmp(str_of(p->policy.name), str_of(q->policy.name));
}

static bool is_wanted(const struct bundle *b, enum policy_kind kind) { return !b->kinds || (b->kinds & 1u << kind); }

int bundle_resolve(struct bundle *b, struct bundle_problems *problems, struct err *err) {
    b->names = calloc(b->files.count + 1, sizeof *b->names);
    if (!b->names) return err_set(err, ERR_NOMEM, "no memory for the list of policies");
    for (size_t i = 0; i < b->files.count; i++) {
        if (!is_first(&b->files, i) || !is_wanted(b, b->files.items[i].kind)) continue;
        struct chain c = {.b = b, .problems = problems, .first_entry = b->entry_count};
        int rc = add_policies(&c, &b->files.items[i], err);
        if (rc) return rc;
        b->names[b->name_count++] = c.result;
    }
    qsort(b->names, b->name_count, sizeof *b->names, compare_names);
    return 0;
}
