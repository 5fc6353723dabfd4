#include "script/builtins.h"

#include <stdlib.h>

struct builtins {
    size_t refs;
    struct layer_files files;
    struct script_vm *vm;
    struct policy_entry **entries; /* room for one a file */
    size_t count;
};

static int open_state(struct builtins *b, const struct bundle_options *options, struct bundle_problems *problems, struct err *err) {
    int rc = layers_read_builtin(options, &b->files, problems, err);
    if (rc) return rc;
    b->entries = calloc(b->files.count + 1, sizeof(struct policy_entry *));
    if (!b->entries) return err_set(err, ERR_NOMEM, "no memory for the list of policies");
    b->vm = vm_new(VM_BUILTIN_BYTES, LAYER_BUILTIN, &b->files, err);
    if (b->vm && options->brief) vm_collect_rarely(b->vm);
    return b->vm ? 0 : (int)err->code;
}

struct builtins *builtins_read(const struct bundle_options *options, struct bundle_problems *problems, struct err *err) {
    struct builtins *b = calloc(1, sizeof *b);
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for policies");
        return NULL;
    }
    b->refs = 1;
    if (open_state(b, options, problems, err) == 0) return b;
    builtins_unref(b);
    return NULL;
}

struct builtins *builtins_ref(struct builtins *b) {
    b->refs++;
    return b;
}

void builtins_unref(struct builtins *b) {
    if (!b || --b->refs > 0) return;
    for (size_t i = 0; i < b->count; i++) policy_entry_free(b->entries[i]);
    free(b->entries);
    vm_free(b->vm);
    layer_files_free(&b->files);
    free(b);
}

const struct layer_files *builtins_files(const struct builtins *b) { return &b->files; }

/* A copy of the entry in a bundle's list shares the text. */
static const struct layer_file *own_file(const struct builtins *b, const struct layer_file *file) {
    const struct layer_file *own = b->files.items;
    while (own->text != file->text) own++;
    return own;
}

struct policy_entry *builtins_policy(struct builtins *b, const struct layer_file *file, struct err *err) {
    const struct layer_file *own = own_file(b, file);
    for (size_t i = 0; i < b->count; i++)
        if (b->entries[i]->file == own) return policy_lend(b->entries[i], err);
    struct policy_entry *e = policy_load(b->vm, own, err);
    if (!e) return NULL;
    b->entries[b->count++] = e;
    return policy_lend(e, err);
}
