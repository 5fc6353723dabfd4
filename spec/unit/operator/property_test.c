/*
 * Incremental diagnosis against a fresh one: a random cluster changes at random, and after each step what the diagnosis has told so far
 * is what a new diagnosis of a new cluster with the same objects finds; the findings are those of a naive model; and what follows from
 * what is what the correlate policies say when all of them are asked again.
 *
 *   PROPERTY_STEPS=10000 PROPERTY_SEED=1 build/unit/operator/property_test
 */
#include "failure_lines.h"
#include "random_cluster.h"

#include "base/log.h"
#include "operator/correlate.h"
#include "operator/operator_internal.h"
#include "operator/plan.h"

enum { EPISODE_STEPS = 200, ANALYZERS = 64 };

static const int64_t START_MS = 1772359200000; /* 2026-03-01T10:00:00Z */

/* ---- a diagnosis ------------------------------------------------------------------------------------------------------------- */

struct built_in {
    struct bundle *bundle;
    struct str names[ANALYZERS];
    size_t count;
};

static struct built_in policies;

struct world {
    struct cluster *cluster;
    struct policycalls *calls;
    struct deadlines *deadlines; /* NULL: of a fresh one, which sees but one moment */
    struct diagnosis *diagnosis;
    struct findings *findings; /* NULL: as above */
    struct reads *reads;       /* what correlate policies read */
    struct owners *owners;
    struct lines told;
    size_t asked; /* groups, about causes */
};

static void told(const struct verdict *v, void *arg) {
    struct world *w = arg;
    take_verdict(&w->told, v);
    if (w->findings) findings_verdict(w->findings, v);
}

static void swept(const struct policy *analyzer, void *arg) {
    (void)analyzer;
    (void)arg;
}

static void object_changed(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    struct world *w = arg;
    diagnosis_object_changed(w->diagnosis, store, before, after);
    if (w->reads) reads_object_changed(w->reads, store, before, after);
}

static void state_changed(const struct gvk *gvk, struct str ns, enum reflector_state state, const struct err *err, void *arg) {
    struct world *w = arg;
    (void)ns;
    (void)state;
    (void)err;
    diagnosis_state_changed(w->diagnosis, gvk);
    if (w->reads) reads_state_changed(w->reads, gvk);
}

static void not_dirty(void *arg) { (void)arg; }

static void touched(struct evaluation *e, void *arg) {
    (void)arg;
    group_decide_later((struct group *)((char *)e - offsetof(struct group, caused_by)));
}

static void decide(struct group *g, void *arg) {
    struct world *w = arg;
    struct correlator c = {w->cluster, w->calls, w->owners, w->reads};
    struct err err;
    assert_int_equal(correlate_group(&c, policies.bundle, g, &err), 0);
    w->asked++;
}

static void opened(const struct group *g, void *arg) {
    struct world *w = arg;
    reads_findings_changed(w->reads, w->findings, str_of(g->kind), str_of(g->ns), str_of(g->name));
}

static void group_going(struct group *g, void *arg) { reads_drop(((struct world *)arg)->reads, &g->caused_by); }

static void open_stores(struct world *w) {
    struct plan_wants wants = {0};
    struct err err;
    for (size_t i = 0; i < policies.count; i++)
        assert_int_equal(plan_policy_wants(bundle_find(policies.bundle, POLICY_ANALYZER, policies.names[i]), &wants, &err), 0);
    for (size_t i = 0; i < bundle_count(policies.bundle, POLICY_CORRELATE); i++)
        assert_int_equal(plan_policy_wants(bundle_at(policies.bundle, POLICY_CORRELATE, i), &wants, &err), 0);
    struct cluster_plan *plan = cluster_prepare(w->cluster, wants.items, wants.count, NULL, NULL, &err);
    assert_non_null(plan);
    cluster_commit(w->cluster, plan);
    plan_wants_free(&wants);
}

static void put(struct world *w, const struct thing *t) {
    struct doc *doc = thing_document(t);
    struct err err;
    assert_int_equal(cluster_load(w->cluster, doc, &err), 0);
    doc_unref(doc);
}

static const struct gvk *gvk_of_thing(const struct thing *t) { return gvk_of(str_of(t->sort->api), str_of(t->sort->kind)); }

