#include "operator/findings.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/copy.h"
#include "operator/findings_internal.h"

/* ---- collection ------------------------------------------------------------------------------------------------------------- */

struct findings *findings_new(const struct findings_identity *identity, struct deadlines *deadlines, bool immediate,
                              const struct findings_owner *owner) {
    struct findings *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    *f = (struct findings){.deadlines = deadlines, .immediate = immediate, .no_past = !deadlines, .owner = *owner};
    f->dirty_end = &f->dirty;
    char *cluster = str_dup(identity->cluster), *ns = str_dup(identity->cr_ns), *name = str_dup(identity->cr_name);
    f->identity = (struct findings_identity){str_of(cluster), str_of(ns), str_of(name)};
    if (cluster && ns && name) return f;
    findings_free(f);
    return NULL;
}

static void free_text(struct str s) {
    union {
        const char *borrowed;
        char *owned;
    } text = {s.p};
    free(text.owned);
}

void findings_free(struct findings *f) {
    if (!f) return;
    struct group *g, *next;
    f->closing = true;
    HASH_ITER(hh, f->groups, g, next) group_free(g);
    free_text(f->identity.cluster);
    free_text(f->identity.cr_ns);
    free_text(f->identity.cr_name);
    free(f);
}

const struct findings_identity *findings_identity(const struct findings *f) { return &f->identity; }

void findings_lost(const struct findings *f, const char *what) {
    log_error("findings", what);
    if (f->owner.lost) f->owner.lost(f->owner.arg);
}

struct group *findings_by_id(struct findings *f, struct str id) {
    struct group *g = NULL;
    HASH_FIND(hh, f->groups, id.p, id.n, g);
    return g;
}

void findings_count(const struct findings *f, size_t counts[SEVERITIES]) {
    for (int s = 0; s < SEVERITIES; s++) counts[s] = 0;
    for (const struct group *g = f->groups; g; g = g->hh.next)
        for (size_t i = 0; i < g->count; i++)
            if (finding_is_shown(&g->findings[i])) counts[g->findings[i].severity]++;
}

void findings_each(const struct findings *f, void (*each)(struct group *g, void *arg), void *arg) {
    struct group *g, *next;
    for (g = f->groups; g; g = next) {
        next = g->hh.next;
        each(g, arg);
    }
}

/* ---- verdicts --------------------------------------------------------------------------------------------------------------- */

static void set_severity(struct finding *f, enum severity severity, bool *changed) {
    if (f->severity != severity && finding_is_shown(f)) *changed = true;
    f->severity = severity;
}

/* A stand-in may know rules that the policy in effect does not. */
static const struct policy_rule *rule_of(const struct verdict *v, struct str name) {
    const struct policy_rule *rule = policy_rule(v->policy, name), *below = policy_rule(v->decider, name);
    return rule ? rule : below ? below : v->any_rule;
}

static enum severity severity_of(const struct policy_rule *rule, struct doc_value failure) {
    enum severity severity;
    return severity_parse(doc_path_str(failure, "severity"), &severity) ? severity : rule->severity;
}

static void take_failure(struct group *g, struct finding *f, struct doc_value failure) {
    struct err err;
    struct str text = finding_text(f);
    if (text.n && !str_eq(text, doc_path_str(failure, "text"))) g->text_stale = true;
    if (f->failure && !doc_equal(doc_path(failure, "evidence"), doc_path(doc_root(f->failure), "evidence"))) g->text_stale = true;
    /* What was read back may rest on something else by now, and hold names that nobody knew for sensitive then. */
    if (f->adopted) g->text_stale = true;
    struct doc *copy = doc_copy(failure, &err);
    if (!copy) {
        findings_lost(g->all, err.msg);
        return;
    }
    doc_unref(f->failure);
    f->failure = copy;
    doc_unref(f->adopted);
    f->adopted = NULL;
}

