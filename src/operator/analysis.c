#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "operator/diagnosis_internal.h"
#include "script/evidence.h"
#include "script/failures.h"

enum { MEMORY_RETRY_MS = 5000 };

struct str analysis_ns(const struct analysis *a) {
    return (struct str){a->key, a->name_at - 1};
}

struct str analysis_name(const struct analysis *a) {
    return str_of(a->key + a->name_at);
}

void analysis_enqueue(struct analysis *a) {
    struct diagnosis *d = a->diagnosis;
    if (a->queued) return;
    a->queued = true;
    a->next = NULL;
    *d->queue_end = a;
    d->queue_end = &a->next;
    d->queued++;
    if (d->worker) worker_wake(d->worker);
}

static void set_failed(struct analysis *a, bool failed, const char *why) {
    struct analyzer *z = a->analyzer;
    bool was = a->failed;
    a->failed = failed;
    if (failed && !was) z->failing++;
    if (!failed && was) z->failing--;
    if (failed) snprintf(z->failure, sizeof z->failure, "%s", why);
    if (failed != was && a->diagnosis->listener.changed) a->diagnosis->listener.changed(a->diagnosis->listener.arg);
}

static void count(size_t *counter, bool *is, bool now) {
    if (now && !*is) ++*counter;
    if (!now && *is) --*counter;
    *is = now;
}

/* How its last run ended; SCRIPT_OK when it is no more. */
static void set_ended_by(struct analysis *a, enum script_result result, const struct err *err) {
    struct analyzer *z = a->analyzer;
    count(&z->denied, &a->denied, result == SCRIPT_FORBIDDEN);
    count(&z->waiting, &a->waiting, result == SCRIPT_NOT_READY);
    if (a->waiting) snprintf(z->unknown, sizeof z->unknown, "%.250s", err->msg);
}

void analysis_free(struct analysis *a) {
    reads_drop(a->diagnosis->reads, &a->evaluation);
    if (a->diagnosis->deadlines) deadline_clear(a->diagnosis->deadlines, &a->again);
    if (a->failed) set_failed(a, false, "");
    set_ended_by(a, SCRIPT_OK, NULL);
    doc_unref(a->failures);
    free(a->parent);
    free(a);
}

struct verdict analysis_verdict(const struct analysis *a) {
    const struct policy *policy = a->analyzer->policy;
    return (struct verdict){
        .policy = policy,
        .decider = a->decider ? a->decider : policy,
        .gvk = a->analyzer->subject->gvk,
        .ns = analysis_ns(a),
        .name = analysis_name(a),
        .failures = doc_root(a->failures),
        .parent = str_of(a->parent),
        .partial = a->decider && a->decider != policy,
        .noticed_us = a->noticed_us,
    };
}

/* One run of one policy for the object, within the recording that is under way. */
struct attempt {
    struct script_outcome outcome;
    struct doc *failures; /* owned; NULL: none */
    char *parent;         /* owned */
};

static void attempt_free(struct attempt *t) {
    doc_unref(t->failures);
    free(t->parent);
    *t = (struct attempt){0};
}

static int take_failures(struct attempt *t, struct reader *reader, const struct policy *policy, const struct doc *object) {
    struct err *err = &t->outcome.err;
    if (!t->outcome.values) return 0;
    struct doc_value failures = doc_at(doc_root(t->outcome.values), 0);
    int rc = failures_check(policy, failures, err);
    if (!rc && !(t->failures = evidence_attach(policy, object, failures, err))) rc = (int)err->code;
    doc_unref(t->outcome.values);
    t->outcome.values = NULL;
    return rc ? rc : reader_root_owner(reader, object, &t->parent, err);
}

static void try_policy(struct analysis *a, const struct policy *policy, const struct doc *object, struct reader *reader,
                       struct attempt *t) {
    struct script_call call = {
        .policy = policy,
        .function = "run",
        .args = {{object, policy_watch(policy, a->analyzer->subject->gvk)->projection}},
        .arg_count = 1,
    };
    policycalls_prepare(a->diagnosis->calls, &call, reader);
    script_run(&call, &t->outcome);
    if (t->outcome.result == SCRIPT_OK) {
        int rc = take_failures(t, reader, policy, object);
        if (rc) t->outcome.result = rc == ERR_TIMEOUT ? SCRIPT_NOT_READY : rc == ERR_FORBIDDEN ? SCRIPT_FORBIDDEN : SCRIPT_ERROR;
    }
    policycalls_finished(a->diagnosis->calls, policy, &t->outcome);
}

static bool is_the_policys_fault(enum script_result result) {
    return result == SCRIPT_ERROR || result == SCRIPT_FUEL || result == SCRIPT_MEMORY;
}

/* Another layer may judge other kinds. */
static bool judges(const struct policy *p, const struct analysis *a) {
    return p && policy_subject(p, str_of(a->analyzer->subject->gvk->kind));
}

