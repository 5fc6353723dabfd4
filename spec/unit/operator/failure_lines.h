/*
 * failure_lines: what a diagnosis says as sorted lines of text, and a naive model of the findings that come of it.
 */
#ifndef SPEC_OPERATOR_FAILURE_LINES_H
#define SPEC_OPERATOR_FAILURE_LINES_H

#include <string.h>

#include "base/clock.h"
#include "document.h"
#include "operator/findings.h"

enum { LINES = 1024 };

/* ---- what a diagnosis says --------------------------------------------------------------------------------------------------- */

/* One failure of one object. */
struct line {
    char *object; /* "Pod Pod/a/web-0" */
    char *id;     /* object, what it is shown as, rule and key */
    char *says;   /* all but the parent, which findings of an object have in common */
    char *parent;
    char *text; /* all of it */
    int64_t since_ms, grace_ms, settle_ms;
};

struct lines {
    struct line items[LINES];
    size_t count;
};

__attribute__((format(printf, 1, 2))) static inline char *format(const char *f, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, f);
    assert_true(vasprintf(&text, f, args) >= 0);
    va_end(args);
    return text;
}

static inline void line_free(struct line *l) {
    free(l->object);
    free(l->id);
    free(l->says);
    free(l->parent);
    free(l->text);
}

static inline void lines_clear(struct lines *all) {
    for (size_t i = 0; i < all->count; i++) line_free(&all->items[i]);
    all->count = 0;
}

static inline void drop_object(struct lines *all, const char *object) {
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->items[i].object, object) == 0)
            line_free(&all->items[i]);
        else
            all->items[kept++] = all->items[i];
    }
    all->count = kept;
}

static inline void add_failure(struct lines *all, const struct verdict *v, const char *object, struct doc_value failure, int64_t now_ms) {
    const struct policy_rule *rule = policy_rule(v->policy, doc_path_str(failure, "rule"));
    struct str key = doc_path_str(failure, "key"), text = doc_path_str(failure, "text"), severity = doc_path_str(failure, "severity");
    assert_non_null(rule);
    assert_true(all->count < LINES);
    struct line *l = &all->items[all->count++];
    if (!severity.n) severity = str_of(severity_name(rule->severity));
    *l = (struct line){
        .object = format("%s", object), .since_ms = now_ms, .grace_ms = rule->grace_s * 1000, .settle_ms = rule->settle_s * 1000};
    l->id = format("%s (" STR_FMT " " STR_FMT ") %s " STR_FMT, object, STR_ARG(doc_path_str(failure, "as.kind")),
                   STR_ARG(doc_path_str(failure, "as.name")), rule->name, STR_ARG(key));
    l->says = format("%s " STR_FMT ": " STR_FMT, l->id, STR_ARG(severity), STR_ARG(text));
    l->parent = format(STR_FMT, STR_ARG(v->parent));
    l->text = format("%s (of %s)", l->says, l->parent);
    clock_parse(doc_path_str(failure, "since"), &l->since_ms);
    if (l->since_ms > now_ms) l->since_ms = now_ms;
}

static inline char *object_of(const char *analyzer, const char *kind, struct str ns, struct str name) {
    return format("%s %s/" STR_FMT "/" STR_FMT, analyzer, kind, STR_ARG(ns), STR_ARG(name));
}

/* Keeps the newest verdict of each object. */
static inline void take_verdict(struct lines *all, const struct verdict *v) {
    char *object = object_of(v->policy->name, v->gvk->kind, v->ns, v->name);
    assert_false(v->partial);
    drop_object(all, object);
    for (size_t i = 0; i < doc_len(v->failures); i++) add_failure(all, v, object, doc_at(v->failures, i), clock_wall_ms());
    free(object);
}

/* What is said of objects of a kind is left out; NULL: of none. */
static inline void drop_kind(struct lines *all, const char *kind) {
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *object = strchr(all->items[i].text, ' ') + 1;
        if (kind && strncmp(object, kind, strlen(kind)) == 0 && object[strlen(kind)] == '/')
            line_free(&all->items[i]);
        else
            all->items[kept++] = all->items[i];
    }
    all->count = kept;
}

static inline int by_text(const void *a, const void *b) { return strcmp(((const struct line *)a)->text, ((const struct line *)b)->text); }

