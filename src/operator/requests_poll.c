#include "operator/poll.h"
#include "operator/reported.h"
#include "operator/requests_internal.h"
#include "operator/scrape.h"

/* What a step makes of one item, with all that follows: a Lua table, identities of its failures, an object for ctx.report. */
enum { FUEL_ITEM = 20000, FUEL_BYTE = 16 };

static void answer_polls(struct run *r) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    if (b) polls_put(run_tenant(r)->polls, b);
    struct doc *doc = b ? doc_builder_finish(b, &err) : NULL;
    if (!b) err_set(&err, ERR_NOMEM, "no memory for an answer");
    doc_builder_free(b);
    run_answer(r, doc, doc ? NULL : &err);
    doc_unref(doc);
}

void request_poll(struct run *r, struct doc_value args) {
    struct err err;
    if (polls_set(run_tenant(r)->polls, doc_at(args, 0), &err))
        run_answer(r, NULL, &err);
    else
        answer_polls(r);
}

void request_scrape(struct run *r, struct doc_value args) {
    struct err err;
    if (scrapes_set(run_tenant(r)->scrapes, doc_at(args, 0), &err))
        run_answer(r, NULL, &err);
    else
        request_answer_true(r);
}

void request_answer(struct run *r, struct doc_value args) {
    struct tenant *t = run_tenant(r);
    struct doc *doc = NULL;
    struct err err;
    size_t items = 0;
    bool first = false;
    int rc = polls_take(t->polls, doc_str(doc_at(args, 0)), &doc, &items, &first, &err);
    if (first) reported_begin(t);
    run_grant(r, (int64_t)items * FUEL_ITEM + (doc ? (int64_t)doc_size_bytes(doc) * FUEL_BYTE : 0));
    run_answer(r, doc, rc ? &err : NULL);
    doc_unref(doc);
}

void request_report(struct run *r, struct doc_value args) {
    struct err err;
    if (reported_take(run_tenant(r), doc_at(args, 0), &err))
        run_answer(r, NULL, &err);
    else
        request_answer_true(r);
}

void request_reported(struct run *r, struct doc_value args) {
    reported_end(run_tenant(r), doc_at(args, 0));
    request_answer_true(r);
}
