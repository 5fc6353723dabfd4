#include "doc/copy.h"
#include "operator/docmatch.h"
#include "operator/findings_internal.h"
#include "operator/policytest_internal.h"

static void not_dirty(void *arg) { (void)arg; }

static int add_finding(struct findings *f, struct doc_value row, struct err *err) {
    struct group_key key = {.analyzer = doc_path_str(row, "analyzer"),
                            .kind = doc_path_str(row, "kind"),
                            .ns = doc_path_str(row, "namespace"),
                            .name = doc_path_str(row, "name")};
    struct group *g;
    if (!key.analyzer.n) key.analyzer = key.kind;
    if (!key.kind.n || !key.name.n || !doc_path_str(row, "rule").n)
        return err_set(err, ERR_INVALID, "a finding of `findings` needs kind, name and rule");
    int rc = group_find(f, &key, &g, err);
    if (!rc && !g && !(g = group_new(f, &key, STR("v1"), err))) rc = err->code;
    struct finding *made = rc ? NULL : group_finding(g, doc_path_str(row, "rule"), doc_path_str(row, "key"), err);
    if (!made) return err->code;
    made->state = FINDING_OPEN;
    if (!severity_parse(doc_path_str(row, "severity"), &made->severity)) made->severity = SEVERITY_MEDIUM;
    return 0;
}

static int open_findings(struct trial *t, struct err *err) {
    struct findings_identity nobody = {STR(""), STR("test"), STR("test")};
    struct findings_owner owner = {.dirty = not_dirty};
    struct doc_value rows = trial_field(t, "findings");
    t->findings = findings_new(&nobody, NULL, false, &owner);
    int rc = t->findings ? 0 : err_set(err, ERR_NOMEM, "no memory for a test");
    for (size_t i = 0; !rc && i < doc_len(rows); i++) rc = add_finding(t->findings, doc_at(rows, i), err);
    t->reader.findings = t->findings;
    return rc;
}

static bool judge(struct trial *t) {
    struct doc_value value = doc_at(doc_root(t->outcome.values), 0), wanted = trial_field(t, "expect");
    struct finding_place place;
    struct err err;
    bool none = doc_type(value) <= DOC_NULL;
    if (none && doc_type(wanted) <= DOC_NULL) return true;
    if (none) return trial_complain(t, "it names no finding");
    if (findings_open_find(t->findings, value, &place, &err)) return trial_complain(t, err.msg);
    if (!place.finding) return trial_complain(t, "it returns something else than a finding that ctx.findings_of gave");
    return docmatch(value, wanted, "expect", &t->why);
}

bool trial_correlate(struct trial *t, const struct policy *policy) {
    struct err err;
    struct doc *input = doc_copy(trial_field(t, "input"), &err);
    if (!input) return trial_complain(t, err.msg);
    t->parts[t->part_count++] = input;
    if (open_findings(t, &err)) return trial_complain(t, err.msg);
    trial_call(t, policy, "cause", &(struct script_arg){input, NULL}, 1);
    return trial_failed_as_expected(t) && (t->outcome.result != SCRIPT_OK || judge(t));
}
