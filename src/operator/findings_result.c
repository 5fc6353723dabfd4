#include <stdlib.h>

#include "operator/findings_internal.h"

/* Which group a Result belongs to, by its name: each of our own writes comes back by the watch and asks. */

struct group *findings_by_result(struct findings *f, struct str result_name) {
    struct group *g = NULL;
    HASH_FIND(by_result, f->results, result_name.p, result_name.n, g);
    return g;
}

void group_forget_result_name(struct group *g) {
    if (!g->result_name) return;
    HASH_DELETE(by_result, g->all->results, g);
    free(g->result_name);
    g->result_name = NULL;
}

int group_note_result_name(struct group *g, struct str name, struct err *err) {
    char *copy = str_dup(name);
    group_forget_result_name(g);
    g->result_name = copy;
    if (copy) {
        g->by_result.tbl = NULL;
        HASH_ADD_KEYPTR(by_result, g->all->results, g->result_name, name.n, g);
        if (g->by_result.tbl) return 0;
    }
    free(g->result_name);
    g->result_name = NULL;
    return err_set(err, ERR_NOMEM, "no memory for the name of a Result");
}