/* False without memory. */
static bool see(struct group *g, const struct verdict *v, struct doc_value failure, int64_t now_ms, bool *changed) {
    const struct policy_rule *rule = rule_of(v, doc_path_str(failure, "rule"));
    if (!rule) return true; /* checked when the verdict was made */
    struct err err;
    size_t before = g->count;
    struct finding *f = group_finding(g, doc_path_str(failure, "rule"), doc_path_str(failure, "key"), &err);
    if (!f) return false;
    bool fresh = g->count > before || f->state == FINDING_RESOLVED;
    if (fresh)
        finding_start(g->all, f, rule, failure, now_ms);
    else if (f->state == FINDING_SETTLING)
        f->state = FINDING_OPEN;
    f->seen = true;
    f->last_seen_ms = now_ms;
    f->settle_ms = g->all->immediate ? 0 : rule->settle_s * 1000;
    f->layer = v->decider->layer;
    set_severity(f, severity_of(rule, failure), changed);
    take_failure(g, f, failure);
    if (fresh && former_take_over(g, f)) *changed = true;
    return true;
}

/* What was there until the change that is being looked at was last seen then, not when it was last evaluated. */
static void lose(struct finding *f, bool at_once, int64_t now_ms) {
    if (f->state != FINDING_OPEN && !(at_once && f->state == FINDING_SETTLING)) return;
    f->state = FINDING_SETTLING;
    if (at_once) f->settle_ms = 0;
    f->last_seen_ms = now_ms;
}

static void lose_unseen(struct group *g, bool at_once, int64_t now_ms) {
    for (size_t i = 0; i < g->count; i++) {
        struct finding *f = &g->findings[i];
        if (f->seen) continue;
        /* It came back within its grace before everybody knew that it was resolved: now they are to know. */
        if (f->state == FINDING_PENDING && finding_has_records(g, f)) f->state = FINDING_RESOLVED;
        lose(f, at_once, now_ms);
    }
}

/* A Result does not say for how long its rules settle: what was read back from one learns it with the first verdict. */
static void learn_settle(struct group *g, const struct verdict *v) {
    for (size_t i = 0; i < g->count; i++) {
        struct finding *f = &g->findings[i];
        const struct policy_rule *rule = f->failure || g->all->immediate ? NULL : rule_of(v, str_of(f->rule));
        if (rule) f->settle_ms = rule->settle_s * 1000;
    }
}

static bool filter_one(struct group *g, struct finding *f) {
    const struct findings_owner *owner = &g->all->owner;
    bool hidden = owner->keep && !owner->keep(g, f, owner->arg);
    bool changed = hidden != f->hidden && (f->state == FINDING_OPEN || f->state == FINDING_SETTLING);
    f->hidden = hidden;
    f->filtered = true;
    return changed;
}

/* True when what is shown changed. A finding that no verdict has spoken of since the restart stays as the Result has it. */
static bool filter_all(struct group *g) {
    const struct findings_owner *owner = &g->all->owner;
    bool changed = false;
    g->refilter = false;
    if (owner->keep_begin) owner->keep_begin(g, owner->arg);
    for (size_t i = 0; i < g->count; i++)
        if (g->findings[i].failure) changed |= filter_one(g, &g->findings[i]);
    if (owner->keep_end) owner->keep_end(g, owner->arg);
    return changed;
}

static bool belongs_to(const struct group *g, struct doc_value failure) {
    return str_is(doc_path_str(failure, "as.kind"), g->as_kind) && str_is(doc_path_str(failure, "as.name"), g->as_name);
}

static void see_all(struct group *g, const struct verdict *v, int64_t now_ms, bool *changed) {
    bool whole = true;
    bool more = v->report && g->report == v->report; /* of what the report said of it before */
    for (size_t i = 0; i < g->count; i++) g->findings[i].seen = v->partial || more;
    for (size_t i = 0; i < doc_len(v->failures); i++)
        if (belongs_to(g, doc_at(v->failures, i))) whole &= see(g, v, doc_at(v->failures, i), now_ms, changed);
    if (whole) return;
    for (size_t i = 0; i < g->count; i++) g->findings[i].seen = true; /* nothing is over because memory is */
    findings_lost(g->all, "no memory for a finding");
}

