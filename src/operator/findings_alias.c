#include <stdlib.h>

#include "operator/findings_internal.h"

/* Which groups an object has beside the one of its own name, so that a verdict on it reaches them all. */

struct aliases {
    char *id; /* group id of the object itself */
    struct group *first;
    UT_hash_handle hh;
};

static struct aliases *aliases_new(struct findings *f, char *id) {
    struct aliases *a = id ? calloc(1, sizeof *a) : NULL;
    if (!a) goto nomem;
    a->id = id;
    HASH_ADD_KEYPTR(hh, f->aliases, a->id, strlen(a->id), a);
    if (a->hh.tbl) return a;
nomem:
    free(a);
    free(id);
    return NULL;
}

int alias_join(struct group *g, struct err *err) {
    struct findings *f = g->all;
    struct group_key object = {.analyzer = str_of(g->analyzer), .kind = str_of(g->kind), .ns = str_of(g->ns), .name = str_of(g->name)};
    char *id = group_id(&object);
    struct aliases *a = NULL;
    if (id) HASH_FIND_STR(f->aliases, id, a);
    if (a)
        free(id);
    else
        a = aliases_new(f, id);
    if (!a) return err_set(err, ERR_NOMEM, "no memory for a finding");
    g->aliases = a;
    g->next_alias = a->first;
    a->first = g;
    return 0;
}

void alias_leave(struct group *g) {
    struct aliases *a = g->aliases;
    if (!a) return;
    struct group **p = &a->first;
    while (*p != g) p = &(*p)->next_alias;
    *p = g->next_alias;
    g->aliases = NULL;
    if (a->first) return;
    HASH_DEL(g->all->aliases, a);
    free(a->id);
    free(a);
}

int alias_first(struct findings *f, const struct group_key *object, struct group **out, struct err *err) {
    struct aliases *a = NULL;
    *out = NULL;
    if (!f->aliases) return 0;
    char *id = group_id(object);
    if (!id) return err_set(err, ERR_NOMEM, "no memory for a finding");
    HASH_FIND_STR(f->aliases, id, a);
    free(id);
    if (a) *out = a->first;
    return 0;
}
