#include "operator/correlate.h"

#include "base/clock.h"

enum { PATIENCE_MS = 30 * 1000 }; /* as long as a request may take; a fault is not kept secret for longer */

/* One finding that is asked about. */
struct question {
    const struct correlator *c;
    struct group *group;
    struct finding *finding;
    const struct doc *document; /* what policies see of it */
    bool unknown;               /* out: something that has to be read first is on its way */
};

static uint64_t mark_of(const struct policy *p) { return str_hash(str_of(p->name), 0); }

/* What it returned, as a place; an error of the policy where that is no finding that is open. */
static void understand(const struct question *q, struct script_outcome *out, struct finding_place *from) {
    struct doc_value value = doc_at(doc_root(out->values), 0);
    struct err err;
    *from = (struct finding_place){0};
    if (out->result != SCRIPT_OK || doc_type(value) <= DOC_NULL) return;
    int rc = findings_open_find(q->group->all, value, from, &err);
    if (!rc && !from->finding) rc = err_set(&err, ERR_POLICY, "cause must return a finding that ctx.findings_of gave, or nil");
    if (!rc) return;
    out->result = rc == ERR_NOMEM ? SCRIPT_MEMORY : SCRIPT_ERROR;
    out->err = err;
}

static void look_again_at(struct group *g, int64_t wall_ms) {
    if (!g->decide_again_ms || wall_ms < g->decide_again_ms) g->decide_again_ms = wall_ms;
}

/* False: it failed, or is tripped. */
static bool ask(struct question *q, const struct policy *p, struct finding_place *from) {
    if (p->layer != LAYER_BUILTIN && policycalls_tripped(q->c->calls, p)) return false;
    struct reader reader = {.cluster = q->c->cluster,
                            .owners = q->c->owners,
                            .findings = q->group->all,
                            .reads = q->c->reads,
                            .evaluation = &q->group->caused_by};
    struct script_call call = {.policy = p, .function = "cause", .args = {{q->document, NULL}}, .arg_count = 1};
    struct script_outcome out;
    policycalls_prepare(q->c->calls, &call, &reader);
    script_run(&call, &out);
    understand(q, &out, from);
    policycalls_finished(q->c->calls, p, &out);
    doc_unref(out.values);
    if (reader.again_at_ms) look_again_at(q->group, reader.again_at_ms);
    q->unknown = out.result == SCRIPT_NOT_READY && !q->finding->decided;
    return out.result == SCRIPT_OK;
}

static struct finding_place ask_layers(struct question *q, const struct policy *policy) {
    struct finding_place from = {0};
    for (const struct policy *p = script_holder(policy, "cause"); p; p = script_holder(p->lower, "cause")) {
        if (ask(q, p, &from) || q->unknown) return from;
        if (q->finding->decided) return finding_followed(q->finding, mark_of(policy));
    }
    return (struct finding_place){0};
}

/* False while it has to wait: at the end of its patience it follows from nothing, until something is known. */
static bool is_decided(const struct question *q) {
    int64_t now_ms = clock_wall_ms(), since_ms = q->finding->awaited_ms ? q->finding->awaited_ms : now_ms;
    bool waits = q->unknown && now_ms < since_ms + PATIENCE_MS;
    if (waits) look_again_at(q->group, since_ms + PATIENCE_MS);
    if (!waits) q->finding->decided = true;
    finding_await(q->group, q->finding, waits ? since_ms : 0);
    return !waits;
}

static int decide(struct question *q, const struct bundle *bundle, struct err *err) {
    struct finding_place from = {0};
    uint64_t by = 0;
    for (size_t i = 0; !from.finding && !q->unknown && i < bundle_count(bundle, POLICY_CORRELATE); i++) {
        const struct policy *p = bundle_at(bundle, POLICY_CORRELATE, i);
        from = ask_layers(q, p);
        by = mark_of(p);
    }
    return is_decided(q) ? finding_follow(q->group, q->finding, from, by, err) : 0;
}

static int correlate(const struct correlator *c, const struct bundle *bundle, struct group *g, struct finding *f, struct err *err) {
    struct doc *document = finding_document(g, f, NULL, NULL, err);
    int rc = document ? decide(&(struct question){c, g, f, document, false}, bundle, err) : (int)err->code;
    doc_unref(document);
    return rc;
}

int correlate_group(const struct correlator *c, const struct bundle *bundle, struct group *g, struct err *err) {
    int rc = 0;
    reads_begin(c->reads, &g->caused_by);
    for (size_t i = 0; !rc && i < g->count; i++)
        if (finding_is_shown(&g->findings[i])) rc = correlate(c, bundle, g, &g->findings[i], err);
    reads_end(c->reads, &g->caused_by);
    return rc;
}