static inline void sort(struct lines *all) { qsort(all->items, all->count, sizeof *all->items, by_text); }

static inline bool has_text(const struct lines *all, const char *text) {
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i].text, text) == 0) return true;
    return false;
}

static inline void print_missing(const char *what, const struct lines *from, const struct lines *in) {
    for (size_t i = 0; i < from->count; i++)
        if (!has_text(in, from->items[i].text)) print_error("  %s: %s\n", what, from->items[i].text);
}

/* ---- the model of findings -------------------------------------------------------------------------------------------------- */

struct expectation {
    char *object, *id, *says, *parent;
    enum finding_state state;
    int64_t opens_ms, lost_ms, settle_ms;
    bool seen;
};

struct model {
    struct expectation items[LINES];
    size_t count;
};

static inline void model_pass(struct model *m, int64_t now_ms) {
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct expectation *e = &m->items[i];
        if (e->state == FINDING_PENDING && e->opens_ms <= now_ms) e->state = FINDING_OPEN;
        if (e->state == FINDING_SETTLING && e->lost_ms + e->settle_ms <= now_ms) e->state = FINDING_RESOLVED;
        if (e->state != FINDING_RESOLVED) {
            m->items[kept++] = *e;
            continue;
        }
        free(e->object);
        free(e->id);
        free(e->says);
        free(e->parent);
    }
    m->count = kept;
}

static inline void expect(struct model *m, const struct line *l) {
    struct expectation *e = m->items;
    while (e < m->items + m->count && strcmp(e->id, l->id) != 0) e++;
    if (e == m->items + m->count) {
        assert_true(m->count++ < LINES);
        *e = (struct expectation){.object = format("%s", l->object), .id = format("%s", l->id), .state = FINDING_PENDING};
        e->opens_ms = l->since_ms + l->grace_ms;
    }
    if (e->state == FINDING_SETTLING) e->state = FINDING_OPEN;
    e->seen = true;
    e->settle_ms = l->settle_ms;
    free(e->says);
    e->says = format("%s", l->says);
    for (struct expectation *other = m->items; other < m->items + m->count; other++) {
        if (strcmp(other->object, l->object) != 0) continue;
        free(other->parent);
        other->parent = format("%s", l->parent);
    }
}

static inline void miss(struct expectation *e, bool is_gone, int64_t now_ms) {
    if (e->state == FINDING_OPEN) e->lost_ms = now_ms;
    if (is_gone || e->state == FINDING_PENDING)
        e->state = FINDING_RESOLVED;
    else
        e->state = FINDING_SETTLING;
}

/* What is open after a step that left these failures. */
static inline void model_step(struct model *m, int64_t now_ms, const struct lines *failures, bool (*exists)(const char *object, void *arg),
                              void *arg) {
    model_pass(m, now_ms);
    for (size_t i = 0; i < m->count; i++) m->items[i].seen = false;
    for (size_t i = 0; i < failures->count; i++) expect(m, &failures->items[i]);
    for (size_t i = 0; i < m->count; i++)
        if (!m->items[i].seen) miss(&m->items[i], !exists(m->items[i].object, arg), now_ms);
    model_pass(m, now_ms);
}

static inline void model_clear(struct model *m) {
    for (size_t i = 0; i < m->count; i++) m->items[i].state = FINDING_RESOLVED;
    model_pass(m, 0);
}

static inline void add_line(struct lines *all, char *text) {
    assert_true(all->count < LINES);
    all->items[all->count++] = (struct line){.text = text};
}

static inline void add_open(struct group *g, void *arg) {
    for (size_t i = 0; i < g->count; i++) {
        const struct finding *f = &g->findings[i];
        if (!finding_is_shown(f)) continue;
        char *object = object_of(g->analyzer, g->kind, str_of(g->ns), str_of(g->name));
        add_line(arg, format("%s (%s %s) %s %s %s: " STR_FMT " (of %s)", object, g->as_kind, g->as_name, f->rule, f->key,
                             severity_name(f->severity), STR_ARG(finding_text(f)), g->parent));
        free(object);
    }
}

static inline void add_expected(const struct model *m, struct lines *all) {
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].state != FINDING_PENDING) add_line(all, format("%s (of %s)", m->items[i].says, m->items[i].parent));
}

#endif
