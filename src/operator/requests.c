#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/builder.h"
#include "operator/poll.h"
#include "operator/publish.h"
#include "operator/requests_internal.h"

enum {
    MAX_GROUPS = 64,           /* of one ctx.findings */
    FUEL_GROUP = 20000,        /* for what a step makes of one: however many there are, each is paid for */
    CHOOSE_TIMEOUT_MS = 10000, /* then the steps go on and say what is still syncing */
};

void request_answer_true(struct run *r) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    if (b) doc_put_bool(b, true);
    struct doc *yes = b ? doc_builder_finish(b, &err) : NULL;
    doc_builder_free(b);
    if (yes)
        run_answer(r, yes, NULL);
    else
        run_answer(r, NULL, &(struct err){.code = ERR_NOMEM, .msg = "no memory"});
    doc_unref(yes);
}

static void answer_built(struct run *r, struct doc_builder *b) {
    struct err err;
    struct doc *doc = doc_builder_finish(b, &err);
    doc_builder_free(b);
    run_answer(r, doc, doc ? NULL : &err);
    doc_unref(doc);
}

static struct doc_builder *builder_or_fail(struct run *r) {
    struct doc_builder *b = doc_builder_new();
    if (!b) run_answer(r, NULL, &(struct err){.code = ERR_NOMEM, .msg = "no memory"});
    return b;
}

/* ---- choose, diagnosis ---------------------------------------------------------------------------------------------------------- */

static void put_names(struct doc_builder *b, const char *name, char *const *names, size_t count) {
    doc_key(b, str_of(name));
    doc_begin_array(b);
    for (size_t i = 0; i < count; i++) doc_put_str(b, str_of(names[i]));
    doc_end_array(b);
}

static void answer_choice(struct run *r) {
    const struct tenant *t = run_tenant(r);
    struct doc_builder *b = builder_or_fail(r);
    if (!b) return;
    doc_begin_object(b);
    put_names(b, "analyzers", t->choice.names, t->choice.count);
    put_names(b, "unknown", t->choice.unknown, t->choice.unknown_count);
    doc_end_object(b);
    answer_built(r, b);
}

/* Waits until the analyzers have looked at everything once, or for so long. */
struct settling {
    struct wait wait; /* first: drop() casts */
    struct timer *timer;
    int64_t until_us;
};

enum { SETTLE_POLL_MS = 1 };

static void settling_free(struct wait *w) {
    struct settling *s = (struct settling *)w;
    timer_free(s->timer);
    free(s);
}

static void settling_check(void *arg) {
    struct settling *s = arg;
    struct run *r = s->wait.run;
    if (!tenant_settled(run_tenant(r)) && clock_mono_us() < s->until_us) {
        timer_start(s->timer, SETTLE_POLL_MS);
        return;
    }
    settling_free(&s->wait);
    answer_choice(r);
}

static void on_choose(struct run *r, struct doc_value args) {
    struct tenant *t = run_tenant(r);
    bool changed;
    struct err err;
    bool nothing = doc_bool(doc_path(doc_at(args, 0), "nothing"));
    tenant_set_interval(t, doc_int(doc_path(doc_at(args, 0), "interval")));
    if (nothing) tenant_choose_nothing(t, &changed);
    if (!nothing && tenant_choose(t, &changed, &err)) {
        run_answer(r, NULL, &err);
        return;
    }
    if (changed) operator_replan(t->op);
    struct settling *s = tenant_settled(t) ? NULL : calloc(1, sizeof *s);
    if (s) s->timer = timer_new(t->op->options.loop, settling_check, s);
    if (!s || !s->timer) {
        free(s);
        answer_choice(r);
        return;
    }
    s->wait.drop = settling_free;
    s->until_us = clock_mono_us() + CHOOSE_TIMEOUT_MS * 1000LL;
    run_wait(r, &s->wait);
    timer_start(s->timer, SETTLE_POLL_MS);
}

