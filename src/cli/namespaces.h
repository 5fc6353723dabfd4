/*
 * namespaces: those that a flag names, one or several by comma, each once however often it is named. Used by run and rbac.
 */
#ifndef CLI_NAMESPACES_H
#define CLI_NAMESPACES_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum { MAX_NAMESPACES = 100 }; /* each costs a watch for every kind */

struct namespaces {
    char *names[MAX_NAMESPACES];
    size_t count;
};

/* ERR_INVALID for what cannot be the name of a namespace, and for too many. */
int namespaces_add(struct namespaces *n, const char *list, struct err *err) ERR_MUST_CHECK;
void namespaces_free(struct namespaces *n);

bool namespaces_is_name(struct str name); /* true for what can be the name of a namespace */

#endif
