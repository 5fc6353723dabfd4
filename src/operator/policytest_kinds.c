#include <stdio.h>
#include <stdlib.h>

#include "doc/builder.h"
#include "doc/copy.h"
#include "operator/ask.h"
#include "operator/docmatch.h"
#include "operator/findings.h"
#include "operator/policytest_internal.h"
#include "script/evidence.h"
#include "script/failures.h"

enum { MAX_REPORT_BYTES = 1024 * 1024 };

/* ---- calls ---------------------------------------------------------------------------------------------------------------------- */

/* A part of the table as a document of its own; an absent one as {}. */
static const struct doc *part(struct trial *t, const char *name, struct err *err) {
    struct doc_value v = trial_field(t, name);
    struct doc *doc;
    if (doc_type(v) == DOC_ABSENT) {
        struct doc_builder *b = doc_builder_new();
        if (!b) return NULL;
        doc_begin_object(b);
        doc_end_object(b);
        doc = doc_builder_finish(b, err);
        doc_builder_free(b);
    } else {
        doc = doc_copy(v, err);
    }
    if (doc) t->parts[t->part_count++] = doc;
    return doc;
}

void trial_call(struct trial *t, const struct policy *policy, const char *function, const struct script_arg *args, size_t count) {
    struct script_call c = {.policy = policy, .function = function, .arg_count = count};
    for (size_t i = 0; i < count; i++) c.args[i] = args[i];
    policycalls_run(t->calls, &c, &t->reader, &t->outcome);
}

bool trial_failed_as_expected(struct trial *t) {
    struct str expected = doc_str(trial_field(t, "expect_error"));
    if (t->outcome.result == SCRIPT_OK) return expected.n == 0 || trial_complain(t, "it did not fail");
    if (expected.n == 0) return trial_complain(t, t->outcome.err.msg);
    if (str_is(expected, script_result_name(t->outcome.result)) ||
        memmem(t->outcome.err.msg, strlen(t->outcome.err.msg), expected.p, expected.n))
        return true;
    return trial_complain(t, t->outcome.err.msg);
}

/* ---- requests ----------------------------------------------------------------------------------------------------------------------- */

static bool judge_request(struct trial *t, struct doc_value request, size_t n) {
    struct doc_value wanted = trial_field(t, "expect_requests"), row = doc_at(wanted, n);
    char path[64];
    if (doc_type(wanted) == DOC_ABSENT) return true;
    if (n >= doc_len(wanted))
        return trial_complain(t, "one more request than expect_requests has: ") || docmatch(request, DOC_NO_VALUE, "it", &t->why);
    snprintf(path, sizeof path, "request %zu", n + 1);
    struct doc_value args = doc_path(row, "args");
    if (!docmatch(doc_path(request, "op"), doc_path(row, "op"), path, &t->why)) return false;
    for (size_t i = 0; i < doc_len(args); i++)
        if (!docmatch(doc_at(doc_path(request, "args"), i), doc_at(args, i), path, &t->why)) return false;
    return true;
}

static void put_nothing_managed(struct doc_builder *b) {
    doc_begin_object(b);
    doc_key(b, STR("objects"));
    doc_begin_array(b);
    doc_end_array(b);
    doc_key(b, STR("followers"));
    doc_begin_array(b);
    doc_end_array(b);
    doc_key(b, STR("unreadable"));
    doc_begin_array(b);
    doc_end_array(b);
    doc_end_object(b);
}

static struct doc *plain_answer(struct str op, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) return NULL;
    if (str_is(op, "findings") || str_is(op, "publish") || str_is(op, "render")) {
        doc_begin_array(b);
        doc_end_array(b);
    } else if (str_is(op, "managed")) {
        put_nothing_managed(b);
    } else {
        doc_put_bool(b, true);
    }
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

/* A remote analyzer is answered by the objects of the case: they have Secrets, and no logs. */
static struct doc *world_answer(struct trial *t, struct doc_value request, struct err *failure) {
    const struct asks asks = {.cluster = t->cluster};
    struct ask_answer now;
    (void)ask_start(&asks, request, 0, NULL, NULL, &now);
    *failure = now.err;
    return now.doc;
}