/* A diagnosis of what there is now. */
static void world_open(struct world *w, const struct random_cluster *r, const char *forbidden) {
    struct diagnosis_listener listener = {.verdict = told, .swept = swept, .arg = w};
    struct err err;
    w->cluster = cluster_new_offline();
    w->calls = policycalls_new(NULL, NULL);
    if (forbidden) cluster_forbid(w->cluster, gvk_parse(str_of(forbidden), &err));
    if (w->reads) w->owners = owners_new(NULL, w->cluster, w->reads);
    open_stores(w);
    for (size_t i = 0; i < r->count; i++)
        if (r->things[i].present) put(w, &r->things[i]);
    w->diagnosis = diagnosis_new(NULL, w->cluster, w->calls, w->deadlines, &listener, &err);
    assert_non_null(w->diagnosis);
    assert_int_equal(diagnosis_use(w->diagnosis, policies.bundle, policies.names, policies.count, &err), 0);
    cluster_on_change(w->cluster, object_changed, w);
    cluster_on_state(w->cluster, state_changed, w);
    diagnosis_finish(w->diagnosis);
}

static void world_close(struct world *w) {
    findings_free(w->findings);
    owners_free(w->owners);
    reads_free(w->reads);
    diagnosis_free(w->diagnosis);
    cluster_free(w->cluster);
    policycalls_free(w->calls);
    lines_clear(&w->told);
}

/* ---- causes -------------------------------------------------------------------------------------------------------------------- */

static size_t followers; /* compared, in all */

/* "the finding follows from the other one", for each that has a cause. */
static void add_causes(struct group *g, void *arg) {
    struct lines *all = arg;
    for (size_t i = 0; i < g->count; i++) {
        struct finding_place root = finding_cause(&g->findings[i]);
        if (!root.finding) continue;
        assert_true(finding_is_shown(&g->findings[i]) && finding_is_shown(root.finding));
        assert_true(all->count < LINES);
        struct line *l = &all->items[all->count++];
        *l = (struct line){0};
        l->text = format("%s %s %s: %s %s %s", g->id, g->findings[i].rule, g->findings[i].key, root.group->id, root.finding->rule,
                         root.finding->key);
    }
}

static void forget_causes(struct group *g, void *arg) {
    struct finding_place none = {0};
    struct err err;
    (void)arg;
    for (size_t i = 0; i < g->count; i++) assert_int_equal(finding_follow(g, &g->findings[i], none, 0, &err), 0);
    g->undecided = true;
}

/* All that was decided so far, and the same asked from the beginning. */
static void causes(struct world *w, struct lines *kept, struct lines *fresh) {
    findings_decide(w->findings);
    findings_each(w->findings, add_causes, kept);
    findings_each(w->findings, forget_causes, NULL);
    size_t asked = w->asked;
    findings_decide(w->findings);
    w->asked = asked;
    findings_each(w->findings, add_causes, fresh);
    followers += fresh->count;
}

/* ---- one episode ------------------------------------------------------------------------------------------------------------- */

struct episode {
    struct random_cluster random;
    struct world world;
    struct model model;
    struct loop *loop;
    struct deadline tick;
    bool ticked;
    const char *forbidden; /* a kind that may not be read (any more); NULL: none */
};

static size_t compared; /* failures, in all */
static bool is_quiet;   /* while a failure is made smaller */

static bool same_lines(struct lines *have, struct lines *want, const char *blind, const char *what) {
    drop_kind(have, blind);
    drop_kind(want, blind);
    bool same = have->count == want->count;
    sort(have);
    sort(want);
    for (size_t i = 0; same && i < have->count; i++) same = strcmp(have->items[i].text, want->items[i].text) == 0;
    compared += want->count;
    if (same) return true;
    if (is_quiet) return false;
    print_error("%s differ:\n", what);
    print_missing("only incremental", have, want);
    print_missing("only fresh", want, have);
    return false;
}

static bool none_fails(const struct world *w, const char *what) {
    const char *why;
    for (size_t i = 0; i < policies.count; i++) {
        if (!diagnosis_failing(w->diagnosis, policies.names[i], &why)) continue;
        if (!is_quiet) print_error("%s: " STR_FMT " fails: %s\n", what, STR_ARG(policies.names[i]), why);
        return false;
    }
    return true;
}

