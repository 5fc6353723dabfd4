#include "operator/judgement.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "operator/ask.h"
#include "operator/turns.h"
#include "script/evidence.h"
#include "script/failures.h"

enum {
    REQUEST_MS = 10 * 1000, /* for one answer */
    INQUIRY_MS = 30 * 1000, /* for all that one look asks for */
};

/* A judgement that may be suspended. */
struct inquiry {
    struct judgement judgement; /* first: ends as such */
    struct script_task *task;
    struct ask *ask;       /* under way, or NULL */
    int64_t until_us;      /* when all must be answered; 0: nothing was asked yet */
    bool asked;            /* more than what is withheld */
    struct err unanswered; /* the first failure; code 0: none */
    char withheld[160];
};

const struct err *judgement_unanswered(const struct judgement *j) {
    return j->inquiry && j->inquiry->unanswered.code ? &j->inquiry->unanswered : NULL;
}

const char *judgement_withheld(const struct judgement *j) { return j->inquiry ? j->inquiry->withheld : ""; }

bool judgement_has_asked(const struct judgement *j) { return j->inquiry && j->inquiry->asked; }

static void drop_answer(struct judgement *j) {
    reader_release(&j->reader);
    doc_unref(j->outcome.values);
    doc_unref(j->failures);
    free(j->parent);
    j->outcome = (struct script_outcome){0};
    j->failures = NULL;
    j->parent = NULL;
}

void judgement_end(struct judgement *j) {
    drop_answer(j);
    doc_unref(j->object);
    free(j->inquiry);
}

void inquiry_drop(struct inquiry *q) {
    if (!q) return;
    ask_drop(q->ask);
    if (q->task) script_drop(q->task);
    judgement_end(&q->judgement);
}

/* ---- one policy ----------------------------------------------------------------------------------------------------------------- */

static int take_failures(struct judgement *j) {
    struct err *err = &j->outcome.err;
    if (!j->outcome.values) return 0;
    struct doc_value failures = doc_at(doc_root(j->outcome.values), 0);
    int rc = failures_check(j->policy, failures, err);
    if (!rc && !(j->failures = evidence_attach(j->policy, j->object, failures, err))) rc = (int)err->code;
    doc_unref(j->outcome.values);
    j->outcome.values = NULL;
    return rc ? rc : reader_root_owner(&j->reader, j->object, &j->parent, err);
}

static bool is_the_policys_fault(enum script_result result) {
    return result == SCRIPT_ERROR || result == SCRIPT_FUEL || result == SCRIPT_MEMORY;
}

/* Another layer may judge other kinds. */
static bool judges(const struct policy *p, const struct analysis *a) {
    return p && policy_subject(p, str_of(a->analyzer->subject->gvk->kind));
}

static void ask_policy(struct judgement *j);

/* A broken override hides no fault: then the layer below is asked. */
static void policy_ended(struct judgement *j) {
    struct analysis *a = j->analysis;
    if (j->outcome.result == SCRIPT_OK) {
        int rc = take_failures(j);
        if (rc) j->outcome.result = rc == ERR_TIMEOUT ? SCRIPT_NOT_READY : rc == ERR_FORBIDDEN ? SCRIPT_FORBIDDEN : SCRIPT_ERROR;
        if (!rc && judgement_unanswered(j)) j->outcome.result = SCRIPT_UNANSWERED;
    }
    policycalls_finished(a->diagnosis->calls, j->policy, &j->outcome);
    if (!j->first.code) j->first = j->outcome.err;
    if (!is_the_policys_fault(j->outcome.result) || !judges(j->policy->lower, a)) {
        analysis_judged(j);
        return;
    }
    j->policy = j->policy->lower;
    drop_answer(j);
    ask_policy(j);
}

/* ---- asking the world ------------------------------------------------------------------------------------------------------------- */

static void note_answer(struct inquiry *q, const struct ask_answer *answer) {
    if (answer->result == ASK_FAILED && !q->unanswered.code) q->unanswered = answer->err;
    if (answer->result == ASK_WITHHELD) snprintf(q->withheld, sizeof q->withheld, "%.150s", answer->err.msg);
}