static void put_analyzer(struct doc_builder *b, const struct k8s_operator *op, const char *name) {
    const char *reason = "", *failure = "", *withheld;
    enum analyzer_state state = diagnosis_analyzer(op->diagnosis, str_of(name), &reason);
    size_t failing = diagnosis_failing(op->diagnosis, str_of(name), &failure);
    (void)diagnosis_withheld(op->diagnosis, str_of(name), &withheld);
    doc_begin_object(b);
    doc_pair_str(b, "name", str_of(name));
    doc_pair_str(b, "state", failing ? STR("failing") : state == ANALYZER_ACTIVE ? STR("active") : STR("inactive"));
    doc_pair_str(b, "reason", str_of(failing ? failure : state == ANALYZER_ACTIVE ? "" : reason));
    doc_pair_str(b, "denied", str_of(state == ANALYZER_ACTIVE ? reason : ""));
    doc_pair_str(b, "withheld", str_of(withheld));
    doc_end_object(b);
}

static void put_waiting(struct doc_builder *b, const struct tenant *t) {
    doc_key(b, STR("waiting"));
    doc_begin_array(b);
    for (size_t i = 0; i < t->choice.count; i++) {
        const char *reason = "";
        if (diagnosis_analyzer(t->op->diagnosis, str_of(t->choice.names[i]), &reason) == ANALYZER_WAITING)
            doc_put_str(b, *reason ? str_of(reason) : STR("caches are being prepared"));
    }
    doc_end_array(b);
}

static void put_problems(struct doc_builder *b, const struct tenant *t) {
    size_t counts[SEVERITIES];
    findings_count(t->findings, counts);
    doc_key(b, STR("problems"));
    doc_begin_object(b);
    for (int s = SEVERITIES - 1; s >= 0; s--) doc_pair_int(b, severity_name((enum severity)s), (int64_t)counts[s]);
    doc_end_object(b);
}

static void put_override(const struct policy *p, bool disabled, void *arg) {
    struct doc_builder *b = arg;
    char name[160];
    snprintf(name, sizeof name, "%.40s/%.80s%s", policy_kind_folder(p->kind), p->name, disabled ? " (disabled)" : "");
    doc_begin_object(b);
    doc_pair_str(b, "name", str_of(name));
    doc_pair_str(b, "layer", str_of(policy_layer_name(p->layer)));
    doc_pair_str(b, "source", str_of(p->source));
    doc_end_object(b);
}

static void put_tripped(const struct policy *p, const char *message, void *arg) {
    struct doc_builder *b = arg;
    doc_begin_object(b);
    doc_pair_str(b, "name", str_of(p->name));
    doc_pair_str(b, "source", str_of(p->source));
    doc_pair_str(b, "message", str_of(message));
    doc_end_object(b);
}

static void put_policies(struct doc_builder *b, const struct k8s_operator *op) {
    doc_key(b, STR("policies"));
    doc_begin_object(b);
    doc_pair_str(b, "hash", str_of(bundle_hash(op->bundle)));
    doc_pair_str(b, "problem", str_of(policies_problem(op->policies)));
    doc_pair_bool(b, "lastGood", *policies_problem(op->policies) && !policies_problem_is_partial(op->policies));
    doc_key(b, STR("overrides"));
    doc_begin_array(b);
    bundle_each_override(op->bundle, put_override, b);
    doc_end_array(b);
    doc_key(b, STR("tripped"));
    doc_begin_array(b);
    policycalls_each_tripped(op->calls, put_tripped, b);
    doc_end_array(b);
    doc_end_object(b);
}

static void put_undelivered(const char *sink, const char *message, void *arg) {
    struct doc_builder *b = arg;
    doc_begin_object(b);
    doc_pair_str(b, "sink", str_of(sink));
    doc_pair_str(b, "message", str_of(message));
    doc_end_object(b);
}

static void on_diagnosis(struct run *r, struct doc_value args) {
    const struct tenant *t = run_tenant(r);
    struct doc_builder *b = builder_or_fail(r);
    (void)args;
    if (!b) return;
    doc_begin_object(b);
    doc_pair_bool(b, "synced", tenant_synced(t));
    put_waiting(b, t);
    put_names(b, "unknown", t->choice.unknown, t->choice.unknown_count);
    doc_key(b, STR("analyzers"));
    doc_begin_array(b);
    for (size_t i = 0; i < t->choice.count; i++) put_analyzer(b, t->op, t->choice.names[i]);
    doc_end_array(b);
    put_problems(b, t);
    doc_key(b, STR("peers"));
    polls_put(t->polls, b);
    doc_key(b, STR("undelivered"));
    doc_begin_array(b);
    notify_each_undelivered(t->op->notifier, t, put_undelivered, b);
    doc_end_array(b);
    put_policies(b, t->op);
    doc_end_object(b);
    telemetry_analysed(t->op->telemetry, t);
    answer_built(r, b);
}