static void replayed(const struct verdict *v, void *arg) { take_verdict(arg, v); }

static bool exists(const char *object, void *arg) {
    const struct random_cluster *r = arg;
    for (size_t i = 0; i < r->count; i++) {
        const struct thing *t = &r->things[i];
        char *name = format("%s/%s/%s", t->sort->kind, t->ns, t->name);
        bool same = strcmp(strchr(object, ' ') + 1, name) == 0;
        free(name);
        if (same) return t->present;
    }
    return false;
}

static bool check(struct episode *e) {
    struct world fresh = {0};
    struct lines kept = {0}, open = {0}, expected = {0}, causes_kept = {0}, causes_fresh = {0};
    world_open(&fresh, &e->random, e->forbidden);
    for (size_t i = 0; i < policies.count; i++) diagnosis_replay(e->world.diagnosis, policies.names[i], replayed, &kept);
    model_step(&e->model, e->random.now_ms, &fresh.told, exists, &e->random);
    findings_each(e->world.findings, add_open, &open);
    add_expected(&e->model, &expected);
    causes(&e->world, &causes_kept, &causes_fresh);
    /* Of a kind that may not be read any more stays what was found before. */
    const char *blind = e->forbidden ? strrchr(e->forbidden, '/') + 1 : NULL;
    bool same = none_fails(&e->world, "incremental") && none_fails(&fresh, "fresh") &&
                same_lines(&e->world.told, &fresh.told, blind, "what was told and what is so") &&
                same_lines(&kept, &fresh.told, blind, "what is remembered and what is so") &&
                same_lines(&open, &expected, blind, "open findings") && same_lines(&causes_kept, &causes_fresh, NULL, "causes");
    lines_clear(&kept);
    lines_clear(&open);
    lines_clear(&expected);
    lines_clear(&causes_kept);
    lines_clear(&causes_fresh);
    world_close(&fresh);
    return same;
}

static void ticked(struct deadline *d) {
    struct episode *e = (struct episode *)((char *)d - offsetof(struct episode, tick));
    e->ticked = true;
}

/* A clock that stands still wakes nobody: something that is due already does. */
static void let_time_pass(struct episode *e) {
    struct err err;
    clock_fix_wall(e->random.now_ms);
    e->ticked = false;
    assert_int_equal(deadline_set(e->world.deadlines, &e->tick, 0, &err), 0);
    assert_true(loop_run_until(e->loop, &e->ticked, 10000));
}

/* Kinds that every analyzer asks to be readable before it reads them: without, it would fail, here and in the fresh world, with other
 * findings of before. */
static void forbid_something(struct episode *e, size_t which) {
    static const char *const kinds[] = {"batch/v1/Job", "networking.k8s.io/v1/IngressClass", "v1/Secret", "batch/v1/CronJob",
                                        "apiextensions.k8s.io/v1/CustomResourceDefinition"};
    struct err err;
    e->forbidden = kinds[which % (sizeof kinds / sizeof *kinds)];
    cluster_forbid(e->world.cluster, gvk_parse(str_of(e->forbidden), &err));
}

static void narrate(const struct random_step *s, size_t number) {
    char *text = s->what == STEP_PUT ? thing_text(s->thing) : NULL;
    if (s->what == STEP_TIME)
        print_error("step %zu: %d s pass\n", number, (int)s->seconds);
    else
        print_error("step %zu: %s %s/%s/%s %s\n", number, text ? "put" : "delete", s->thing->sort->kind, s->thing->ns, s->thing->name,
                    text ? text : "");
    free(text);
}

static bool take_step(struct episode *e, size_t number, bool aloud) {
    struct random_step s = random_cluster_step(&e->random, number);
    if (aloud) narrate(&s, number);
    if (s.what == STEP_TIME) let_time_pass(e);
    if (s.what == STEP_PUT) put(&e->world, s.thing);
    if (s.what == STEP_DELETE)
        store_delete(cluster_store(e->world.cluster, gvk_of_thing(s.thing)), str_of(s.thing->ns), str_of(s.thing->name));
    if (number == EPISODE_STEPS / 2 && e->random.seed % 4 == 0) forbid_something(e, e->random.seed / 4);
    diagnosis_finish(e->world.diagnosis);
    return check(e);
}

