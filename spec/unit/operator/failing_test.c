/* Analyses that fail: what they found stays, the layer below stands in, the breaker trips, denied reads are no verdict. */
#include "pods.h"

static const char FAILS_ON_X[] = "if pod.metadata.labels.app == 'x' then error('boom') end\n"
                                 "if pod.status.phase == 'Failed' then return { { rule = 'r', text = 'failed' } } end";

static void a_run_that_fails_is_no_verdict(void **state) {
    struct world *w = *state;
    const char *why;
    write_policy(w, "builtin", RULES, FAILS_ON_X);
    start(w);
    put_pod(w, "p", "y", "Failed");
    assert_int_equal(world_settle(w), 1);
    put_pod(w, "p", "x", "Running");
    assert_int_equal(world_settle(w), 0);
    assert_int_equal(doc_len(world_failures(w, "T/a/p")), 1);
    assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), &why), 1);
    assert_non_null(strstr(why, "boom"));
    assert_int_equal(w->changes, 2); /* active, failing */
    put_pod(w, "p", "y", "Running");
    assert_int_equal(world_settle(w), 1);
    assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), NULL), 0);
    assert_int_equal(doc_len(world_failures(w, "T/a/p")), 0);
    put_pod(w, "p", "x", "Running");
    world_settle(w);
    world_delete(w, "v1/Pod", "a", "p");
    world_settle(w);
    assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), NULL), 0);
}

/* A built-in is run again however often it failed: there is nothing below it. */
static void a_builtin_is_never_tripped(void **state) {
    struct world *w = *state;
    write_policy(w, "builtin", RULES, FAILS_ON_X);
    start(w);
    for (int i = 0; i < 2 * BREAKER_FAILURES; i++) {
        put_pod(w, "p", "x", i % 2 ? "Running" : "Failed");
        world_settle(w);
    }
    put_pod(w, "q", "y", "Failed");
    assert_int_equal(world_settle(w), 1);
    assert_int_equal(doc_len(world_failures(w, "T/a/q")), 1);
}

static const char BELOW[] = "return { { rule = 'only-below', text = 'found below' } }";

/* What the layer below finds counts as partial, is of its layer, and may break rules that the override does not have. */
static void the_layer_below_stands_in(void **state) {
    struct world *w = *state;
    write_policy(w, "builtin", "rules = { ['only-below'] = { severity = 'high' } },", BELOW);
    write_policy(w, "cluster", RULES, FAILS_ON_X);
    start(w);
    put_pod(w, "p", "x", "Failed");
    assert_int_equal(world_settle(w), 1);
    const struct noted *n = world_noted(w->noted, "T/a/p", false);
    assert_document(doc_root(n->failures), "[{\"rule\":\"only-below\",\"text\":\"found below\"}]");
    assert_true(n->partial && n->decider == LAYER_BUILTIN);
    assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), NULL), 1);
    put_pod(w, "p", "y", "Running");
    assert_int_equal(world_settle(w), 1);
    assert_true(!n->partial && n->decider == LAYER_CLUSTER);
    assert_int_equal(doc_len(doc_root(n->failures)), 0);
    assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), NULL), 0);
}

static void count_tripped(const struct policy *p, const char *message, void *arg) {
    assert_string_equal(p->name, "T");
    assert_non_null(strstr(message, "boom"));
    ++*(int *)arg;
}

static void an_override_that_keeps_failing_is_tripped(void **state) {
    struct world *w = *state;
    int tripped = 0;
    write_policy(w, "builtin", "rules = { ['only-below'] = { severity = 'high' } },", BELOW);
    write_policy(w, "cluster", RULES, FAILS_ON_X);
    start(w);
    const struct policy *top = bundle_find(w->fx.bundle, POLICY_ANALYZER, STR("T"));
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        assert_ptr_equal(policycalls_effective(w->calls, top), top);
        put_pod(w, "p", "x", i % 2 ? "Running" : "Failed");
        world_settle(w);
    }
    assert_true(policycalls_tripped(w->calls, top));
    assert_ptr_equal(policycalls_effective(w->calls, top), top->lower);
    policycalls_each_tripped(w->calls, count_tripped, &tripped);
    assert_int_equal(tripped, 1);
    put_pod(w, "q", "y", "Running"); /* it would do, but it is not asked any more */
    world_settle(w);
    assert_true(world_noted(w->noted, "T/a/q", false)->partial);
    policycalls_reset(w->calls); /* another bundle */
    put_pod(w, "q", "y", "Failed");
    world_settle(w);
    assert_false(world_noted(w->noted, "T/a/q", false)->partial);
}

/* One good run between failures, and nothing trips: the breaker is for those who fail every time. */
static void failures_in_between_do_not_trip(void **state) {
    struct world *w = *state;
    write_policy(w, "builtin", "rules = { ['only-below'] = { severity = 'high' } },", BELOW);
    write_policy(w, "cluster", RULES, FAILS_ON_X);
    start(w);
    for (int i = 0; i < 4 * BREAKER_FAILURES; i++) {
        put_pod(w, "p", i % (BREAKER_FAILURES - 1) ? "x" : "y", i % 2 ? "Running" : "Failed");
        world_settle(w);
    }
    assert_false(policycalls_tripped(w->calls, bundle_find(w->fx.bundle, POLICY_ANALYZER, STR("T"))));
}

