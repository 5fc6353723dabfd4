#include "operator/run.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/apply.h"
#include "operator/contest.h"

static const char *const STEPS[] = {"Init", "Finalizer", "Configure", "PreAnalysis", "Analysis", "ResultStatus", "Remediation"};
enum { STEP_COUNT = sizeof STEPS / sizeof *STEPS };

struct run {
    struct tenant *tenant;
    struct bundle *bundle; /* held: a new one may come into use meanwhile */
    struct doc *cr;        /* held: the resource as it was at the start, with what we wrote before */
    struct reader reader;
    struct script_call call;
    struct script_task *task;
    struct wait *waiting;
    struct apply *applying; /* of the status */
    size_t step;
    bool in_handler, answered; /* an answer given within its handler is picked up by the loop below, not by recursion */
    struct doc *answer;
    struct err failure; /* of the answer, then of the run */
    bool has_failure;
    double requeue_s;
    int64_t started_us, step_started_us;
};

struct tenant *run_tenant(const struct run *r) {
    return r->tenant;
}

static void run_free(struct run *r) {
    reader_release(&r->reader);
    bundle_unref(r->bundle);
    doc_unref(r->cr);
    doc_unref(r->answer);
    free(r);
}

void run_drop(struct run *r) {
    if (!r) return;
    if (r->waiting) {
        struct wait *w = r->waiting;
        w->run = NULL;
        w->drop(w);
    }
    if (r->applying) apply_abandon(r->applying);
    if (r->task) script_drop(r->task);
    r->tenant->run = NULL;
    run_free(r);
}

/* ---- the end ---------------------------------------------------------------------------------------------------------------- */

static void finish(struct run *r) {
    struct tenant *t = r->tenant;
    struct err failure = r->failure;
    bool failed = failure.code != ERR_NONE;
    double requeue_s = r->requeue_s;
    telemetry_run(t->op->telemetry, t, failed, clock_mono_us() - r->started_us);
    t->run = NULL;
    run_free(r);
    findings_end_run(t->findings);
    operator_run_ended(t, failed ? &failure : NULL, requeue_s);
}

static void status_written(const struct doc *object, const struct err *err, void *arg) {
    struct run *r = arg;
    r->applying = NULL;
    if (object) tenant_wrote(r->tenant, object);
    /* A resource that was deleted meanwhile has no status to write. */
    if (err && err->code != ERR_NOT_FOUND && r->failure.code == ERR_NONE) r->failure = *err;
    finish(r);
}

static void may_be_written(void *arg) { tenant_enqueue(arg); }

/* True when somebody keeps undoing what we write, and it is not yet time to write it again. */
static bool is_contested(struct tenant *t, const struct doc *wanted) {
    bool undone = t->undone && !apply_is_covered(doc_path(doc_root(wanted), "status"), doc_path(doc_root(tenant_current(t)), "status"));
    t->undone = false;
    if (undone && !t->contest) t->contest = contest_new(t, K8SGPT_GVK, str_of(t->name), may_be_written, t);
    if (undone && t->contest && !contest_waits(t->contest)) contest_undone(t->contest);
    return contest_waits(t->contest);
}

static void write_status(struct run *r) {
    struct tenant *t = r->tenant;
    struct err err;
    struct doc *wanted = status_document(t->status, t->cr, &err);
    if (!wanted) {
        r->failure = err;
        finish(r);
        return;
    }
    bool contested = is_contested(t, wanted);
    err = (struct err){0};
    if (!contested) r->applying = apply_start(t->op->cluster, doc_root(wanted), "status", true, tenant_current(t), status_written, r, &err);
    doc_unref(wanted);
    if (r->applying) return;
    if (err.code != ERR_NONE && r->failure.code == ERR_NONE) r->failure = err;
    finish(r);
}

static void end_run(struct run *r, double requeue_s) {
    r->requeue_s = requeue_s;
    write_status(r);
}

static void fail_run(struct run *r, const struct err *why) {
    struct tenant *t = r->tenant;
    struct err err;
    r->failure = *why;
    err_prefix(&r->failure, "step %s", STEPS[r->step]);
    if (status_condition(t->status, STR("Ready"), STR("False"), STR("StepFailed"), str_of(r->failure.msg), &err))
        log_error("operator.run", err.msg);
    end_run(r, -1);
}

/* ---- steps ------------------------------------------------------------------------------------------------------------------ */

