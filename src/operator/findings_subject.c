#include <stdlib.h>

#include "operator/findings_internal.h"

/* Which groups are about an object: those of all analyzers, and all that it is shown as. */

struct subject {
    char *id; /* "kind/namespace/name" */
    struct group *first;
    UT_hash_handle hh;
};

static char *subject_id(struct str kind, struct str ns, struct str name) {
    const struct str parts[] = {kind, STR("/"), ns, STR("/"), name};
    return str_join(parts, sizeof parts / sizeof *parts);
}

static struct subject *subject_new(struct findings *f, char *id) {
    struct subject *s = id ? calloc(1, sizeof *s) : NULL;
    if (!s) goto nomem;
    s->id = id;
    HASH_ADD_KEYPTR(hh, f->subjects, s->id, strlen(s->id), s);
    if (s->hh.tbl) return s;
nomem:
    free(s);
    free(id);
    return NULL;
}

int subject_join(struct group *g, struct err *err) {
    char *id = subject_id(str_of(g->kind), str_of(g->ns), str_of(g->name));
    struct subject *s = NULL;
    if (id) HASH_FIND_STR(g->all->subjects, id, s);
    if (s)
        free(id);
    else
        s = subject_new(g->all, id);
    if (!s) return err_set(err, ERR_NOMEM, "no memory for a finding");
    g->subject = s;
    g->next_of_subject = s->first;
    s->first = g;
    return 0;
}

void subject_leave(struct group *g) {
    struct subject *s = g->subject;
    if (!s) return;
    struct group **p = &s->first;
    while (*p != g) p = &(*p)->next_of_subject;
    *p = g->next_of_subject;
    g->subject = NULL;
    if (s->first) return;
    HASH_DEL(g->all->subjects, s);
    free(s->id);
    free(s);
}

int subject_first(const struct findings *f, struct str kind, struct str ns, struct str name, struct group **out, struct err *err) {
    char *id = subject_id(kind, ns, name);
    struct subject *s = NULL;
    *out = NULL;
    if (!id) return err_set(err, ERR_NOMEM, "no memory to look for findings");
    HASH_FIND_STR(f->subjects, id, s);
    free(id);
    if (s) *out = s->first;
    return 0;
}
