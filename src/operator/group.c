#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/findings_internal.h"

enum { TEXT_REFRESH_MS = 60 * 1000 }; /* counters in texts move all the time; Results follow at most this often */

/* Every verdict asks for the group that it concerns: not by printf. */
char *group_id(const struct group_key *key) {
    const struct str as = key->as_kind.n || key->as_name.n ? STR("|") : STR(""); /* in no name of Kubernetes */
    const struct str parts[] = {key->analyzer, STR("/"), key->kind,    STR("/"), key->ns,     STR("/"),
                                key->name,     as,       key->as_kind, as,       key->as_name};
    return str_join(parts, sizeof parts / sizeof *parts);
}

int group_find(struct findings *f, const struct group_key *key, struct group **out, struct err *err) {
    char *id = group_id(key);
    *out = id ? findings_by_id(f, str_of(id)) : NULL;
    free(id);
    return id ? 0 : err_set(err, ERR_NOMEM, "no memory for a finding");
}

static void due(struct deadline *d) {
    struct group *g = (struct group *)((char *)d - offsetof(struct group, due));
    if (g->refilter) group_refilter(g);
    if (g->decide_again_ms && g->decide_again_ms <= clock_wall_ms()) g->undecided = true;
    group_decide(g);
    group_advance(g, clock_wall_ms());
}

void group_refilter_later(struct group *g) {
    struct err err;
    g->refilter = true;
    if (g->all->deadlines && deadline_set(g->all->deadlines, &g->due, clock_wall_ms(), &err)) findings_lost(g->all, err.msg);
}

static bool copy_key(struct group *g, const struct group_key *key) {
    g->id = group_id(key);
    g->analyzer = str_dup(key->analyzer);
    g->kind = str_dup(key->kind);
    g->ns = str_dup(key->ns);
    g->name = str_dup(key->name);
    g->as_kind = str_dup(key->as_kind);
    g->as_name = str_dup(key->as_name);
    return g->id && g->analyzer && g->kind && g->ns && g->name && g->as_kind && g->as_name;
}

struct group *group_new(struct findings *f, const struct group_key *key, struct str api_version, struct err *err) {
    struct group *g = calloc(1, sizeof *g);
    if (!g) goto nomem;
    g->all = f;
    g->due.fire = due;
    g->api_version = str_dup(api_version);
    g->parent = str_dup(STR(""));
    if (!copy_key(g, key) || !g->api_version || !g->parent) goto nomem;
    if (subject_join(g, err)) goto nomem;
    if ((key->as_kind.n || key->as_name.n) && alias_join(g, err)) goto nomem;
    HASH_ADD_KEYPTR(hh, f->groups, g->id, strlen(g->id), g);
    if (g->hh.tbl) return g;
nomem:
    err_set(err, ERR_NOMEM, "no memory for a finding");
    if (g) group_free(g);
    return NULL;
}

void finding_free(struct finding *f) {
    finding_follow_nothing(f);
    free(f->rule);
    free(f->key);
    doc_unref(f->failure);
    doc_unref(f->adopted);
}

static void unlink_dirty(struct group *g) {
    struct findings *f = g->all;
    for (struct group **p = &f->dirty; *p; p = &(*p)->next_dirty) {
        if (*p != g) continue;
        *p = g->next_dirty;
        if (!*p) f->dirty_end = p;
        break;
    }
    g->dirty = false;
}

void group_free(struct group *g) {
    struct findings *f = g->all;
    if (g->hh.tbl) HASH_DEL(f->groups, g);
    alias_leave(g);
    subject_leave(g);
    if (g->dirty) unlink_dirty(g);
    if (f->owner.free_group) f->owner.free_group(g, f->owner.arg);
    if (f->deadlines) deadline_clear(f->deadlines, &g->due);
    for (size_t i = 0; i < g->count; i++) finding_free(&g->findings[i]);
    for (size_t i = 0; i < g->notification_count; i++) {
        free(g->notifications[i].sink);
        free(g->notifications[i].ref);
    }
    free(g->findings);
    free(g->notifications);
    free(g->id);
    free(g->analyzer);
    free(g->api_version);
    free(g->kind);
    free(g->ns);
    free(g->name);
    free(g->as_kind);
    free(g->as_name);
    free(g->parent);
    free(g->details);
    group_forget_result_name(g);
    doc_unref(g->published);
    doc_unref(g->former);
    free(g);
}