/* What the table answers to this request. What it has no answer for succeeds where a step asks. */
static struct doc *answer_to(struct trial *t, struct doc_value request, size_t *next, struct err *failure) {
    struct doc_value row = doc_at(trial_field(t, "answers"), *next);
    struct str refusal = doc_path_str(row, "failure"), op = doc_path_str(request, "op");
    *failure = (struct err){0};
    if (!str_eq(doc_path_str(row, "op"), op))
        return t->policy->kind == POLICY_STEP ? plain_answer(op, failure) : world_answer(t, request, failure);
    ++*next;
    if (refusal.n) {
        t->unanswered = true;
        err_set(failure, ERR_SERVER, STR_FMT, STR_ARG(refusal));
        return NULL;
    }
    return doc_copy(doc_path(row, "answer"), failure);
}

/* Runs the call of a step or of a remote analyzer to its end. */
static bool drive(struct trial *t, struct script_call *call) {
    struct script_task *task = NULL;
    size_t asked = 0, next = 0;
    bool good = true;
    t->reader.hold = true;
    script_start(call, &task, &t->outcome);
    while (t->outcome.result == SCRIPT_SUSPENDED) {
        struct doc_value request = script_request(task);
        struct err failure;
        good = good && judge_request(t, request, asked++);
        struct doc *answer = answer_to(t, request, &next, &failure);
        script_resume(&task, answer, failure.code ? &failure : NULL, &t->outcome);
        doc_unref(answer);
    }
    if (good && asked < doc_len(trial_field(t, "expect_requests"))) return trial_complain(t, "fewer requests than expect_requests has");
    return good;
}

/* ---- analyzers -------------------------------------------------------------------------------------------------------------------- */

static void not_dirty(void *arg) { (void)arg; }

struct shown {
    struct doc_builder *builder;
    int64_t next_ms;
};

static void put_finding(struct doc_builder *b, const struct finding *f) {
    struct doc_value failure = doc_root(f->failure);
    doc_begin_object(b);
    for (size_t i = 0; i < doc_len(failure); i++) {
        struct str key;
        struct doc_value value = doc_pair(failure, i, &key, NULL);
        if (str_is(key, "severity")) continue;
        doc_key(b, key);
        doc_put_value(b, value);
    }
    doc_pair_str(b, "severity", str_of(severity_name(f->severity)));
    doc_end_object(b);
}

static void show_group(struct group *g, void *arg) {
    struct shown *s = arg;
    for (size_t i = 0; i < g->count; i++) {
        const struct finding *f = &g->findings[i];
        if (finding_is_shown(f))
            put_finding(s->builder, f);
        else if (f->state == FINDING_PENDING && (s->next_ms == 0 || f->opens_ms < s->next_ms))
            s->next_ms = f->opens_ms;
    }
}

/* The findings that are open at this moment, by the same state machine as in the operator. */
static struct doc *open_findings(struct trial *t, const struct verdict *v, int64_t *next_ms, struct err *err) {
    struct findings_identity nobody = {STR(""), STR("test"), STR("test")};
    struct findings_owner owner = {.dirty = not_dirty};
    struct findings *findings = findings_new(&nobody, NULL, false, &owner);
    struct shown shown = {doc_builder_new(), t->reader.again_at_ms};
    if (!findings || !shown.builder) {
        findings_free(findings);
        doc_builder_free(shown.builder);
        err_set(err, ERR_NOMEM, "no memory for a test");
        return NULL;
    }
    findings_verdict(findings, v);
    doc_begin_array(shown.builder);
    findings_each(findings, show_group, &shown);
    doc_end_array(shown.builder);
    struct doc *doc = doc_builder_finish(shown.builder, err);
    *next_ms = shown.next_ms;
    doc_builder_free(shown.builder);
    findings_free(findings);
    return doc;
}

static bool check_again(struct trial *t, int64_t next_ms) {
    struct doc_value wanted = trial_field(t, "again_after_seconds");
    struct err err;
    if (doc_type(wanted) == DOC_ABSENT) return true;
    double seconds = next_ms ? (double)(next_ms - t->now_ms) / 1000 : -1;
    if (next_ms && seconds - doc_double(wanted) < 0.001 && doc_double(wanted) - seconds < 0.001) return true;
    if (!next_ms) return trial_complain(t, "it does not want to be run again");
    if (buf_printf(&t->why, &err, "again after %g seconds, not %g", seconds, doc_double(wanted))) buf_clear(&t->why);
    return false;
}

