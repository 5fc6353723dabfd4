#include <stdlib.h>

#include "doc/copy.h"
#include "operator/managed.h"
#include "operator/rendering.h"
#include "operator/requests_internal.h"

void request_render(struct run *r, struct doc_value args) {
    const struct tenant *t = run_tenant(r);
    struct rendering rendering = {t->op->bundle, t->op->cluster, t->op->calls, t->op->filter_owners};
    struct err err;
    struct doc *size = doc_type(doc_at(args, 0)) == DOC_OBJECT ? doc_copy(doc_at(args, 0), &err) : NULL;
    bool failed = doc_type(doc_at(args, 0)) == DOC_OBJECT && !size;
    struct doc *objects = failed ? NULL : rendering_objects(&rendering, t->cr, size, &err);
    run_answer(r, objects, objects ? NULL : &err);
    doc_unref(objects);
    doc_unref(size);
}

/* Waits until the caches of what is managed are filled. */
struct opening {
    struct wait wait; /* first: drop() casts */
    struct managed_waiter waiter;
    struct managed *managed;
};

static void answer_managed(struct run *r) {
    const struct tenant *t = run_tenant(r);
    struct err err;
    struct doc *objects = managed_objects(t->op->managed, t, &err);
    run_answer(r, objects, objects ? NULL : &err);
    doc_unref(objects);
}

static void opening_drop(struct wait *w) {
    struct opening *o = (struct opening *)w;
    managed_leave(o->managed, &o->waiter);
    free(o);
}

static void opened(void *arg) {
    struct opening *o = arg;
    struct run *r = o->wait.run;
    free(o);
    answer_managed(r);
}

void request_managed(struct run *r, struct doc_value args) {
    const struct tenant *t = run_tenant(r);
    struct err err;
    (void)args;
    if (managed_open(t->op->managed, t->op->bundle, &err)) {
        answer_managed(r);
        return;
    }
    struct opening *o = err.code ? NULL : calloc(1, sizeof *o);
    if (!o) {
        if (!err.code) err_set(&err, ERR_NOMEM, "no memory to wait for what is managed");
        run_answer(r, NULL, &err);
        return;
    }
    *o = (struct opening){.wait.drop = opening_drop, .waiter = {.ready = opened, .arg = o}, .managed = t->op->managed};
    run_wait(r, &o->wait);
    managed_wait(t->op->managed, &o->waiter);
}