/* A healthy verdict knows no owner. Where the AI was not asked, or fails, what it said before stays. */
static void take_words(struct group *g, const struct verdict *v) {
    if (doc_len(v->failures)) group_set_shown(g, &g->parent, v->parent);
    if (v->details.p) group_set_shown(g, &g->details, v->details);
}

static void judge_group(struct group *g, const struct verdict *v) {
    int64_t now_ms = clock_wall_ms();
    bool changed = false;
    if (v->noticed_us && !g->noticed_us) g->noticed_us = v->noticed_us;
    take_words(g, v);
    if (!str_is(str_of(v->gvk->api_version), g->api_version) && !str_replace(&g->api_version, str_of(v->gvk->api_version)))
        findings_lost(g->all, "no memory for an apiVersion");
    see_all(g, v, now_ms, &changed);
    if (v->report) g->report = v->report;
    learn_settle(g, v);
    changed |= filter_all(g);
    g->undecided = true;
    lose_unseen(g, v->gone, now_ms);
    if (changed) {
        g->changed_ms = now_ms;
        group_touch(g);
    }
    group_advance(g, now_ms);
}

static int need_groups(struct findings *f, const struct verdict *v, const struct group_key *object, struct err *err) {
    for (size_t i = 0; i < doc_len(v->failures); i++) {
        struct doc_value failure = doc_at(v->failures, i);
        struct group_key key = *object;
        struct group *g;
        key.as_kind = doc_path_str(failure, "as.kind");
        key.as_name = doc_path_str(failure, "as.name");
        if (group_find(f, &key, &g, err) || (!g && !group_new(f, &key, str_of(v->gvk->api_version), err))) return err->code;
    }
    return 0;
}

void findings_verdict(struct findings *f, const struct verdict *v) {
    struct group_key object = {.analyzer = str_of(v->policy->name), .kind = str_of(v->gvk->kind), .ns = v->ns, .name = v->name};
    struct group *itself = NULL, *alias = NULL, *next;
    struct err err;
    int rc = need_groups(f, v, &object, &err);
    if (!rc) rc = group_find(f, &object, &itself, &err);
    if (!rc) rc = alias_first(f, &object, &alias, &err);
    if (rc) {
        findings_lost(f, err.msg);
        return;
    }
    if (itself) judge_group(itself, v);
    for (; alias; alias = next) {
        next = alias->next_alias;
        judge_group(alias, v);
    }
}

static void group_gone(struct group *g) {
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < g->count; i++) g->findings[i].seen = false;
    lose_unseen(g, true, now_ms);
    group_advance(g, now_ms);
}

void findings_swept(struct findings *f, struct str analyzer, bool (*exists)(const struct group *g, void *arg), void *arg) {
    struct group *g, *next;
    HASH_ITER(hh, f->groups, g, next)
    if ((!analyzer.n || str_is(analyzer, g->analyzer)) && !exists(g, arg)) group_gone(g);
}

void findings_retain(struct findings *f, bool (*wanted)(const char *analyzer, void *arg), void *arg) {
    struct group *g, *next;
    HASH_ITER(hh, f->groups, g, next)
    if (!wanted(g->analyzer, arg)) group_gone(g);
}

void group_refilter(struct group *g) {
    if (!filter_all(g)) return;
    g->changed_ms = clock_wall_ms();
    group_touch(g);
}

void findings_refilter(struct findings *f) {
    struct group *g, *next;
    HASH_ITER(hh, f->groups, g, next) {
        group_refilter(g);
        group_advance(g, clock_wall_ms());
    }
}