/* The policy in effect, and where it fails, the layer below: a broken override hides no fault. Returns the last one asked. */
static const struct policy *try_layers(struct analysis *a, const struct doc *object, struct reader *reader, struct attempt *t,
                                       struct err *first) {
    const struct policy *top = a->analyzer->policy, *policy = policycalls_effective(a->diagnosis->calls, top);
    if (!judges(policy, a)) {
        t->outcome.result = SCRIPT_ERROR;
        err_set(first, ERR_POLICY, "%s is tripped and there is no policy below it", top->name);
        return NULL;
    }
    try_policy(a, policy, object, reader, t);
    *first = t->outcome.err;
    while (is_the_policys_fault(t->outcome.result) && judges(policy->lower, a)) {
        policy = policy->lower;
        attempt_free(t);
        try_policy(a, policy, object, reader, t);
    }
    return policy;
}

/* What failed for want of memory is tried again, whether the process or the policy's own state ran short. */
static int64_t again_at_ms(const struct reader *reader, const struct attempt *t) {
    if (t->outcome.result == SCRIPT_OK || t->outcome.err.code != ERR_NOMEM) return reader->again_at_ms;
    int64_t retry_ms = clock_wall_ms() + MEMORY_RETRY_MS;
    return reader->again_at_ms && reader->again_at_ms < retry_ms ? reader->again_at_ms : retry_ms;
}

static void set_again(struct analysis *a, int64_t at_ms) {
    struct diagnosis *d = a->diagnosis;
    struct err err;
    if (!d->deadlines) return;
    if (!at_ms)
        deadline_clear(d->deadlines, &a->again);
    else if (deadline_set(d->deadlines, &a->again, at_ms, &err))
        diagnosis_lost(d, err.msg);
}

static bool same_text(const char *a, const char *b) { return str_eq(str_of(a), str_of(b)); }

/* True when the verdict differs from the one before. Takes what `t` owns. */
static bool keep_verdict(struct analysis *a, struct attempt *t, const struct policy *decider) {
    bool same = doc_equal(doc_root(a->failures), doc_root(t->failures)) && same_text(a->parent, t->parent) && a->decider == decider;
    doc_unref(a->failures);
    free(a->parent);
    a->failures = t->failures;
    a->parent = t->parent;
    a->decider = decider;
    t->failures = NULL;
    t->parent = NULL;
    return !same;
}

static void tell(const struct analysis *a, bool gone) {
    struct verdict v = analysis_verdict(a);
    v.gone = gone;
    a->diagnosis->listener.verdict(&v, a->diagnosis->listener.arg);
}

static void forget(struct analysis *a) {
    ptrset_remove(&a->diagnosis->analyses, a->diagnosis->analyses.hash(a), a);
    analysis_free(a);
}

static void object_is_gone(struct analysis *a) {
    doc_unref(a->failures);
    a->failures = NULL;
    tell(a, true);
    forget(a);
}

static void judge(struct analysis *a, struct doc *object) {
    struct diagnosis *d = a->diagnosis;
    struct reader reader = {
        .cluster = d->cluster, .owners = d->owners, .secrets = d->secrets, .reads = d->reads, .evaluation = &a->evaluation};
    struct attempt t = {0};
    struct err first = {0};
    bool known = a->failures != NULL;

    reads_begin(d->reads, &a->evaluation);
    const struct policy *decider = try_layers(a, object, &reader, &t, &first);
    reads_end(d->reads, &a->evaluation);
    set_again(a, again_at_ms(&reader, &t));
    set_ended_by(a, t.outcome.result, &t.outcome.err);

    if (t.outcome.result == SCRIPT_OK) {
        bool changed = keep_verdict(a, &t, decider);
        set_failed(a, decider != a->analyzer->policy, first.code ? first.msg : "its policy is tripped");
        /* A healthy first verdict is told too: an earlier process may have left findings of this object. */
        if (changed || !known) tell(a, false);
    } else if (t.outcome.result != SCRIPT_NOT_READY) {
        set_failed(a, true, first.msg);
    }
    attempt_free(&t);
}

/* What cannot be seen may be there all the same. */
static bool would_be_seen(const struct analysis *a) {
    enum reflector_state state = cluster_state_in(a->diagnosis->cluster, a->analyzer->subject->gvk, analysis_ns(a), NULL);
    return state == REFLECTOR_SYNCED || state == REFLECTOR_MISSING;
}

void analysis_do(struct analysis *a) {
    struct store *store = cluster_store(a->diagnosis->cluster, a->analyzer->subject->gvk);
    struct doc *object = store ? store_get(store, analysis_ns(a), analysis_name(a)) : NULL;
    if (!object) {
        if (would_be_seen(a)) object_is_gone(a);
        return;
    }
    judge(a, object);
    a->noticed_us = 0;
    if (!a->failures && !a->failed && !a->again.slot && a->evaluation.count == 0 && !a->queued) forget(a);
}