static const char BREAKS_CONTRACT[] =
    "if pod.metadata.labels.app == 'x' then return { { rule = 'no such rule', text = 't' } } end\n"
    "if pod.metadata.labels.app == 'z' then return { { rule = 'r', text = 't' }, { rule = 'r', text = 'u' } } end\n"
    "return { { rule = 'r', text = 't' } }";

static void a_verdict_that_breaks_the_contract_is_none(void **state) {
    struct world *w = *state;
    const char *why;
    write_policy(w, "builtin", RULES, BREAKS_CONTRACT);
    start(w);
    put_pod(w, "p", "x", "Running");
    assert_int_equal(world_settle(w), 0);
    assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), &why), 1);
    assert_non_null(strstr(why, "no such rule"));
    put_pod(w, "p", "z", "Running"); /* the same rule and key twice */
    assert_int_equal(world_settle(w), 0);
    put_pod(w, "p", "y", "Running");
    assert_int_equal(world_settle(w), 1);
}

static void what_may_not_be_read_makes_no_verdict(void **state) {
    struct world *w = *state;
    const char *why;
    struct err err;
    const struct gvk *map = gvk_parse(STR("v1/ConfigMap"), &err);
    write_policy(w, "builtin", RULES,
                 "local map = ctx.get('v1/ConfigMap', 'a', 'm')\n"
                 "if not map then return { { rule = 'r', text = 'there is no map' } } end");
    write_policy(w, "cluster", RULES,
                 "local map = ctx.get('v1/ConfigMap', 'a', 'm')\nif not map then return { { rule = 'r', text = 'none' } } end");
    start(w);
    put_map(w, "m", "1");
    put_pod(w, "p", "x", "Running");
    put_pod(w, "q", "x", "Running");
    world_settle(w);
    cluster_forbid(w->cluster, map);
    diagnosis_state_changed(w->diagnosis, map);
    put_pod(w, "p", "y", "Running");
    assert_int_equal(world_settle(w), 0); /* neither healthy nor without a map, and no layer below is asked */
    assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), &why), 1);
    assert_non_null(strstr(why, "ConfigMap"));
    assert_false(policycalls_tripped(w->calls, bundle_find(w->fx.bundle, POLICY_ANALYZER, STR("T"))));
    assert_int_equal(diagnosis_analyzer(w->diagnosis, STR("T"), NULL), ANALYZER_ACTIVE);
}

static void an_analyzer_without_its_subject_is_inactive(void **state) {
    struct world *w = *state;
    const char *why;
    struct err err;
    const struct gvk *pod = gvk_parse(STR("v1/Pod"), &err);
    write_policy(w, "builtin", RULES, "return { { rule = 'r', text = 't' } }");
    world_open(w);
    cluster_forbid(w->cluster, pod);
    world_start(w);
    assert_int_equal(diagnosis_analyzer(w->diagnosis, STR("T"), &why), ANALYZER_INACTIVE);
    assert_non_null(strstr(why, "may not be read"));
    assert_true(diagnosis_swept(w->diagnosis, STR("T"))); /* it has seen all that it can */
    assert_int_equal(w->sweeps, 0);
    assert_int_equal(diagnosis_analyzer(w->diagnosis, STR("Nobody"), &why), ANALYZER_WAITING);
}

static void a_check_that_cannot_be_made_is_skipped(void **state) {
    struct world *w = *state;
    struct err err;
    const struct gvk *map = gvk_parse(STR("v1/ConfigMap"), &err);
    write_policy(w, "builtin", RULES,
                 "if not ctx.readable('v1/ConfigMap') then return end\n"
                 "if not ctx.get('v1/ConfigMap', 'a', 'm') then return { { rule = 'r', text = 'none' } } end");
    start(w);
    put_pod(w, "p", "x", "Running");
    world_settle(w);
    assert_int_equal(doc_len(world_failures(w, "T/a/p")), 1);
    cluster_forbid(w->cluster, map);
    diagnosis_state_changed(w->diagnosis, map);
    assert_int_equal(world_settle(w), 1); /* it asked whether it can read: now it cannot */
    assert_int_equal(doc_len(world_failures(w, "T/a/p")), 0);
    assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_fails_is_no_verdict),
        TEST(a_builtin_is_never_tripped),
        TEST(the_layer_below_stands_in),
        TEST(an_override_that_keeps_failing_is_tripped),
        TEST(failures_in_between_do_not_trip),
        TEST(a_verdict_that_breaks_the_contract_is_none),
        TEST(what_may_not_be_read_makes_no_verdict),
        TEST(an_analyzer_without_its_subject_is_inactive),
        TEST(a_check_that_cannot_be_made_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
