/*
 * paths: where the files that belong to this executable are: the built-in policies and the Lua modules that they require.
 *
 * Installed they are in EXE/../share/k8sgpt-operator/; run from a build tree, in the checkout above it.
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include "base/err.h"

struct paths {
    char *policies; /* "…/policies" */
    char *lua;      /* "…/lua" */
};

/* `builtin` NULL: find them; else the folder of built-in policies as given. ERR_NOT_FOUND says where it looked. */
int paths_find(const char *builtin, struct paths *out, struct err *err) ERR_MUST_CHECK;
void paths_free(struct paths *p);

#endif