static bool judge_findings(struct trial *t, const struct gvk *gvk, const struct doc *object) {
    struct err err;
    struct doc_value meta = doc_path(doc_root(object), "metadata"), failures = doc_at(doc_root(t->outcome.values), 0);
    int64_t next_ms = 0;
    if (doc_len(failures) && failures_check(t->policy, failures, &err)) return trial_complain(t, err.msg);
    struct doc *whole = evidence_attach(t->policy, object, failures, &err);
    if (!whole) return trial_complain(t, err.msg);
    t->parts[t->part_count++] = whole;
    struct verdict v = {
        .policy = t->policy,
        .decider = t->policy,
        .gvk = gvk,
        .ns = doc_path_str(meta, "namespace"),
        .name = doc_path_str(meta, "name"),
        .failures = doc_root(whole),
    };
    t->open = open_findings(t, &v, &next_ms, &err);
    if (!t->open) return trial_complain(t, err.msg);
    return docmatch(doc_root(t->open), trial_field(t, "expect"), "expect", &t->why) && check_again(t, next_ms);
}

static bool try_analyzer(struct trial *t, const struct policy *policy) {
    struct doc_value subject = trial_field(t, "subject");
    struct str ns = doc_path_str(subject, "namespace"), name = doc_path_str(subject, "name");
    const struct policy_watch *watch = policy_subject(policy, doc_path_str(subject, "kind"));
    const struct store *store = watch ? cluster_store(t->cluster, watch->gvk) : NULL;
    const struct doc *object = store ? store_get(store, ns, name) : NULL;
    if (!object) return trial_complain(t, "the subject is not among the objects");
    struct script_call c = {.policy = policy, .function = "run", .args = {{object, watch->projection}}, .arg_count = 1};
    policycalls_prepare(t->calls, &c, &t->reader);
    if (policy->remote && !drive(t, &c)) return false;
    if (!policy->remote) policycalls_run(t->calls, &c, &t->reader, &t->outcome);
    bool ended = t->outcome.result == SCRIPT_OK;
    if (ended && t->unanswered) t->outcome.result = SCRIPT_UNANSWERED;
    if (!trial_failed_as_expected(t)) return false;
    return !ended || judge_findings(t, watch->gvk, object);
}

/* ---- filters, routes, sinks, reports
 * --------------------------------------------------------------------------------------------------------- */

/* keep returns a boolean and a reason: compared as {keep, reason}. */
static bool judge_keep(struct trial *t) {
    struct err err;
    struct doc_value values = doc_root(t->outcome.values);
    struct doc_builder *b = doc_builder_new();
    if (!b) return trial_complain(t, "no memory for a test");
    doc_begin_object(b);
    doc_pair_bool(b, "keep", doc_bool(doc_at(values, 0)));
    if (doc_type(doc_at(values, 1)) == DOC_STRING) doc_pair_str(b, "reason", doc_str(doc_at(values, 1)));
    doc_end_object(b);
    struct doc *have = doc_builder_finish(b, &err);
    doc_builder_free(b);
    bool good = have ? docmatch(doc_root(have), trial_field(t, "expect"), "expect", &t->why) : trial_complain(t, err.msg);
    doc_unref(have);
    return good;
}

static bool is_empty(struct doc_value v) { return (doc_type(v) == DOC_ARRAY || doc_type(v) == DOC_OBJECT) && doc_len(v) == 0; }

/* What it returned, or after a nil why it failed. */
static bool judge_value(struct trial *t) {
    struct doc_value values = doc_root(t->outcome.values), want = trial_field(t, "expect"), first = doc_at(values, 0);
    if (!t->outcome.values && is_empty(want)) return true;
    return docmatch(doc_type(first) <= DOC_NULL ? doc_at(values, 1) : first, want, "expect", &t->why);
}

static bool try_filter(struct trial *t, const struct policy *policy) {
    struct err err;
    bool keeps = doc_type(trial_field(t, "input")) != DOC_ABSENT;
    const struct doc *cr = part(t, "cr", &err), *input = part(t, "input", &err);
    if (!cr || !input) return trial_complain(t, err.msg);
    if (keeps)
        trial_call(t, policy, "keep", (struct script_arg[]){{input, NULL}, {cr, NULL}}, 2);
    else
        trial_call(t, policy, "select", (struct script_arg[]){{cr, NULL}}, 1);
    if (!trial_failed_as_expected(t)) return false;
    return t->outcome.result != SCRIPT_OK || (keeps ? judge_keep(t) : judge_value(t));
}

static bool try_route(struct trial *t, const struct policy *policy) {
    struct err err;
    const struct doc *input = part(t, "input", &err), *change = part(t, "change", &err), *cr = part(t, "cr", &err);
    if (!input || !change || !cr) return trial_complain(t, err.msg);
    trial_call(t, policy, "run", (struct script_arg[]){{input, NULL}, {change, NULL}, {cr, NULL}}, 3);
    return trial_failed_as_expected(t) && (t->outcome.result != SCRIPT_OK || judge_value(t));
}

