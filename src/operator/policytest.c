#include "operator/policytest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "doc/builder.h"
#include "doc/copy.h"
#include "doc/yaml.h"
#include "operator/operator_internal.h"
#include "operator/plan.h"
#include "operator/policytest_internal.h"

enum { MAX_TABLE_BYTES = 4 * 1024 * 1024, MAX_PROBLEM_BYTES = 32 * 1024 };

static const char DEFAULT_NOW[] = "2026-03-01T10:10:00Z";

/* A misspelt key would make a case pass that tests nothing. */
static const char *const TABLE_KEYS[] = {"now", "subject", "cr", "options", "input", "objects", "findings", "cases", NULL};
static const char *const CASE_KEYS[] = {"name",         "now",      "subject", "cr",      "options",         "input",
                                        "objects",      "findings", "params",  "config",  "change",          "expect",
                                        "expect_error", "forbid",   "reply",   "answers", "expect_requests", "again_after_seconds",
                                        "size",         NULL};

struct doc_value trial_field(const struct trial *t, const char *name) {
    struct doc_value v = doc_get(t->row, str_of(name));
    return doc_type(v) == DOC_ABSENT ? doc_get(t->table, str_of(name)) : v;
}

bool trial_complain(struct trial *t, const char *text) {
    struct err err;
    if (buf_puts(&t->why, text, &err)) buf_clear(&t->why);
    return false;
}

/* ---- the world of a case ------------------------------------------------------------------------------------------------------ */

static int load_one(struct doc *object, void *arg, struct err *err) {
    struct trial *t = arg;
    return cluster_load(t->cluster, object, err);
}

static int load_file(struct trial *t, struct str file, struct err *err) {
    char *path = NULL;
    struct buf text = buf_new(MAX_TABLE_BYTES);
    if (asprintf(&path, "%s/" STR_FMT, t->dir, STR_ARG(file)) < 0) return err_set(err, ERR_NOMEM, "no memory");
    int rc = file_read(path, &text, err);
    if (!rc) rc = yaml_read((struct str){text.data, text.len}, load_one, t, err);
    if (rc) err_prefix(err, STR_FMT, STR_ARG(file));
    buf_free(&text);
    free(path);
    return rc;
}

static int open_stores(struct trial *t, struct err *err) {
    struct plan_wants wants = {0};
    int rc = plan_policy_wants(t->policy, &wants, err);
    struct cluster_plan *plan = rc ? NULL : cluster_prepare(t->cluster, wants.items, wants.count, NULL, NULL, err);
    if (plan) cluster_commit(t->cluster, plan);
    plan_wants_free(&wants);
    if (!rc && !plan) rc = (int)err->code;
    return rc;
}

static int forbid(struct trial *t, struct err *err) {
    struct doc_value list = trial_field(t, "forbid");
    for (size_t i = 0; i < doc_len(list); i++) {
        const struct gvk *gvk = gvk_parse(doc_str(doc_at(list, i)), err);
        if (!gvk) return err->code;
        cluster_forbid(t->cluster, gvk);
    }
    return 0;
}

static void not_touched(struct evaluation *e, void *arg) {
    (void)e;
    (void)arg;
}

static int make_world(struct trial *t, struct err *err) {
    struct str now = doc_str(trial_field(t, "now"));
    if (!clock_parse(now.n ? now : str_of(DEFAULT_NOW), &t->now_ms)) return err_set(err, ERR_INVALID, "now is not a time");
    clock_fix_wall(t->now_ms);
    t->cluster = cluster_new_offline();
    t->reads = reads_new(not_touched, NULL);
    t->owners = t->cluster && t->reads ? owners_new(NULL, t->cluster, t->reads) : NULL;
    t->calls = policycalls_new(NULL, NULL);
    if (!t->owners || !t->calls) return err_set(err, ERR_NOMEM, "no memory for a test");
    t->reader.cluster = t->cluster;
    t->reader.owners = t->owners;
    int rc = open_stores(t, err);
    struct doc_value files = trial_field(t, "objects");
    for (size_t i = 0; !rc && i < doc_len(files); i++) rc = load_file(t, doc_str(doc_at(files, i)), err);
    return rc ? rc : forbid(t, err);
}