static void go_on(struct inquiry *q, const struct ask_answer *answer) {
    note_answer(q, answer);
    script_resume(&q->task, answer->doc, answer->result == ASK_ANSWERED ? NULL : &answer->err, &q->judgement.outcome);
}

static void drive(struct inquiry *q);

static void answered(const struct ask_answer *answer, void *arg) {
    struct inquiry *q = arg;
    q->ask = NULL;
    go_on(q, answer);
    drive(q);
}

/* ms that are left for the next answer; 0: none. */
static int64_t left_ms(struct inquiry *q) {
    int64_t now_us = clock_mono_us();
    if (!q->until_us) q->until_us = now_us + INQUIRY_MS * 1000LL;
    int64_t left = (q->until_us - now_us) / 1000;
    return left < 0 ? 0 : left < REQUEST_MS ? left : REQUEST_MS;
}

/* False: it now waits for the answer. */
static bool ask(struct inquiry *q) {
    struct analysis *a = q->judgement.analysis;
    struct ask_answer now = {.result = ASK_FAILED};
    int64_t timeout_ms = left_ms(q);
    if (timeout_ms)
        q->ask = ask_start(&a->diagnosis->asks, script_request(q->task), timeout_ms, answered, q, &now);
    else
        err_set(&now.err, ERR_TIMEOUT, "all answers together took more than %d s", INQUIRY_MS / 1000);
    q->asked |= q->ask || now.result != ASK_WITHHELD;
    if (q->ask) {
        analysis_waits(a, "an answer is awaited");
        return false;
    }
    go_on(q, &now);
    doc_unref(now.doc);
    return true;
}

/* Goes on until the policy has ended, waits for an answer, or has to wait for its turn. */
static void drive(struct inquiry *q) {
    struct judgement *j = &q->judgement;
    while (j->outcome.result == SCRIPT_SUSPENDED) {
        if (!turn_take(j->analysis, q)) {
            script_drop(q->task);
            q->task = NULL;
            analysis_put_off(j);
            return;
        }
        if (!ask(q)) return;
    }
    policy_ended(j);
}

/* ---- layers ----------------------------------------------------------------------------------------------------------------------- */

static void ask_policy(struct judgement *j) {
    const struct analysis *a = j->analysis;
    j->call = (struct script_call){
        .policy = j->policy,
        .function = "run",
        .args = {{j->object, policy_watch(j->policy, a->analyzer->subject->gvk)->projection}},
        .arg_count = 1,
    };
    policycalls_prepare(a->diagnosis->calls, &j->call, &j->reader);
    if (j->policy->remote) {
        j->reader.hold = true;
        script_start(&j->call, &j->inquiry->task, &j->outcome);
        drive(j->inquiry);
    } else {
        script_run(&j->call, &j->outcome);
        policy_ended(j);
    }
}

static bool may_suspend(const struct policy *p) {
    while (p && !p->remote) p = p->lower;
    return p;
}

static void begin(struct judgement *j, struct analysis *a, struct doc *object) {
    struct diagnosis *d = a->diagnosis;
    j->analysis = a;
    j->object = doc_ref(object);
    j->reader =
        (struct reader){.cluster = d->cluster, .owners = d->owners, .secrets = d->secrets, .reads = d->reads, .evaluation = &a->evaluation};
    const struct policy *top = a->analyzer->policy, *policy = policycalls_effective(d->calls, top);
    reads_begin(d->reads, &a->evaluation);
    if (judges(policy, a)) {
        j->policy = policy;
        ask_policy(j);
        return;
    }
    j->outcome.result = SCRIPT_ERROR;
    err_set(&j->first, ERR_POLICY, "%s is tripped and there is no policy below it", top->name);
    analysis_judged(j);
}

void judgement_begin(struct analysis *a, struct doc *object) {
    if (!may_suspend(a->analyzer->policy)) {
        struct judgement j = {0};
        begin(&j, a, object);
        return;
    }
    struct inquiry *q = calloc(1, sizeof *q);
    if (!q) {
        turn_end(a);
        diagnosis_lost(a->diagnosis, "no memory to look at an object");
        return;
    }
    q->judgement.inquiry = q;
    begin(&q->judgement, a, object);
}
