/*
 * findings_model: what is to be seen of a few objects' findings, by a naive model, and what is there.
 */
#ifndef SPEC_OPERATOR_FINDINGS_MODEL_H
#define SPEC_OPERATOR_FINDINGS_MODEL_H

#include "document.h"

#include "base/clock.h"
#include "operator/findings.h"

enum { OBJECTS = 3, RULES = 4, KEYS = 2, FAILURES = RULES * KEYS, ROUNDS = 6000 };

static struct policy_rule rules[RULES] = {
    {.name = "now", .severity = SEVERITY_HIGH},
    {.name = "slow", .severity = SEVERITY_MEDIUM, .grace_s = 60},
    {.name = "sticky", .severity = SEVERITY_LOW, .settle_s = 600},
    {.name = "both", .severity = SEVERITY_CRITICAL, .grace_s = 30, .settle_s = 120},
};
static const struct policy ANALYZER = {.kind = POLICY_ANALYZER, .name = "Pod", .rules = rules, .rule_count = RULES};

/* What the analyzer says of one failure now. */
struct failure {
    bool present;
    int since_s; /* so long ago; negative: not given */
    enum severity severity;
    int text;
};

/* What is to be seen of it, by the model. */
struct believed {
    enum { ABSENT, PENDING, OPEN, SETTLING } state;
    int64_t opens_ms, resolves_ms;
    enum severity severity;
    bool told;
    bool judged; /* since the last restart: before, filters leave alone what a Result says */
    char id[SHA256_HEX_LEN + 1];
};

struct object {
    struct failure world[FAILURES];
    struct believed believed[FAILURES];
    bool exists;
    int64_t changed_ms;
    int changes, offered_changes, written_changes;
    struct doc *result;  /* what is stored */
    struct doc *offered; /* the group that is being written; NULL: none */
    int64_t offered_ms, written_ms;
    struct doc *written; /* the group as written last */
};

static struct loop *loop;
static struct deadlines *deadlines;
static struct findings *all;
static struct object objects[OBJECTS];
static bool hide[FAILURES];
static bool immediate;
static int64_t now_ms;
static int64_t resource_version;
static int opened, resolved, refreshed, restarted, failed_writes;
static const struct gvk *pod;

static int pick(int n) { return rand() % n; }

static struct str name_of(int o) {
    static const char *const names[OBJECTS] = {"zero", "one", "two"};
    return str_of(names[o]);
}

static int object_of(struct str name) {
    for (int o = 0; o < OBJECTS; o++)
        if (str_eq(name, name_of(o))) return o;
    fail_msg("no object " STR_FMT, STR_ARG(name));
    return 0;
}

static int failure_of(struct str rule, struct str key) {
    for (int i = 0; i < FAILURES; i++)
        if (str_is(rule, rules[i % RULES].name) && str_is(key, i / RULES ? "k" : "")) return i;
    fail_msg("no failure " STR_FMT, STR_ARG(rule));
    return 0;
}

/* By its id, once that is known: what was read back from a Result may lack the key. */
static int failure_of_finding(const struct object *o, const struct finding *f) {
    for (int i = 0; i < FAILURES; i++)
        if (strcmp(o->believed[i].id, f->id) == 0) return i;
    return failure_of(str_of(f->rule), str_of(f->key));
}

/* ---- the model --------------------------------------------------------------------------------------------------------------- */

static int64_t grace_ms(int i) { return immediate ? 0 : rules[i % RULES].grace_s * 1000; }
static int64_t settle_ms(int i) { return immediate ? 0 : rules[i % RULES].settle_s * 1000; }

static bool is_shown(const struct object *o, int i) {
    return (o->believed[i].state == OPEN || o->believed[i].state == SETTLING) && !(hide[i] && o->believed[i].judged);
}

struct snapshot {
    int severity[FAILURES]; /* -1: not shown */
};

static struct snapshot snapshot_of(const struct object *o) {
    struct snapshot s;
    for (int i = 0; i < FAILURES; i++) s.severity[i] = is_shown(o, i) ? (int)o->believed[i].severity : -1;
    return s;
}