static void end_world(struct trial *t) {
    doc_unref(t->outcome.values);
    doc_unref(t->open);
    for (size_t i = 0; i < t->part_count; i++) doc_unref(t->parts[i]);
    reader_release(&t->reader);
    findings_free(t->findings);
    policycalls_free(t->calls);
    owners_free(t->owners);
    reads_free(t->reads);
    cluster_free(t->cluster);
}

/* ---- tables -------------------------------------------------------------------------------------------------------------------------- */

static bool try_case(struct trial *t) {
    struct err err;
    struct policy effective = *t->policy;
    struct doc_value params = doc_get(t->row, STR("params"));
    if (make_world(t, &err)) return trial_complain(t, err.msg);
    if (doc_type(params) != DOC_ABSENT) {
        effective.params = doc_copy(params, &err);
        if (!effective.params) return trial_complain(t, err.msg);
        t->parts[t->part_count++] = effective.params;
    }
    return trial_run(t, &effective);
}

static bool known_keys(struct doc_value object, const char *const *keys, struct str *stranger) {
    for (size_t i = 0; i < doc_len(object); i++) {
        bool known = false;
        doc_pair(object, i, stranger, NULL);
        for (size_t k = 0; keys[k]; k++) known |= str_is(*stranger, keys[k]);
        if (!known) return false;
    }
    return true;
}

static void run_case(const struct policy *policy, const char *dir, struct doc_value table, struct doc_value row,
                     const struct policytest_listener *l) {
    struct trial t = {.policy = policy, .dir = dir, .table = table, .row = row, .why = buf_new(MAX_PROBLEM_BYTES)};
    struct str stranger, name = doc_path_str(row, "name");
    struct err err;
    t.reader.trace = l->trace;
    t.reader.trace_arg = l->arg;
    bool good = known_keys(row, CASE_KEYS, &stranger);
    if (!good && buf_printf(&t.why, &err, "a case has no field " STR_FMT, STR_ARG(stranger))) buf_clear(&t.why);
    good = good && try_case(&t);
    l->result(name.n ? name.p : "(a case without a name)", good ? NULL : t.why.len ? t.why.data : "it failed", doc_root(t.open), l->arg);
    end_world(&t);
    buf_free(&t.why);
}

static int run_table(const struct policy *policy, const char *dir, struct doc_value table, const struct policytest_listener *l,
                     struct err *err) {
    struct doc_value cases = doc_path(table, "cases");
    struct str stranger;
    if (!known_keys(table, TABLE_KEYS, &stranger))
        return err_set(err, ERR_INVALID, "a test table has no field " STR_FMT, STR_ARG(stranger));
    if (doc_type(cases) != DOC_ARRAY || doc_len(cases) == 0) return err_set(err, ERR_INVALID, "a test table needs cases");
    for (size_t i = 0; i < doc_len(cases); i++) run_case(policy, dir, table, doc_at(cases, i), l);
    return 0;
}

int policytest_run(const struct policy *policy, const char *path, const struct policytest_listener *listener, struct err *err) {
    struct buf text = buf_new(MAX_TABLE_BYTES);
    struct doc *table = NULL;
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    int rc = dir ? file_read(path, &text, err) : err_set(err, ERR_NOMEM, "no memory");
    if (!rc && !(table = yaml_decode((struct str){text.data, text.len}, err))) rc = err->code;
    if (!rc) rc = run_table(policy, dir, doc_root(table), listener, err);
    if (rc) err_prefix(err, "%s", path);
    doc_unref(table);
    buf_free(&text);
    free(dir);
    return rc;
}