static void episode_open(struct episode *e, uint64_t seed) {
    struct findings_identity nobody = {STR(""), STR("test"), STR("test")};
    struct findings_owner owner = {.dirty = not_dirty, .decide = decide, .opened = opened, .free_group = group_going, .arg = &e->world};
    struct err err;
    e->tick.fire = ticked;
    random_cluster_start(&e->random, seed, START_MS);
    clock_fix_wall(START_MS);
    e->loop = loop_new(&err);
    e->world.deadlines = deadlines_new(e->loop);
    e->world.findings = findings_new(&nobody, e->world.deadlines, false, &owner);
    e->world.reads = reads_new(touched, NULL);
    world_open(&e->world, &e->random, NULL);
}

static void episode_close(struct episode *e) {
    world_close(&e->world);
    deadlines_free(e->world.deadlines);
    loop_free(e->loop);
    model_clear(&e->model);
    free(e);
}

/* Those steps that are not left out. The number of steps taken when a difference showed; 0: none did. */
static size_t play(uint64_t seed, size_t steps, const bool *left_out, bool aloud) {
    struct episode *e = calloc(1, sizeof *e);
    assert_non_null(e);
    episode_open(e, seed);
    bool same = check(e);
    size_t i = 0;
    for (; same && i < steps; i++)
        if (!left_out || !left_out[i]) same = take_step(e, i, aloud);
    episode_close(e);
    return same ? 0 : i + 1;
}

/* Leaves out whatever the failure does not need, and tells the rest. */
static void explain(uint64_t seed, size_t steps) {
    bool left_out[EPISODE_STEPS] = {false};
    is_quiet = true;
    for (size_t length = steps / 2; length > 0; length /= 2) {
        for (size_t from = 0; from + length < steps; from += length) {
            bool before[EPISODE_STEPS];
            memcpy(before, left_out, sizeof before);
            memset(left_out + from, true, length);
            if (!play(seed, steps, left_out, false)) memcpy(left_out, before, sizeof before);
        }
    }
    is_quiet = false;
    print_error("---- the same with fewer steps, PROPERTY_SEED=%llu:\n", (unsigned long long)seed);
    play(seed, steps, left_out, true);
}

/* ---- the test ------------------------------------------------------------------------------------------------------------------ */

static uint64_t number_of(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void incremental_is_as_good_as_fresh(void **state) {
    (void)state;
    uint64_t seed = number_of("PROPERTY_SEED", 1), steps = number_of("PROPERTY_STEPS", 2000);
    for (uint64_t done = 0; done < steps; done += EPISODE_STEPS, seed++) {
        size_t failed = play(seed, EPISODE_STEPS, NULL, false);
        if (!failed) continue;
        explain(seed, failed < EPISODE_STEPS ? failed : EPISODE_STEPS);
        fail_msg("seed %llu", (unsigned long long)seed);
    }
    print_message("%llu steps, %zu failures and %zu causes compared\n", (unsigned long long)steps, compared, followers);
    assert_true(compared > 10 * steps);
    assert_true(followers > steps);
}

static int load(void **state) {
    static const struct bundle_source sources[] = {{"policies", LAYER_BUILTIN}};
    struct bundle_options options = {.lua_dir = "lua", .sources = sources, .source_count = 1};
    struct bundle_problems problems = {0};
    struct err err;
    (void)state;
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    policies.bundle = bundle_load(&options, &problems, &err);
    if (!policies.bundle) print_error("%s\n", err.msg);
    for (size_t i = 0; policies.bundle && i < bundle_count(policies.bundle, POLICY_ANALYZER); i++)
        policies.names[policies.count++] = str_of(bundle_at(policies.bundle, POLICY_ANALYZER, i)->name);
    bundle_problems_free(&problems);
    return policies.bundle ? 0 : -1;
}

static int unload(void **state) {
    (void)state;
    bundle_unref(policies.bundle);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(incremental_is_as_good_as_fresh)};
    return cmocka_run_group_tests(tests, load, unload);
}