static bool try_sink(struct trial *t, const struct policy *policy) {
    struct err err;
    bool replies = doc_type(trial_field(t, "reply")) != DOC_ABSENT;
    const struct doc *input = part(t, "input", &err), *config = part(t, "config", &err), *reply = part(t, "reply", &err);
    if (!input || !config || !reply) return trial_complain(t, err.msg);
    if (replies)
        trial_call(t, policy, "response", (struct script_arg[]){{reply, NULL}}, 1);
    else
        trial_call(t, policy, "request", (struct script_arg[]){{input, NULL}, {config, NULL}}, 2);
    return trial_failed_as_expected(t) && (t->outcome.result != SCRIPT_OK || judge_value(t));
}

/* A report in pieces is compared as a whole. */
static bool judge_text(struct trial *t) {
    struct doc_value pieces = doc_at(doc_root(t->outcome.values), 0);
    struct doc_builder *b = doc_builder_new();
    struct buf text = buf_new(MAX_REPORT_BYTES);
    struct err err;
    int rc = b ? 0 : err_set(&err, ERR_NOMEM, "no memory for a test");
    for (size_t i = 0; !rc && i < doc_len(pieces); i++)
        rc = buf_append(&text, doc_str(doc_at(pieces, i)).p, doc_str(doc_at(pieces, i)).n, &err);
    if (!rc) doc_put_str(b, (struct str){text.data, text.len});
    struct doc *have = rc ? NULL : doc_builder_finish(b, &err);
    doc_builder_free(b);
    buf_free(&text);
    bool good = have ? docmatch(doc_root(have), trial_field(t, "expect"), "expect", &t->why) : trial_complain(t, err.msg);
    doc_unref(have);
    return good;
}

static bool try_report(struct trial *t, const struct policy *policy) {
    struct err err;
    const struct doc *input = part(t, "input", &err);
    if (!input) return trial_complain(t, err.msg);
    trial_call(t, policy, "render", &(struct script_arg){input, NULL}, 1);
    return trial_failed_as_expected(t) && (t->outcome.result != SCRIPT_OK || judge_text(t));
}

/* ---- render policies --------------------------------------------------------------------------------------------------------------- */

static bool try_render(struct trial *t, const struct policy *policy) {
    struct err err;
    bool sized = doc_type(trial_field(t, "size")) != DOC_ABSENT;
    const struct doc *cr = part(t, "cr", &err), *options = part(t, "options", &err), *size = sized ? part(t, "size", &err) : NULL;
    if (!cr || !options || (sized && !size)) return trial_complain(t, err.msg);
    struct policycalls *calls = policycalls_new(NULL, options);
    if (!calls) return trial_complain(t, "no memory for a test");
    struct script_call c = {.policy = policy, .function = "render", .args = {{cr, NULL}, {size, NULL}}, .arg_count = 2};
    policycalls_run(calls, &c, &t->reader, &t->outcome);
    policycalls_free(calls);
    return trial_failed_as_expected(t) && (t->outcome.result != SCRIPT_OK || judge_value(t));
}

/* ---- steps -------------------------------------------------------------------------------------------------------------------------- */

static bool try_step(struct trial *t, const struct policy *policy) {
    struct err err;
    const struct doc *cr = part(t, "cr", &err), *options = part(t, "options", &err);
    if (!cr || !options) return trial_complain(t, err.msg);
    struct script_call c = {.policy = policy, .function = "run", .args = {{cr, NULL}}, .arg_count = 1};
    policycalls_prepare(t->calls, &c, &t->reader);
    c.options = options;
    return drive(t, &c) && trial_failed_as_expected(t) && (t->outcome.result != SCRIPT_OK || judge_value(t));
}

static bool (*const TRY[POLICY_KINDS])(struct trial *t, const struct policy *policy) = {
    [POLICY_STEP] = try_step,   [POLICY_ANALYZER] = try_analyzer, [POLICY_CORRELATE] = trial_correlate, [POLICY_FILTER] = try_filter,
    [POLICY_ROUTE] = try_route, [POLICY_SINK] = try_sink,         [POLICY_REPORT] = try_report,         [POLICY_RENDER] = try_render,
};

bool trial_run(struct trial *t, const struct policy *policy) { return TRY[policy->kind](t, policy); }