/* {"failed": {"retry": seconds | null, "message": …}} as second value, see meta.lua. */
static bool reports_failure(struct doc_value values, struct err *err) {
    struct doc_value failed = doc_path(doc_at(values, 1), "failed");
    if (doc_type(failed) != DOC_OBJECT) return false;
    struct str message = doc_path_str(failed, "message");
    err_set(err, ERR_POLICY, STR_FMT, STR_ARG(message));
    err->retry_after_s = (int)doc_double(doc_path(failed, "retry"));
    return true;
}

static void next_step(struct run *r);

static void step_returned(struct run *r, const struct script_outcome *out) {
    struct doc_value values = doc_root(out->values), first = doc_at(values, 0), requeue = doc_path(first, "requeue");
    struct err why;
    if (reports_failure(values, &why))
        fail_run(r, &why);
    else if (doc_type(requeue) == DOC_INT || doc_type(requeue) == DOC_DOUBLE)
        end_run(r, doc_double(requeue));
    else if (doc_type(doc_path(first, "stop")) == DOC_STRING)
        end_run(r, -1);
    else {
        r->step++;
        next_step(r);
    }
}

static void step_over(struct run *r, struct script_outcome *out) {
    struct tenant *t = r->tenant;
    reader_release(&r->reader);
    policycalls_finished(t->op->calls, r->call.policy, out);
    telemetry_step(t->op->telemetry, STEPS[r->step], clock_mono_us() - r->step_started_us);
    if (out->result == SCRIPT_OK)
        step_returned(r, out);
    else
        fail_run(r, &out->err);
    doc_unref(out->values);
}

/* Goes on until the step is over or waits for something that is not there yet. */
static void drive(struct run *r, struct script_outcome *out) {
    while (out->result == SCRIPT_SUSPENDED) {
        r->answered = false;
        r->in_handler = true;
        request_handle(r, script_request(r->task));
        r->in_handler = false;
        if (!r->answered) return;
        struct doc *answer = r->answer;
        r->answer = NULL;
        script_resume(&r->task, answer, r->has_failure ? &r->failure : NULL, out);
        doc_unref(answer);
        r->failure = (struct err){0};
    }
    step_over(r, out);
}

void run_answer(struct run *r, const struct doc *answer, const struct err *failure) {
    r->waiting = NULL;
    r->has_failure = failure != NULL;
    if (failure) r->failure = *failure;
    if (r->in_handler) {
        r->answer = doc_ref(answer);
        r->answered = true;
        return;
    }
    struct script_outcome out;
    struct err copy = r->failure;
    script_resume(&r->task, answer, failure ? &copy : NULL, &out);
    r->failure = (struct err){0};
    drive(r, &out);
}

void run_grant(struct run *r, int64_t fuel) { script_grant(r->task, fuel); }

void run_wait(struct run *r, struct wait *w) {
    w->run = r;
    r->waiting = w;
}

static void next_step(struct run *r) {
    struct tenant *t = r->tenant;
    const struct policy *policy = r->step < STEP_COUNT ? bundle_find(r->bundle, POLICY_STEP, str_of(STEPS[r->step])) : NULL;
    if (r->step == STEP_COUNT) {
        end_run(r, -1);
        return;
    }
    if (!policy || !(policy = policycalls_effective(t->op->calls, policy))) { /* disabled by an override */
        r->step++;
        next_step(r);
        return;
    }
    r->call = (struct script_call){.policy = policy, .function = "run", .args = {{r->cr, NULL}}, .arg_count = 1};
    policycalls_prepare(t->op->calls, &r->call, &r->reader);
    r->step_started_us = clock_mono_us();
    struct script_outcome out;
    script_start(&r->call, &r->task, &out);
    drive(r, &out);
}

static struct run *run_new(struct tenant *t) {
    struct run *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->tenant = t;
    r->bundle = bundle_ref(t->op->bundle);
    r->cr = doc_ref(tenant_current(t));
    r->reader = (struct reader){.cluster = t->op->cluster, .owners = t->op->filter_owners, .hold = true};
    r->requeue_s = -1;
    r->started_us = clock_mono_us();
    t->run = r;
    return r;
}

int run_start(struct tenant *t, struct err *err) {
    struct run *r = run_new(t);
    if (!r) return err_set(err, ERR_NOMEM, "no memory for a run");
    t->unrecorded = false;
    findings_retry_untold(t->findings);
    next_step(r);
    return 0;
}

int run_refuse(struct tenant *t, struct str reason, const struct err *why, struct err *err) {
    int rc = status_condition(t->status, STR("Ready"), STR("False"), reason, str_of(why->msg), err);
    struct run *r = rc ? NULL : run_new(t);
    if (!r) return rc ? rc : err_set(err, ERR_NOMEM, "no memory for a run");
    r->failure = *why;
    write_status(r);
    return 0;
}
