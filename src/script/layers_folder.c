#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "script/layers_internal.h"

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool strip(struct str *s, struct str suffix) {
    if (!str_ends(*s, suffix)) return false;
    s->n -= suffix.n;
    return true;
}

/* What a ConfigMap key stands for. False: nothing that is loaded (`why` NULL), or nothing that is known. */
static bool parse_key(struct str key, struct layer_file *file, struct str *name, const char **why) {
    struct str folder, rest;
    *why = "the key does not begin with steps., analyzers., filters., routes., sinks. or lib.; correct or remove it";
    if (!str_cut(key, '.', &folder, &rest)) return false;
    bool is_lib = str_is(folder, "lib");
    if (!is_lib && !policy_kind_of_folder(folder, &file->kind)) return false;
    *why = NULL;
    if (!is_lib && strip(&rest, STR(".test.yaml"))) return false;
    if (!is_lib && strip(&rest, STR(".params.yaml")))
        file->what = FILE_PARAMS;
    else if (strip(&rest, STR(".lua")))
        file->what = is_lib ? FILE_LIB : FILE_POLICY;
    else {
        *why = "the key does not end with .lua, .params.yaml or .test.yaml; correct or remove it";
        return false;
    }
    *name = rest;
    if (policy_name_valid(rest, is_lib ? "-_" : "-")) return true;
    *why = "a policy's name is made of letters, digits and -; rename it";
    return false;
}

static int read_key(struct reader *r, const char *dir, const char *key, struct err *err) {
    char path[PATH_MAX], source[PATH_MAX];
    struct layer_file file = {0};
    struct str name;
    const char *why;
    int rc = layer_join(path, dir, key, err);
    if (!rc) rc = layer_join(source, r->shown, key, err);
    if (rc) return rc;
    if (parse_key(str_of(key), &file, &name, &why)) return layer_add(r, path, source, file, name, err);
    bool loadable = str_ends(str_of(key), STR(".lua")) || str_ends(str_of(key), STR(".yaml"));
    return why && (r->mounted || loadable) ? layer_problem(r, source, why, err) : 0;
}

static int lib_entry(const char *dir, const char *entry, void *arg, struct err *err) {
    char path[PATH_MAX];
    struct str name = str_of(entry);
    if (!strip(&name, STR(".lua"))) return 0;
    int rc = layer_join(path, dir, entry, err);
    if (rc) return rc;
    if (!policy_name_valid(name, "-_"))
        return layer_problem(arg, path, "a library's name is made of letters, digits, - and _; rename it", err);
    return layer_add(arg, path, path, (struct layer_file){.what = FILE_LIB}, name, err);
}

struct kind_folder {
    struct reader *reader;
    enum policy_kind kind;
};

static int add_part(struct kind_folder *k, const char *dir, const char *entry, enum file_what what, struct str name, struct err *err) {
    char path[PATH_MAX];
    struct stat st;
    int rc = layer_join(path, dir, entry, err);
    if (rc || stat(path, &st) != 0) return rc;
    return layer_add(k->reader, path, path, (struct layer_file){.what = what, .kind = k->kind}, name, err);
}

static int policy_entry(const char *dir, const char *entry, void *arg, struct err *err) {
    struct kind_folder *k = arg;
    char path[PATH_MAX];
    int rc = layer_join(path, dir, entry, err);
    if (rc) return rc;
    if (!is_folder(path))
        return str_ends(str_of(entry), STR(".lua"))
                   ? layer_problem(k->reader, path, "a policy is a folder; move it to NAME/policy.lua", err)
                   : 0;
    struct str name = str_of(entry);
    if (!policy_name_valid(name, "-"))
        return layer_problem(k->reader, path, "a policy's name is made of letters, digits and -; rename it", err);
    rc = add_part(k, path, "policy.lua", FILE_POLICY, name, err);
    return rc ? rc : add_part(k, path, "params.yaml", FILE_PARAMS, name, err);
}

static int source_entry(const char *dir, const char *entry, void *arg, struct err *err) {
    struct reader *r = arg;
    struct kind_folder k = {.reader = r};
    char path[PATH_MAX];
    int rc = layer_join(path, dir, entry, err);
    if (rc) return rc;
    if (!is_folder(path)) return read_key(r, dir, entry, err);
    if (str_is(str_of(entry), "lib")) return layer_each(path, lib_entry, r, err);
    if (policy_kind_of_folder(str_of(entry), &k.kind)) return layer_each(path, policy_entry, &k, err);
    return layer_problem(r, path, "not a kind of policy: steps, analyzers, filters, routes, sinks, reports or lib; rename or remove it",
                         err);
}

static void forget_from(struct layer_files *files, size_t count) {
    while (files->count > count) {
        struct layer_file *f = &files->items[--files->count];
        free(f->name);
        free(f->text);
        free(f->source);
    }
}

/*
 * The kubelet swaps ..data to a new folder and removes the old one (Kubernetes docs: ConfigMaps, "Mounted ConfigMaps are updated
 * automatically"): when a file vanishes while we read, the new folder is read from its start.
 */
int layer_read_source(struct reader *r, const char *dir, struct err *err) {
    enum { TRIES = 3 };
    char link[PATH_MAX], real[PATH_MAX];
    size_t before = r->out->count;
    int rc = layer_join(link, dir, "..data", err);
    r->shown = dir;
    r->mounted = false;
    for (int i = 0; i < TRIES && !rc; i++) {
        if (!realpath(link, real)) break;
        r->mounted = true;
        rc = layer_each(real, source_entry, r, err);
        if (rc != ERR_NOT_FOUND || i == TRIES - 1) return rc;
        forget_from(r->out, before);
        rc = 0;
    }
    return rc ? rc : layer_each(dir, source_entry, r, err);
}
