#include "operator/reported.h"

#include "operator/operator_internal.h"

/* Whoever reports says neither how grave a failure is nor for how long it may last. */
static const struct policy_rule ANY_RULE = {.name = "reported", .severity = SEVERITY_MEDIUM};

void reported_begin(struct tenant *t) { t->report++; }

static int refuse(struct err *err, struct doc_value object, const char *why) {
    return err_set(err, ERR_INVALID, "ctx.report: " STR_FMT " " STR_FMT ": %s", STR_ARG(doc_path_str(object, "kind")),
                   STR_ARG(doc_path_str(object, "name")), why);
}

static int check(const struct tenant *t, struct doc_value object, struct err *err) {
    static const char *const NEEDED[] = {"analyzer", "kind", "name"};
    struct doc_value failures = doc_path(object, "failures");
    for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++)
        if (!doc_path_str(object, NEEDED[i]).n) return refuse(err, object, "analyzer, kind and name are needed");
    for (size_t i = 0; i < doc_len(failures); i++)
        if (!doc_path_str(doc_at(failures, i), "rule").n || !doc_path_str(doc_at(failures, i), "text").n)
            return refuse(err, object, "a failure needs rule and text");
    if (tenant_has_chosen(t, doc_path_str(object, "analyzer").p)) return refuse(err, object, "its analyzer has the name of a built-in one");
    return 0;
}

/* Kinds are whatever the peer calls them: they are not kept for ever, as those of gvk_parse are. */
static void take(struct tenant *t, struct doc_value object) {
    struct str api_version = doc_path_str(object, "apiVersion");
    struct gvk gvk = {.text = "", .api_version = api_version.n ? api_version.p : "", .kind = doc_path_str(object, "kind").p};
    struct policy reporter = {.kind = POLICY_ANALYZER, .name = doc_path_str(object, "analyzer").p, .layer = LAYER_OBJECT, .source = t->key};
    struct verdict v = {.policy = &reporter,
                        .decider = &reporter,
                        .gvk = &gvk,
                        .ns = doc_path_str(object, "namespace"),
                        .name = doc_path_str(object, "name"),
                        .failures = doc_path(object, "failures"),
                        .parent = doc_path_str(object, "parentObject"),
                        .details = doc_path_str(object, "details"),
                        .any_rule = &ANY_RULE,
                        .report = t->report};
    findings_verdict(t->findings, &v);
}

int reported_take(struct tenant *t, struct doc_value objects, struct err *err) {
    for (size_t i = 0; i < doc_len(objects); i++) {
        int rc = check(t, doc_at(objects, i), err);
        if (rc) return rc;
        take(t, doc_at(objects, i));
    }
    return 0;
}

struct end {
    const struct tenant *tenant;
    struct doc_value except;
};

/* "Storage" reports kinds of its own, as "Storage/PersistentVolume". */
static bool is_of(struct str analyzer, const char *name) {
    size_t n = strlen(name);
    return n >= analyzer.n && memcmp(name, analyzer.p, analyzer.n) == 0 && (n == analyzer.n || name[analyzer.n] == '/');
}

static bool holds(struct doc_value names, const char *name) {
    for (size_t i = 0; i < doc_len(names); i++)
        if (doc_str(doc_at(names, i)).n && is_of(doc_str(doc_at(names, i)), name)) return true;
    return false;
}

static bool goes_on(const struct group *g, void *arg) {
    const struct end *e = arg;
    return g->report == e->tenant->report || holds(e->except, g->analyzer) || tenant_has_chosen(e->tenant, g->analyzer);
}

void reported_end(struct tenant *t, struct doc_value of) {
    struct end end = {t, doc_path(of, "except")};
    struct doc_value analyzers = doc_path(of, "analyzers");
    if (doc_type(analyzers) == DOC_ABSENT) findings_swept(t->findings, STR(""), goes_on, &end);
    for (size_t i = 0; i < doc_len(analyzers); i++) findings_swept(t->findings, doc_str(doc_at(analyzers, i)), goes_on, &end);
}
