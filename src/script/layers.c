#include "script/layers.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "script/layers_internal.h"

void layer_files_free(struct layer_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i].lent) continue;
        free(files->items[i].name);
        free(files->items[i].text);
        free(files->items[i].source);
    }
    free(files->items);
    *files = (struct layer_files){0};
}

bool policy_name_valid(struct str name, const char *more) {
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && !strchr(more, name.p[i])) return false;
    return name.n > 0 && name.n <= 100;
}

int layer_problem(struct reader *r, const char *source, const char *message, struct err *err) {
    char text[PATH_MAX + 200];
    if (r->layer == LAYER_BUILTIN) r->out->builtin_broken = true;
    snprintf(text, sizeof text, "%s: %s", source, message);
    return problem_add(r->problems, source, NULL, NULL, text, err);
}

static int push(struct layer_files *files, struct layer_file file, struct err *err) {
    if (files->count == files->cap) {
        size_t cap = files->cap ? files->cap * 2 : 64;
        struct layer_file *items = realloc(files->items, cap * sizeof *items);
        if (!items) return err_set(err, ERR_NOMEM, "no memory for the list of policies");
        files->items = items;
        files->cap = cap;
    }
    files->items[files->count++] = file;
    return 0;
}

/* An unreadable file is a problem of that file alone, but for one that vanished under a ConfigMap: then the mount was swapped. */
int layer_add(struct reader *r, const char *path, const char *source, struct layer_file file, struct str name, struct err *err) {
    struct buf text = buf_new(LAYERS_MAX_FILE_BYTES);
    struct err why = {0};
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) return layer_problem(r, source, "not a regular file; remove it", err);
    if (file_read(path, &text, &why)) {
        buf_free(&text);
        if (why.code == ERR_NOMEM || why.code == ERR_NOT_FOUND) return *err = why, (int)why.code;
        return layer_problem(r, source, why.msg, err);
    }
    file.layer = r->layer;
    file.order = r->order;
    file.name = str_dup(name);
    file.source = str_dup(str_of(source));
    file.len = text.len;
    file.text = text.data ? buf_take(&text, NULL) : str_dup(str_of(""));
    int rc = 0;
    if (!file.name || !file.source || !file.text) rc = err_set(err, ERR_NOMEM, "no memory for %s", source);
    if (!rc) rc = push(r->out, file, err);
    if (!rc) return 0;
    free(file.name);
    free(file.source);
    free(file.text);
    return rc;
}

int layer_each(const char *dir, layer_entry each, void *arg, struct err *err) {
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, NULL, alphasort);
    if (n < 0) return err_set(err, ERR_NOT_FOUND, "%s: cannot be read: %m", dir);
    int rc = 0;
    for (int i = 0; i < n; i++) {
        if (!rc && entries[i]->d_name[0] != '.') rc = each(dir, entries[i]->d_name, arg, err);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int layer_join(char *out, const char *dir, const char *name, struct err *err) {
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return n < PATH_MAX ? 0 : err_set(err, ERR_LIMIT, "%s: the path is too long", dir);
}

/* lua_dir/k8sgpt/NAME.lua; meta.lua is for editors. */
static int module_entry(const char *dir, const char *entry, void *arg, struct err *err) {
    char path[PATH_MAX];
    struct str name = str_of(entry);
    if (!str_ends(name, STR(".lua")) || str_is(name, "meta.lua")) return 0;
    name.n -= 4;
    int rc = layer_join(path, dir, entry, err);
    return rc ? rc : layer_add(arg, path, path, (struct layer_file){.what = FILE_MODULE}, name, err);
}

static int read_modules(struct reader *r, const char *lua_dir, struct err *err) {
    char dir[PATH_MAX];
    if (!lua_dir) return 0;
    int rc = layer_join(dir, lua_dir, "k8sgpt", err);
    return rc ? rc : layer_each(dir, module_entry, r, err);
}

static int compare_files(const void *a, const void *b) {
    const struct layer_file *x = a, *y = b;
    if (x->what != y->what) return x->what < y->what ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    int order = str_cmp(str_of(x->name), str_of(y->name));
    if (order) return order;
    if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* A folder above the built-in one that is not there is a problem like a broken file: a cold start goes on without it. */
static int read_source(struct reader *r, const char *dir, struct err *err) {
    struct err why = {0};
    int rc = layer_read_source(r, dir, &why);
    if (rc == ERR_NOT_FOUND && r->layer > LAYER_BUILTIN) return problem_add(r->problems, dir, NULL, NULL, why.msg, err);
    if (rc) *err = why;
    return rc;
}

static int read_sources(struct reader *r, const struct bundle_options *options, bool builtin, struct err *err) {
    int rc = 0;
    for (size_t i = 0; i < options->source_count && !rc; i++) {
        r->layer = options->sources[i].layer;
        r->order = i;
        if ((r->layer == LAYER_BUILTIN) == builtin) rc = read_source(r, options->sources[i].dir, err);
    }
    return rc;
}

int layers_read_builtin(const struct bundle_options *options, struct layer_files *out, struct bundle_problems *problems, struct err *err) {
    struct reader r = {.out = out, .problems = problems, .layer = LAYER_BUILTIN};
    int rc = read_modules(&r, options->lua_dir, err);
    return rc ? rc : read_sources(&r, options, true, err);
}

static int lend(const struct layer_files *from, struct layer_files *to, struct err *err) {
    int rc = 0;
    for (size_t i = 0; i < from->count && !rc; i++) {
        struct layer_file file = from->items[i];
        file.lent = true;
        rc = push(to, file, err);
    }
    to->builtin_broken = from->builtin_broken;
    return rc;
}

int layers_read(const struct bundle_options *options, const struct layer_files *builtin, struct layer_files *out,
                struct bundle_problems *problems, struct err *err) {
    struct reader r = {.out = out, .problems = problems};
    int rc = lend(builtin, out, err);
    if (!rc) rc = read_sources(&r, options, false, err);
    if (!rc && out->count) qsort(out->items, out->count, sizeof *out->items, compare_files);
    return rc;
}

const struct layer_file *layers_library(const struct layer_files *files, enum file_what what, struct str name, enum policy_layer layer) {
    const struct layer_file *best = NULL;
    for (size_t i = 0; i < files->count; i++) {
        const struct layer_file *f = &files->items[i];
        if (f->what == what && f->layer <= layer && str_is(name, f->name)) best = f;
    }
    return best;
}