/* ---- findings, publish ---------------------------------------------------------------------------------------------------------- */

static int put_group(struct doc_builder *b, const struct tenant *t, struct group *g, struct err *err) {
    struct doc *doc = group_document(g, notify_delivered(t->op->notifier, t, g), err);
    if (!doc) return err->code;
    doc_put_value(b, doc_root(doc));
    doc_unref(doc);
    return 0;
}

/* Sinks that answer at once (the log) have told by the time the Result is rendered, which saves a second write. */
static void on_findings(struct run *r, struct doc_value args) {
    struct tenant *t = run_tenant(r);
    struct doc_builder *b = builder_or_fail(r);
    struct group *g;
    struct err err;
    (void)args;
    if (!b) return;
    bool looked = tenant_has_looked(t);
    doc_begin_array(b);
    for (int n = 0; looked && n < MAX_GROUPS && (g = findings_next_dirty(t->findings)); n++) {
        run_grant(r, FUEL_GROUP);
        notify_group(t->op->notifier, t, g);
        if (put_group(b, t, g, &err)) doc_builder_fail(b, err.code, "%s", err.msg);
    }
    doc_end_array(b);
    answer_built(r, b);
}

static void published(struct run *r, const struct doc *written, const struct err *err) {
    if (err && err->code) {
        run_answer(r, NULL, err);
        return;
    }
    struct doc_builder *b = builder_or_fail(r);
    if (!b) return;
    doc_begin_array(b);
    for (size_t i = 0; i < doc_len(doc_root(written)); i++) doc_put_value(b, doc_at(doc_root(written), i));
    doc_end_array(b);
    answer_built(r, b);
}

static void on_publish(struct run *r, struct doc_value args) {
    struct err err;
    struct wait *w = publish_start(r, doc_at(args, 0), published, &err);
    if (w)
        run_wait(r, w);
    else
        published(r, NULL, err.code ? &err : NULL);
}

/* ---- condition, status, event ----------------------------------------------------------------------------------------------------- */

static void answer_code(struct run *r, int rc, const struct err *err) {
    if (rc)
        run_answer(r, NULL, err);
    else
        request_answer_true(r);
}

static void on_condition(struct run *r, struct doc_value args) {
    struct err err;
    answer_code(r,
                status_condition(run_tenant(r)->status, doc_str(doc_at(args, 0)), doc_str(doc_at(args, 1)), doc_str(doc_at(args, 2)),
                                 doc_str(doc_at(args, 3)), &err),
                &err);
}

static void on_status(struct run *r, struct doc_value args) {
    struct err err;
    answer_code(r, status_fields(run_tenant(r)->status, doc_at(args, 0), &err), &err);
}

static void on_event(struct run *r, struct doc_value args) {
    struct tenant *t = run_tenant(r);
    operator_event(t->op, t, doc_str(doc_at(args, 0)), doc_str(doc_at(args, 1)), doc_str(doc_at(args, 2)));
    request_answer_true(r);
}

static const struct {
    const char *op;
    void (*handle)(struct run *r, struct doc_value args);
} REQUESTS[] = {
    {"apply", request_apply},       {"patch", request_patch},  {"delete", request_delete}, {"choose", on_choose},
    {"diagnosis", on_diagnosis},    {"findings", on_findings}, {"publish", on_publish},    {"condition", on_condition},
    {"status", on_status},          {"event", on_event},       {"render", request_render}, {"managed", request_managed},
    {"fetch", request_fetch},       {"poll", request_poll},    {"answer", request_answer}, {"report", request_report},
    {"reported", request_reported}, {"count", request_count},  {"scrape", request_scrape}, {"call", request_call},
};

void request_handle(struct run *r, struct doc_value request) {
    struct str op = doc_path_str(request, "op");
    for (size_t i = 0; i < sizeof REQUESTS / sizeof *REQUESTS; i++) {
        if (!str_is(op, REQUESTS[i].op)) continue;
        REQUESTS[i].handle(r, doc_path(request, "args"));
        return;
    }
    struct err err;
    err_set(&err, ERR_UNSUPPORTED, "ctx." STR_FMT " is not something a step can ask for", STR_ARG(op));
    run_answer(r, NULL, &err);
}
