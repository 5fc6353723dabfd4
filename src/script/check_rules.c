#include <stdlib.h>

#include "script/load.h"

static int read_seconds(struct doc_value v, const char *rule, const char *what, int64_t *out, struct err *err) {
    *out = doc_int(v);
    if (doc_type(v) == DOC_ABSENT || (doc_type(v) == DOC_INT && *out >= 0)) return 0;
    return err_set(err, ERR_POLICY, "%s of rule %s must be a whole number of seconds", what, rule);
}

static int check_rule_fields(const char *name, struct doc_value v, struct err *err) {
    if (doc_type(v) != DOC_OBJECT) return err_set(err, ERR_POLICY, "rule %s must be a table with a severity", name);
    for (size_t i = 0; i < doc_len(v); i++) {
        struct str key;
        doc_pair(v, i, &key, NULL);
        if (!str_is(key, "severity") && !str_is(key, "grace") && !str_is(key, "settle") && !str_is(key, "evidence"))
            return err_set(err, ERR_POLICY, "rule %s has an unknown field " STR_FMT, name, STR_ARG(key));
    }
    return 0;
}

static int check_rule(struct policy_rule *rule, struct doc_value v, struct err *err) {
    int rc = check_rule_fields(rule->name, v, err);
    if (rc) return rc;
    if (!severity_parse(doc_path_str(v, "severity"), &rule->severity))
        return err_set(err, ERR_POLICY, "severity of rule %s must be critical, high, medium or low", rule->name);
    rule->evidence = doc_get(v, STR("evidence"));
    bool empty = doc_type(rule->evidence) == DOC_OBJECT && doc_len(rule->evidence) == 0; /* {} in Lua */
    if (doc_type(rule->evidence) != DOC_ABSENT && doc_type(rule->evidence) != DOC_ARRAY && !empty)
        return err_set(err, ERR_POLICY, "evidence of rule %s must be a list of paths", rule->name);
    rc = read_seconds(doc_get(v, STR("grace")), rule->name, "grace", &rule->grace_s, err);
    return rc ? rc : read_seconds(doc_get(v, STR("settle")), rule->name, "settle", &rule->settle_s, err);
}

int check_rules(struct policy *p, struct doc_value table, struct err *err) {
    struct doc_value rules = doc_get(table, STR("rules"));
    size_t n = doc_len(rules);
    if (n == 0 && p->kind == POLICY_ANALYZER && !p->wraps) return err_set(err, ERR_POLICY, "an analyzer needs rules");
    if (n == 0) return 0;
    p->rules = calloc(n, sizeof *p->rules);
    if (!p->rules) return err_set(err, ERR_NOMEM, "no memory for rules");
    p->rule_count = n;
    for (size_t i = 0; i < n; i++) {
        struct str name;
        struct doc_value v = doc_pair(rules, i, &name, NULL);
        p->rules[i].name = name.p;
        int rc = check_rule(&p->rules[i], v, err);
        if (rc) return rc;
    }
    return 0;
}
