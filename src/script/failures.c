#include "script/failures.h"

#include "base/clock.h"

static const struct {
    const char *name;
    enum doc_type type;
    bool needed;
} fields[] = {
    {"rule", DOC_STRING, true},   {"text", DOC_STRING, true},      {"key", DOC_STRING, false},     {"severity", DOC_STRING, false},
    {"since", DOC_STRING, false}, {"sensitive", DOC_ARRAY, false}, {"evidence", DOC_ARRAY, false}, {"as", DOC_OBJECT, false},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static int refuse(const struct policy *p, size_t i, struct err *err, const char *format, ...) __attribute__((format(printf, 4, 5)));

static int refuse(const struct policy *p, size_t i, struct err *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    err_setv(err, ERR_POLICY, format, args);
    va_end(args);
    return err_prefix(err, "%s: failure %zu of analyzers/%s", p->source, i + 1, p->name);
}

static bool is_list(struct doc_value v) { return doc_type(v) == DOC_ARRAY || (doc_type(v) == DOC_OBJECT && doc_len(v) == 0); }

static int check_field(const struct policy *p, size_t at, struct str name, struct doc_value v, struct err *err) {
    int i = 0;
    while (i < FIELDS && !str_is(name, fields[i].name)) i++;
    if (i == FIELDS) return refuse(p, at, err, "has an unknown field " STR_FMT, STR_ARG(name));
    bool ok = fields[i].type == DOC_ARRAY ? is_list(v) : doc_type(v) == fields[i].type;
    return ok ? 0
              : refuse(p, at, err, "%s must be of type %s, is %s", fields[i].name, doc_type_name(fields[i].type),
                       doc_type_name(doc_type(v)));
}

static int check_shape(const struct policy *p, size_t at, struct doc_value failure, struct err *err) {
    if (doc_type(failure) != DOC_OBJECT) return refuse(p, at, err, "must be a table with rule and text");
    int rc = 0;
    for (size_t i = 0; i < doc_len(failure) && !rc; i++) {
        struct str name;
        struct doc_value v = doc_pair(failure, i, &name, NULL);
        rc = check_field(p, at, name, v, err);
    }
    for (int i = 0; i < FIELDS && !rc; i++)
        if (fields[i].needed && !doc_path_str(failure, fields[i].name).n) rc = refuse(p, at, err, "has no %s", fields[i].name);
    return rc;
}

static int check_values(const struct policy *p, size_t at, struct doc_value failure, struct err *err) {
    struct str rule = doc_path_str(failure, "rule");
    struct doc_value severity = doc_path(failure, "severity"), since = doc_path(failure, "since");
    enum severity ignored;
    int64_t time;
    if (!policy_rule(p, rule)) return refuse(p, at, err, "rule " STR_FMT " is not declared; add it to rules", STR_ARG(rule));
    if (doc_type(severity) == DOC_STRING && !severity_parse(doc_str(severity), &ignored))
        return refuse(p, at, err, "severity must be critical, high, medium or low");
    if (doc_type(since) == DOC_STRING && !clock_parse(doc_str(since), &time)) return refuse(p, at, err, "since must be an RFC 3339 time");
    return 0;
}

static int check_as(const struct policy *p, size_t at, struct doc_value as, struct err *err) {
    for (size_t i = 0; i < doc_len(as); i++) {
        struct str name;
        struct doc_value v = doc_pair(as, i, &name, NULL);
        if ((!str_is(name, "kind") && !str_is(name, "name")) || doc_type(v) != DOC_STRING || doc_str(v).n == 0)
            return refuse(p, at, err, "as must be {kind, name}, each a string that is not empty, or left out");
    }
    return 0;
}

static int check_parts(const struct policy *p, size_t at, struct doc_value failure, struct err *err) {
    struct doc_value sensitive = doc_path(failure, "sensitive"), evidence = doc_path(failure, "evidence");
    for (size_t i = 0; i < doc_len(sensitive); i++)
        if (doc_type(doc_at(sensitive, i)) != DOC_STRING) return refuse(p, at, err, "sensitive must be a list of strings");
    for (size_t i = 0; i < doc_len(evidence); i++) {
        struct doc_value item = doc_at(evidence, i);
        bool ok = doc_len(item) == 2 && doc_type(doc_path(item, "path")) == DOC_STRING && doc_type(doc_path(item, "value")) == DOC_STRING;
        if (!ok) return refuse(p, at, err, "evidence must be a list of {path, value}, both strings");
    }
    return check_as(p, at, doc_path(failure, "as"), err);
}

static bool are_one_finding(struct doc_value a, struct doc_value b) {
    static const char *const identity[] = {"rule", "key", "as.kind", "as.name"};
    for (size_t i = 0; i < sizeof identity / sizeof *identity; i++)
        if (!str_eq(doc_path_str(a, identity[i]), doc_path_str(b, identity[i]))) return false;
    return true;
}

static int check_unique(const struct policy *p, size_t at, struct doc_value failures, struct err *err) {
    struct str rule = doc_path_str(doc_at(failures, at), "rule"), key = doc_path_str(doc_at(failures, at), "key");
    for (size_t i = 0; i < at; i++) {
        if (are_one_finding(doc_at(failures, at), doc_at(failures, i)))
            return refuse(p, at, err, "has the rule " STR_FMT " and key \"" STR_FMT "\" of failure %zu; give each a key of its own",
                          STR_ARG(rule), STR_ARG(key), i + 1);
    }
    return 0;
}

int failures_check(const struct policy *policy, struct doc_value failures, struct err *err) {
    enum { MAX_FAILURES = 1000 }; /* each is compared with each, and nobody reads more of one object */
    int rc = 0;
    if (doc_type(failures) == DOC_ABSENT || doc_type(failures) == DOC_NULL) return 0;
    if (!is_list(failures))
        return err_set(err, ERR_POLICY, "%s: run of analyzers/%s must return a list of failures", policy->source, policy->name);
    if (doc_len(failures) > MAX_FAILURES)
        return err_set(err, ERR_LIMIT, "%s: over %d failures of one object", policy->source, MAX_FAILURES);
    for (size_t i = 0; i < doc_len(failures) && !rc; i++) {
        rc = check_shape(policy, i, doc_at(failures, i), err);
        if (!rc) rc = check_values(policy, i, doc_at(failures, i), err);
        if (!rc) rc = check_parts(policy, i, doc_at(failures, i), err);
        if (!rc) rc = check_unique(policy, i, failures, err);
    }
    return rc;
}
