#include "cli/namespaces.h"

#include <stdlib.h>

enum { MAX_NAME_BYTES = 63 };

static bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/* RFC 1123 label (Kubernetes docs: "Object Names and IDs"). */
bool namespaces_is_name(struct str name) {
    if (!name.n || name.n > MAX_NAME_BYTES) return false;
    for (size_t i = 0; i < name.n; i++) {
        if (!is_alphanumeric(name.p[i]) && name.p[i] != '-') return false;
    }
    return is_alphanumeric(name.p[0]) && is_alphanumeric(name.p[name.n - 1]);
}

static bool has(const struct namespaces *n, struct str name) {
    for (size_t i = 0; i < n->count; i++) {
        if (str_is(name, n->names[i])) return true;
    }
    return false;
}

static int add_one(struct namespaces *n, struct str name, struct err *err) {
    if (!namespaces_is_name(name)) return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no name of a namespace", STR_ARG(name));
    if (has(n, name)) return 0;
    if (n->count == MAX_NAMESPACES) return err_set(err, ERR_INVALID, "more than %d namespaces: watch all of them", MAX_NAMESPACES);
    n->names[n->count] = str_dup(name);
    if (!n->names[n->count]) return err_set(err, ERR_NOMEM, "no memory for the names of namespaces");
    n->count++;
    return 0;
}

int namespaces_add(struct namespaces *n, const char *list, struct err *err) {
    struct str rest = str_of(list), name;
    bool more = true;
    int rc = 0;
    while (more && !rc) {
        more = str_cut(rest, ',', &name, &rest);
        rc = add_one(n, name, err);
    }
    return rc;
}

void namespaces_free(struct namespaces *n) {
    while (n->count) free(n->names[--n->count]);
}