static void time_passes(struct object *o) {
    for (int i = 0; i < FAILURES; i++) {
        struct believed *b = &o->believed[i];
        if (b->state == PENDING && b->opens_ms <= now_ms) b->state = OPEN;
        if (b->state == SETTLING && b->resolves_ms <= now_ms) b->state = ABSENT;
    }
}

static void believe_failure(struct believed *b, int i, const struct failure *f) {
    if (b->state == ABSENT)
        *b = (struct believed){PENDING, now_ms - (f->since_s > 0 ? f->since_s * 1000 : 0) + grace_ms(i), .told = b->told};
    if (b->state == SETTLING) b->state = OPEN;
    b->judged = true;
    b->severity = f->severity;
}

static void believe_absence(struct believed *b, int i, bool gone) {
    if (b->state == PENDING) b->state = ABSENT;
    if (b->state == OPEN) b->resolves_ms = now_ms + settle_ms(i);
    if (gone) b->resolves_ms = now_ms;
    if (b->state == OPEN) b->state = SETTLING;
}

static void note_change(struct object *o, const struct snapshot *before) {
    struct snapshot now = snapshot_of(o);
    if (memcmp(before, &now, sizeof now) == 0) return;
    o->changed_ms = now_ms / 1000 * 1000;
    o->changes++;
}

static void believe_verdict(struct object *o, bool partial) {
    struct snapshot before = snapshot_of(o);
    for (int i = 0; i < FAILURES; i++) {
        char id[SHA256_HEX_LEN + 1];
        memcpy(id, o->believed[i].id, sizeof id);
        if (o->exists && o->world[i].present)
            believe_failure(&o->believed[i], i, &o->world[i]);
        else if (!partial)
            believe_absence(&o->believed[i], i, !o->exists);
        memcpy(o->believed[i].id, id, sizeof id);
    }
    time_passes(o);
    note_change(o, &before);
}

/* ---- what is there ----------------------------------------------------------------------------------------------------------- */

struct seen {
    int o;
    struct snapshot snapshot;
    bool found;
};

static void see_group(struct group *g, void *arg) {
    struct seen *s = arg;
    if (!str_is(name_of(s->o), g->name)) return;
    s->found = true;
    for (size_t k = 0; k < g->count; k++) {
        const struct finding *f = &g->findings[k];
        int i = failure_of_finding(&objects[s->o], f);
        struct believed *b = &objects[s->o].believed[i];
        if (finding_is_shown(f)) assert_int_equal(i, failure_of(str_of(f->rule), str_of(f->key)));
        if (!b->id[0]) memcpy(b->id, f->id, sizeof b->id);
        assert_string_equal(b->id, f->id);
        s->snapshot.severity[i] = finding_is_shown(f) ? (int)f->severity : -1;
    }
}

static void check_shown(void) {
    size_t counts[SEVERITIES], expected[SEVERITIES] = {0};
    for (int o = 0; o < OBJECTS; o++) {
        struct seen seen = {.o = o};
        struct snapshot want = snapshot_of(&objects[o]);
        memset(&seen.snapshot, -1, sizeof seen.snapshot);
        findings_each(all, see_group, &seen);
        for (int i = 0; i < FAILURES; i++) {
            assert_int_equal(seen.snapshot.severity[i], want.severity[i]);
            if (want.severity[i] >= 0) expected[want.severity[i]]++;
        }
    }
    findings_count(all, counts);
    assert_memory_equal(counts, expected, sizeof counts);
}

static void assert_ids_differ(void) {
    for (int a = 0; a < OBJECTS * FAILURES; a++)
        for (int b = 0; b < a; b++) {
            const char *x = objects[a / FAILURES].believed[a % FAILURES].id, *y = objects[b / FAILURES].believed[b % FAILURES].id;
            assert_true(!*x || strcmp(x, y) != 0);
        }
}

#endif
