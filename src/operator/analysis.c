#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "operator/judgement.h"
#include "operator/turns.h"

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
    /* Who asks the world again and again in vain says so once: the status is not to change with every attempt. */
    if (failed && !(was && a->incomplete)) snprintf(z->failure, sizeof z->failure, "%s", why);
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
    count(&z->denied, &a->denied, result == SCRIPT_FORBIDDEN || result == SCRIPT_UNANSWERED);
    count(&z->waiting, &a->waiting, result == SCRIPT_NOT_READY);
    if (a->waiting) snprintf(z->unknown, sizeof z->unknown, "%.250s", err->msg);
}

void analysis_free(struct analysis *a) {
    turn_forget(a, false);
    reads_drop(a->diagnosis->reads, &a->evaluation);
    if (a->diagnosis->deadlines) deadline_clear(a->diagnosis->deadlines, &a->again);
    if (a->failed) set_failed(a, false, "");
    set_ended_by(a, SCRIPT_OK, NULL);
    count(&a->analyzer->withheld, &a->withheld, false);
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
        .partial = a->incomplete || (a->decider && a->decider != policy),
        .noticed_us = a->noticed_us,
    };
}

static int64_t sooner(int64_t a_ms, int64_t b_ms) { return !a_ms || (b_ms && b_ms < a_ms) ? b_ms : a_ms; }

/* What failed for want of memory is tried again, whether the process or the policy's own state ran short. */
static int64_t again_at_ms(const struct judgement *j) {
    int64_t at_ms = j->reader.again_at_ms;
    if (j->outcome.result != SCRIPT_OK && j->outcome.err.code == ERR_NOMEM) at_ms = sooner(at_ms, clock_wall_ms() + MEMORY_RETRY_MS);
    if (!judgement_has_asked(j)) return at_ms;
    return sooner(at_ms, turn_again_ms(j->analysis, judgement_unanswered(j) != NULL));
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

/* True when the verdict differs from the one before. Takes what was found. */
static bool keep_verdict(struct analysis *a, struct judgement *j) {
    bool incomplete = judgement_unanswered(j) != NULL;
    bool same = doc_equal(doc_root(a->failures), doc_root(j->failures)) && same_text(a->parent, j->parent) && a->decider == j->policy &&
                a->incomplete == incomplete;
    doc_unref(a->failures);
    free(a->parent);
    a->failures = j->failures;
    a->parent = j->parent;
    a->decider = j->policy;
    a->incomplete = incomplete;
    j->failures = NULL;
    j->parent = NULL;
    return !same;
}

static void tell(const struct analysis *a, bool gone) {
    struct verdict v = analysis_verdict(a);
    v.gone = gone;
    a->diagnosis->listener.verdict(&v, a->diagnosis->listener.arg);
}

static void forget(struct analysis *a) {
    turn_forget(a, true);
    ptrset_remove(&a->diagnosis->analyses, a->diagnosis->analyses.hash(a), a);
    analysis_free(a);
}

static void object_is_gone(struct analysis *a) {
    doc_unref(a->failures);
    a->failures = NULL;
    tell(a, true);
    forget(a);
}

static void note_withheld(struct analysis *a, const char *what) {
    struct analyzer *z = a->analyzer;
    bool was = a->withheld;
    if (*what) snprintf(z->lacking, sizeof z->lacking, "%s", what);
    count(&z->withheld, &a->withheld, *what != '\0');
    if (was != a->withheld && a->diagnosis->listener.changed) a->diagnosis->listener.changed(a->diagnosis->listener.arg);
}

static void take_verdict(struct analysis *a, struct judgement *j) {
    const struct err *unanswered = judgement_unanswered(j);
    bool known = a->failures != NULL, stands_in = j->policy != a->analyzer->policy, changed = keep_verdict(a, j);
    const char *why = unanswered ? unanswered->msg : j->first.code ? j->first.msg : "its policy is tripped";
    set_failed(a, stands_in || unanswered, why);
    note_withheld(a, judgement_withheld(j));
    /* A healthy first verdict is told too: an earlier process may have left findings of this object. */
    if (changed || !known) tell(a, false);
}

/* Nothing is remembered of an analysis that depends on nothing but its object, and found nothing. */
static void rest(struct analysis *a) {
    bool stale = turn_was_stale(a);
    a->noticed_us = stale ? clock_mono_us() : 0;
    if (stale) analysis_enqueue(a);
    if (!a->failures && !a->failed && !a->waiting && !a->again.slot && a->evaluation.count == 0 && !a->queued) forget(a);
}

void analysis_judged(struct judgement *j) {
    struct analysis *a = j->analysis;
    enum script_result result = j->outcome.result;
    turn_end(a);
    reads_end(a->diagnosis->reads, &a->evaluation);
    set_again(a, again_at_ms(j));
    set_ended_by(a, result, &j->outcome.err);
    if (result == SCRIPT_OK || result == SCRIPT_UNANSWERED)
        take_verdict(a, j);
    else if (result != SCRIPT_NOT_READY)
        set_failed(a, true, j->first.msg);
    judgement_end(j);
    rest(a);
}

void analysis_waits(struct analysis *a, const char *what_for) {
    struct err err;
    err_set(&err, ERR_TIMEOUT, "%s", what_for);
    set_ended_by(a, SCRIPT_NOT_READY, &err);
}

void analysis_put_off(struct judgement *j) {
    struct analysis *a = j->analysis;
    reads_end(a->diagnosis->reads, &a->evaluation);
    analysis_waits(a, "others ask first");
    judgement_end(j);
}

/* What cannot be seen may be there all the same. */
static bool would_be_seen(const struct analysis *a) {
    enum reflector_state state = cluster_state_in(a->diagnosis->cluster, a->analyzer->subject->gvk, analysis_ns(a), NULL);
    return state == REFLECTOR_SYNCED || state == REFLECTOR_MISSING;
}

void analysis_do(struct analysis *a) {
    struct store *store = cluster_store(a->diagnosis->cluster, a->analyzer->subject->gvk);
    struct doc *object = store ? store_get(store, analysis_ns(a), analysis_name(a)) : NULL;
    bool asks = turn_inquiry(a) != NULL;
    if (object && !asks)
        judgement_begin(a, object);
    else if (object)
        turn_is_stale(a);
    else if (would_be_seen(a))
        object_is_gone(a);
    else if (!asks)
        turn_end(a);
}