/* Identity (design: "Findings have identity"): who reports, which object, which rule and key; never the text. */
static int identify(const struct group *g, struct str rule, struct str key, char id[SHA256_HEX_LEN + 1], struct err *err) {
    const struct findings_identity *who = &g->all->identity;
    const struct str parts[] = {
        who->cluster,    who->cr_ns, who->cr_name, str_of(g->analyzer), str_of(g->kind),    str_of(g->ns),
        str_of(g->name), rule,       key,          str_of(g->as_kind),  str_of(g->as_name),
    };
    return sha256_parts(parts, sizeof parts / sizeof *parts - (g->aliases ? 0 : 2), id, err);
}

struct finding *group_add(struct group *g, const char *id, struct str rule, struct str key, struct err *err) {
    struct finding *grown = reallocarray(g->findings, g->count + 1, sizeof *grown);
    struct finding f = {.rule = str_dup(rule), .key = str_dup(key)};
    if (grown) g->findings = grown;
    if (!grown || !f.rule || !f.key) {
        finding_free(&f);
        err_set(err, ERR_NOMEM, "no memory for a finding");
        return NULL;
    }
    memcpy(f.id, id, sizeof f.id);
    g->findings[g->count] = f;
    return &g->findings[g->count++];
}

struct finding *group_finding(struct group *g, struct str rule, struct str key, struct err *err) {
    char id[SHA256_HEX_LEN + 1];
    if (identify(g, rule, key, id, err)) return NULL;
    for (size_t i = 0; i < g->count; i++) {
        struct finding *f = &g->findings[i];
        if (strcmp(f->id, id) != 0) continue;
        /* one that was read back may lack its key */
        if (str_is(key, f->key) || str_replace(&f->key, key)) return f;
        err_set(err, ERR_NOMEM, "no memory for a finding");
        return NULL;
    }
    return group_add(g, id, rule, key, err);
}

void group_set_shown(struct group *g, char **text, struct str value) {
    if (str_eq(value, str_of(*text))) return;
    g->text_stale |= group_is_open(g);
    if (!str_replace(text, value)) findings_lost(g->all, "no memory for a text");
}

struct str finding_text(const struct finding *f) {
    return doc_path_str(doc_root(f->failure ? f->failure : f->adopted), "text");
}

bool finding_is_shown(const struct finding *f) { return (f->state == FINDING_OPEN || f->state == FINDING_SETTLING) && !f->hidden; }

bool group_is_open(const struct group *g) {
    for (size_t i = 0; i < g->count; i++)
        if (finding_is_shown(&g->findings[i])) return true;
    return false;
}

void group_touch(struct group *g) {
    struct findings *f = g->all;
    g->version++;
    if (!g->dirty && !g->offered) {
        g->dirty = true;
        g->next_dirty = NULL;
        *f->dirty_end = g;
        f->dirty_end = &g->next_dirty;
    }
    f->owner.dirty(f->owner.arg);
}

bool finding_has_records(const struct group *g, const struct finding *f) {
    for (size_t i = 0; i < g->notification_count; i++)
        if (!g->notifications[i].given_up && str_is(str_of(f->id), g->notifications[i].finding)) return true;
    return false;
}

/* ---- time ------------------------------------------------------------------------------------------------------------------- */

void findings_set_no_past(struct findings *f) { f->no_past = true; }

void findings_set_grace(struct findings *f, int64_t grace_s) {
    f->has_grace = true;
    f->grace_s = grace_s;
}

/* An open failure opens at `since` (default: now, its first sight) + grace. One-shot diagnosis has no past: then at once. */
void finding_start(const struct findings *all, struct finding *f, const struct policy_rule *rule, struct doc_value failure,
                   int64_t now_ms) {
    int64_t since_ms = now_ms;
    bool dated = clock_parse(doc_path_str(failure, "since"), &since_ms);
    f->first_seen_ms = since_ms < now_ms ? since_ms : now_ms;
    bool no_grace = all->immediate || (all->no_past && !dated);
    int64_t grace_s = all->has_grace ? all->grace_s : rule->grace_s;
    f->opens_ms = no_grace ? now_ms : f->first_seen_ms + grace_s * 1000;
    f->state = FINDING_PENDING;
}

