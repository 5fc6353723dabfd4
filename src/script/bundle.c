#include "script/bundle.h"

#include <stdlib.h>

#include "base/sha256.h"
#include "script/bundle_internal.h"

static void free_entries(struct bundle *b, bool with_own_vm) {
    for (size_t i = 0; i < b->entry_count; i++) {
        if (b->entries[i] && b->entries[i]->owns_vm == with_own_vm) {
            policy_entry_free(b->entries[i]);
            b->entries[i] = NULL;
        }
    }
}

static void bundle_free(struct bundle *b) {
    free_entries(b, true);
    free_entries(b, false);
    free(b->entries);
    free(b->names);
    layer_files_free(&b->files);
    builtins_unref(b->builtins);
    free(b);
}

struct bundle *bundle_ref(struct bundle *b) {
    b->refs++;
    return b;
}

void bundle_unref(struct bundle *b) {
    if (b && --b->refs == 0) bundle_free(b);
}

static const char *const whats[] = {[FILE_POLICY] = "policy", [FILE_PARAMS] = "params", [FILE_LIB] = "lib", [FILE_MODULE] = "module"};

static int hash_files(struct bundle *b, struct err *err) {
    enum { PARTS = 5 };
    struct str *parts = calloc(b->files.count * PARTS + 1, sizeof *parts);
    size_t n = 0;
    if (!parts) return err_set(err, ERR_NOMEM, "no memory to hash the policies");
    for (size_t i = 0; i < b->files.count; i++) {
        const struct layer_file *f = &b->files.items[i];
        if (f->broken) continue;
        bool has_kind = f->what == FILE_POLICY || f->what == FILE_PARAMS;
        parts[n++] = str_of(has_kind ? policy_kind_name(f->kind) : "");
        parts[n++] = str_of(f->name);
        parts[n++] = str_of(whats[f->what]);
        parts[n++] = (struct str){f->text, f->len};
        parts[n++] = str_of(policy_layer_name(f->layer));
    }
    int rc = sha256_parts(parts, n, b->hash, err);
    free(parts);
    return rc;
}

static int build(struct bundle *b, const struct bundle_options *options, struct bundle_problems *problems, struct err *err) {
    b->kinds = options->kinds;
    b->builtins = options->before ? builtins_ref(options->before->builtins) : builtins_read(options, problems, err);
    if (!b->builtins) return (int)err->code;
    int rc = layers_read(options, builtins_files(b->builtins), &b->files, problems, err);
    if (!rc) rc = bundle_resolve(b, problems, err);
    if (rc) return rc;
    bool refuse = problems->count > 0 && (!options->tolerate || b->files.builtin_broken);
    if (refuse && problems->count == 1) return err_set(err, ERR_POLICY, "%s", problems->items[0].message);
    if (refuse) return err_set(err, ERR_POLICY, "%s (and %zu more)", problems->items[0].message, problems->count - 1);
    return hash_files(b, err);
}

struct bundle *bundle_load(const struct bundle_options *options, struct bundle_problems *problems, struct err *err) {
    *problems = (struct bundle_problems){0};
    struct bundle *b = calloc(1, sizeof *b);
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for policies");
        return NULL;
    }
    b->refs = 1;
    if (build(b, options, problems, err) == 0) return b;
    bundle_free(b);
    return NULL;
}

const char *bundle_hash(const struct bundle *b) { return b->hash; }

/* The names are sorted by kind, order and name; those without an effective policy are skipped. */
const struct policy *bundle_at(const struct bundle *b, enum policy_kind kind, size_t i) {
    for (size_t k = 0; k < b->name_count; k++) {
        const struct policy_entry *e = b->names[k].effective;
        if (e && e->policy.kind == kind && i-- == 0) return &e->policy;
    }
    return NULL;
}

size_t bundle_count(const struct bundle *b, enum policy_kind kind) {
    size_t n = 0;
    for (size_t k = 0; k < b->name_count; k++) {
        const struct policy_entry *e = b->names[k].effective;
        n += e && e->policy.kind == kind;
    }
    return n;
}

const struct policy *bundle_find(const struct bundle *b, enum policy_kind kind, struct str name) {
    for (size_t k = 0; k < b->name_count; k++) {
        const struct policy_entry *e = b->names[k].effective;
        if (e && e->policy.kind == kind && str_is(name, e->policy.name)) return &e->policy;
    }
    return NULL;
}

void bundle_each_override(const struct bundle *b, void (*each)(const struct policy *p, bool disabled, void *arg), void *arg) {
    for (size_t k = 0; k < b->name_count; k++) {
        const struct resolved *name = &b->names[k];
        if (name->disabled_by) each(&name->disabled_by->policy, true, arg);
        const struct policy *p = name->effective ? &name->effective->policy : NULL;
        for (; p && p->layer > LAYER_BUILTIN; p = p->wraps ? p->lower : NULL) each(p, false, arg);
    }
}
