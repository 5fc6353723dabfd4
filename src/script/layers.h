/*
 * layers: the files of all layers, read from their folders.
 *
 * A folder is a tree (analyzers/Pod/policy.lua, lib/names.lua) or a mounted ConfigMap (analyzers.Pod.lua, lib.names.lua), which is
 * read through its ..data link, resolved once, so that a half-made swap is never seen. Nothing else touches the disk: what
 * policies require later is among these files. Used by bundle and require.
 */
#ifndef SCRIPT_LAYERS_H
#define SCRIPT_LAYERS_H

#include "base/str.h"
#include "script/bundle.h"

enum { LAYERS_MAX_FILE_BYTES = 1024 * 1024 };

enum file_what { FILE_POLICY, FILE_PARAMS, FILE_LIB, FILE_MODULE }; /* a module is a "k8sgpt.NAME" of lua_dir */

struct layer_file {
    enum file_what what;
    enum policy_kind kind; /* of a policy or its params */
    char *name;            /* "Pod", "names" */
    char *text;
    size_t len;
    enum policy_layer layer;
    size_t order; /* of its folder among the sources; the later wins within a layer */
    char *source; /* where it lies, for people */
    bool broken;  /* not in use: it has a problem */
    bool lent;    /* name, text and source are another list's */
};

struct layer_files {
    struct layer_file *items; /* sorted by kind of file, kind, name, layer, order */
    size_t count, cap;
    bool builtin_broken; /* a problem was met in the built-in layer */
};

/*
 * Reads the folders of the built-in layer and the modules, and those of the layers above. What is wrong with single files goes to
 * *problems; an error return is for what stops everything. The second list has the files of the first too, which it borrows.
 */
int layers_read_builtin(const struct bundle_options *options, struct layer_files *out, struct bundle_problems *problems,
                        struct err *err) ERR_MUST_CHECK;
int layers_read(const struct bundle_options *options, const struct layer_files *builtin, struct layer_files *out,
                struct bundle_problems *problems, struct err *err) ERR_MUST_CHECK;
void layer_files_free(struct layer_files *files);

/* The library (or module) of this name that a state of `layer` gets: of the highest layer up to its own; NULL: none. */
const struct layer_file *layers_library(const struct layer_files *files, enum file_what what, struct str name, enum policy_layer layer);

/* Lists a problem; `kind_name` may be NULL. */
int problem_add(struct bundle_problems *problems, const char *source, const char *folder, const char *name, const char *message,
                struct err *err) ERR_MUST_CHECK;

/* Letters, digits and -; `more` names further characters that are allowed. */
bool policy_name_valid(struct str name, const char *more);

#endif
