#include <stdlib.h>

#include "operator/census.h"
#include "operator/requests_internal.h"

/* Waits until all kinds are counted. */
struct counting {
    struct wait wait; /* first: drop() casts */
    struct census *census;
};

static void counting_drop(struct wait *w) {
    struct counting *c = (struct counting *)w;
    census_leave(c->census);
    free(c);
}

static void counted(void *arg) {
    struct counting *c = arg;
    struct run *r = c->wait.run;
    struct err err;
    struct doc_builder *b = doc_builder_new();
    if (b) census_put(c->census, b);
    struct doc *counts = b ? doc_builder_finish(b, &err) : NULL;
    if (!b) err_set(&err, ERR_NOMEM, "no memory for what was counted");
    doc_builder_free(b);
    free(c);
    run_answer(r, counts, counts ? NULL : &err);
    doc_unref(counts);
}

void request_count(struct run *r, struct doc_value args) {
    struct tenant *t = run_tenant(r);
    struct err err;
    if (!t->census) t->census = census_new();
    struct counting *c = t->census ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        run_answer(r, NULL, &(struct err){.code = ERR_NOMEM, .msg = "no memory to count objects"});
        return;
    }
    *c = (struct counting){.wait.drop = counting_drop, .census = t->census};
    run_wait(r, &c->wait);
    const struct cluster *cluster = t->op->cluster;
    if (!census_take(t->census, cluster_client(cluster), cluster_discovery(cluster), doc_at(args, 0), doc_str(doc_at(args, 1)), counted, c,
                     &err))
        return;
    free(c);
    run_answer(r, NULL, &err);
}