static int64_t earlier(int64_t a, int64_t b) { return a == 0 || (b != 0 && b < a) ? b : a; }

/* When the finding has to be looked at next; 0: not by the clock. */
static int64_t next_look(const struct finding *f) {
    if (f->state == FINDING_PENDING) return f->opens_ms;
    if (f->state == FINDING_SETTLING) return f->last_seen_ms + f->settle_ms;
    return 0;
}

/* True when what people see of it changes. */
static bool advance(struct finding *f, int64_t now_ms) {
    enum finding_state was = f->state;
    if (f->state == FINDING_PENDING && f->opens_ms <= now_ms) f->state = FINDING_OPEN;
    if (f->state == FINDING_SETTLING && f->last_seen_ms + f->settle_ms <= now_ms) f->state = FINDING_RESOLVED;
    return f->state != was && !f->hidden;
}

bool group_is_known(const struct group *g) {
    bool told = false;
    for (size_t i = 0; i < g->count; i++) told |= finding_has_records(g, &g->findings[i]);
    return told || g->result_name || g->former || g->offered;
}

/* Pending ones that are gone again, and resolved ones that nobody was ever told of. */
static bool is_over(const struct group *g, const struct finding *f) {
    if (f->state == FINDING_PENDING) return !f->seen;
    return f->state == FINDING_RESOLVED && !group_is_known(g);
}

static void sweep_out(struct group *g) {
    size_t kept = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (is_over(g, &g->findings[i]))
            finding_free(&g->findings[i]);
        else
            g->findings[kept++] = g->findings[i];
    }
    g->count = kept;
}

/* True when what people see of the group changes. */
static bool set_times(struct group *g, int64_t now_ms, bool changed) {
    int64_t first_ms = 0;
    for (size_t i = 0; i < g->count; i++)
        if (finding_is_shown(&g->findings[i])) first_ms = earlier(first_ms, g->findings[i].first_seen_ms);
    if (first_ms) {
        g->first_seen_ms = first_ms;
        g->resolved_ms = 0;
    } else if (group_is_known(g) && !g->resolved_ms) {
        g->resolved_ms = now_ms;
        changed = true; /* also of a former Result, which lists no findings that could resolve */
    }
    if (changed) g->changed_ms = now_ms;
    return changed;
}

static void plan(struct group *g, int64_t now_ms) {
    int64_t at_ms = 0, text_ms = g->text_shown_ms + TEXT_REFRESH_MS;
    for (size_t i = 0; i < g->count; i++) at_ms = earlier(at_ms, next_look(&g->findings[i]));
    /* A refresh that is due has made the group dirty: the clock has no more to do with it. */
    if (g->text_stale && group_is_open(g) && text_ms > now_ms) at_ms = earlier(at_ms, text_ms);
    at_ms = earlier(at_ms, g->decide_again_ms);
    if (g->refilter || g->undecided) at_ms = now_ms;
    struct err err;
    if (!g->all->deadlines) return;
    if (!at_ms)
        deadline_clear(g->all->deadlines, &g->due);
    else if (deadline_set(g->all->deadlines, &g->due, at_ms, &err))
        findings_lost(g->all, err.msg);
}

void group_advance(struct group *g, int64_t now_ms) {
    bool changed = false;
    for (size_t i = 0; i < g->count; i++) changed |= advance(&g->findings[i], now_ms);
    bool text_due = g->text_stale && now_ms >= g->text_shown_ms + TEXT_REFRESH_MS;
    changed = set_times(g, now_ms, changed);
    group_notice(g);
    sweep_out(g);
    plan(g, now_ms);
    if (g->count == 0 && !group_is_known(g)) {
        group_free(g);
        return;
    }
    if (changed || (text_due && group_is_open(g))) group_touch(g);
    if (!g->dirty && !g->offered) g->noticed_us = 0; /* the change behind the verdict changed nothing that is shown */
}
