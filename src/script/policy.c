#include "script/policy.h"

static const struct {
    const char *name, *folder;
} kinds[POLICY_KINDS] = {
    [POLICY_STEP] = {"step", "steps"},       [POLICY_ANALYZER] = {"analyzer", "analyzers"}, [POLICY_CORRELATE] = {"correlate", "correlate"},
    [POLICY_FILTER] = {"filter", "filters"}, [POLICY_ROUTE] = {"route", "routes"},          [POLICY_SINK] = {"sink", "sinks"},
    [POLICY_REPORT] = {"report", "reports"}, [POLICY_RENDER] = {"render", "render"},
};

static const char *const layers[] = {[LAYER_BUILTIN] = "builtin", [LAYER_CLUSTER] = "cluster", [LAYER_OBJECT] = "object"};

static const char *const severities[SEVERITIES] = {
    [SEVERITY_LOW] = "low", [SEVERITY_MEDIUM] = "medium", [SEVERITY_HIGH] = "high", [SEVERITY_CRITICAL] = "critical"};

const char *policy_kind_name(enum policy_kind kind) { return kinds[kind].name; }
const char *policy_kind_folder(enum policy_kind kind) { return kinds[kind].folder; }
const char *policy_layer_name(enum policy_layer layer) { return layers[layer]; }
const char *severity_name(enum severity severity) { return severities[severity]; }

bool policy_kind_of_folder(struct str folder, enum policy_kind *out) {
    for (int kind = 0; kind < POLICY_KINDS; kind++) {
        if (!str_is(folder, kinds[kind].folder)) continue;
        *out = (enum policy_kind)kind;
        return true;
    }
    return false;
}

bool severity_parse(struct str text, enum severity *out) {
    for (int severity = 0; severity < SEVERITIES; severity++) {
        if (!str_is(text, severities[severity])) continue;
        *out = (enum severity)severity;
        return true;
    }
    return false;
}

const struct policy_rule *policy_rule(const struct policy *p, struct str name) {
    for (size_t i = 0; i < p->rule_count; i++)
        if (str_is(name, p->rules[i].name)) return &p->rules[i];
    return NULL;
}

const struct policy_watch *policy_watch(const struct policy *p, const struct gvk *gvk) {
    for (size_t i = 0; i < p->watch_count; i++)
        if (p->watches[i].gvk == gvk) return &p->watches[i];
    return NULL;
}

bool policy_writes(const struct policy *p, const struct gvk *gvk) {
    for (size_t i = 0; i < p->write_count; i++)
        if (p->writes[i] == gvk) return true;
    return false;
}

const struct policy_watch *policy_subject(const struct policy *p, struct str kind) {
    for (size_t i = 0; i < p->watch_count; i++)
        if (p->watches[i].subject && str_is(kind, p->watches[i].gvk->kind)) return &p->watches[i];
    return NULL;
}
