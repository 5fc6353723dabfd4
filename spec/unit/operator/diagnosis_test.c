/* What makes an analysis run: exactly what it read, and time. What is told of it, and when memory runs out. */
#include "pods.h"

#include "support/alloc_fault.h"

/* A healthy verdict is told each time, so verdicts count runs. */
static void runs_again_for_what_it_read_and_nothing_else(void **state) {
    struct world *w = *state;
    write_policy(w, "builtin", RULES,
                 "if pod.metadata.name ~= 'p' then return end\n"
                 "local map = ctx.get('v1/ConfigMap', 'a', 'm')\n"
                 "if map then ctx.exists('v1/Node', nil, 'n') end\n"
                 "ctx.list('v1/Pod', { ns = 'a', labels = { app = 'x' } })");
    start(w);
    put_pod(w, "p", "y", "Running");
    assert_int_equal(world_settle(w), 1);
    put_node(w, "n", 1); /* not read as long as there is no map */
    assert_int_equal(world_settle(w), 0);
    put_map(w, "m", "1"); /* looked for and not found */
    assert_int_equal(world_settle(w), 1);
    put_map(w, "m", "1"); /* no kept field differs */
    put_map(w, "other", "1");
    put_node(w, "n", 2); /* exists depends on existence alone */
    put_node(w, "other", 1);
    assert_int_equal(world_settle(w), 0);
    world_delete(w, "v1/Node", "", "n");
    assert_int_equal(world_settle(w), 1);
    put_map(w, "m", "2");
    assert_int_equal(world_settle(w), 1);
    put_pod(w, "q", "y", "Running"); /* itself, in no list */
    assert_int_equal(world_settle(w), 1);
    put_pod(w, "q", "x", "Running"); /* itself, and into the list */
    assert_int_equal(world_settle(w), 2);
    put_pod(w, "q", "y", "Running"); /* and out again */
    assert_int_equal(world_settle(w), 2);
    world_delete(w, "v1/ConfigMap", "a", "m");
    assert_int_equal(world_settle(w), 1);
    put_node(w, "n", 3); /* read no more */
    assert_int_equal(world_settle(w), 0);
}

static void an_object_that_goes_takes_its_verdict_along(void **state) {
    struct world *w = *state;
    write_policy(w, "builtin", RULES, "if pod.status.phase == 'Failed' then return { { rule = 'r', text = 'failed' } } end");
    put_pod(w, "before", "x", "Failed");
    start(w);
    put_pod(w, "p", "x", "Failed");
    assert_int_equal(world_settle(w), 1);
    assert_document(world_failures(w, "T/a/p"), "[{\"rule\":\"r\",\"text\":\"failed\"}]");
    world_delete(w, "v1/Pod", "a", "p");
    assert_int_equal(world_settle(w), 1);
    assert_int_equal(doc_len(world_failures(w, "T/a/p")), 0);
    int before = w->verdicts;
    diagnosis_replay(w->diagnosis, STR("T"), world_verdict, w);
    assert_int_equal(w->verdicts - before, 0); /* what was there before the stores were in use is nobody's object */
    put_pod(w, "p", "x", "Failed");
    world_delete(w, "v1/Pod", "a", "p"); /* come and gone before anybody looked */
    assert_int_equal(world_settle(w), 1);
    assert_int_equal(doc_len(world_failures(w, "T/a/p")), 0);
}

static void the_same_verdict_is_told_once(void **state) {
    struct world *w = *state;
    write_policy(w, "builtin", RULES, "return { { rule = 'r', text = pod.status.phase == 'Failed' and 'bad' or 'fair' } }");
    start(w);
    put_pod(w, "p", "x", "Running");
    assert_int_equal(world_settle(w), 1);
    put_pod(w, "p", "y", "Running");
    assert_int_equal(world_settle(w), 0);
    put_pod(w, "p", "y", "Failed");
    assert_int_equal(world_settle(w), 1);
}

/* ---- several kinds of subjects ------------------------------------------------------------------------------------------------- */

static void one_policy_judges_several_kinds(void **state) {
    struct world *w = *state;
    struct err err;
    const char *why;
    fx_write(&w->fx, "builtin/analyzers/T/policy.lua",
             "return { api = 1, kind = 'analyzer', name = 'T', description = 'test', fields = { 'status.phase' }, watches = {\n"
             "    'v1/Pod', { 'v1/Node', fields = { 'spec.n' }, subject = true }, { 'v1/ConfigMap', fields = { 'data' } } },\n"
             "  rules = { r = { severity = 'low' } },\n"
             "  run = function(ctx, object)\n"
             "    if object.kind == 'Pod' then return object.status.phase == 'Failed' and { { rule = 'r', text = 'failed' } } end\n"
             "    local map = ctx.get('v1/ConfigMap', 'a', 'm')\n"
             "    return map and { { rule = 'r', text = object.spec.n .. map.data.v } }\n"
             "  end }\n");
    put_node(w, "before", 1);
    start(w);
    put_node(w, "x", 1);
    put_pod(w, "x", "y", "Failed");
    assert_int_equal(world_settle(w), 2);
    assert_document(world_failures(w, "T/a/x"), "[{\"rule\":\"r\",\"text\":\"failed\"}]");
    assert_int_equal(doc_len(world_failures(w, "T//x")), 0);
    put_map(w, "m", "1"); /* read for the node alone */
    assert_int_equal(world_settle(w), 1);
    assert_document(world_failures(w, "T//x"), "[{\"rule\":\"r\",\"text\":\"11\"}]");
    int before = w->verdicts;
    diagnosis_replay(w->diagnosis, STR("T"), world_verdict, w);
    assert_int_equal(w->verdicts - before, 2);
    assert_int_equal(w->sweeps, 1);
    assert_true(diagnosis_uses(w->diagnosis, w->analyzers, 1));

    cluster_forbid(w->cluster, gvk_parse(STR("v1/Node"), &err));
    assert_int_equal(diagnosis_use(w->diagnosis, w->fx.bundle, w->analyzers, 1, &err), 0);
    world_settle(w);
    assert_int_equal(diagnosis_analyzer(w->diagnosis, STR("T"), &why), ANALYZER_ACTIVE); /* for pods */
    assert_non_null(strstr(why, "v1/Node may not be read"));
    assert_int_equal(w->sweeps, 2);
    cluster_forbid(w->cluster, gvk_parse(STR("v1/Pod"), &err));
    assert_int_equal(diagnosis_use(w->diagnosis, w->fx.bundle, w->analyzers, 1, &err), 0);
    assert_int_equal(diagnosis_analyzer(w->diagnosis, STR("T"), &why), ANALYZER_INACTIVE);
}

/* ---- time ---------------------------------------------------------------------------------------------------------------------- */

static bool kicked;

static void kick_fired(struct deadline *d) {
    (void)d;
    kicked = true;
}

static void pass_time(struct world *w, int64_t ms) {
    struct deadline kick = {.fire = kick_fired};
    struct err err;
    clock_fix_wall(w->fx.now_ms += ms);
    kicked = false;
    assert_int_equal(deadline_set(w->deadlines, &kick, 0, &err), 0);
    assert_true(loop_run_until(w->loop, &kicked, 5000));
}

static bool idle(struct world *w) {
    for (int turns = 0; turns < 100 && (diagnosis_pending(w->diagnosis) || turns < 2); turns++) {
        bool never = false;
        loop_run_until(w->loop, &never, 1);
    }
    return diagnosis_pending(w->diagnosis) == 0;
}

static void after_runs_it_at_the_moment(void **state) {
    struct world *w = *state;
    struct err err;
    w->loop = loop_new(&err);
    w->deadlines = deadlines_new(w->loop);
    write_policy(w, "builtin", RULES, "if ctx.after(60, pod.status.phase) then return { { rule = 'r', text = 'old' } } end");
    start(w);
    put_pod(w, "p", "x", "2026-03-01T10:09:30Z"); /* 30 s ago */
    assert_true(idle(w));
    assert_int_equal(w->verdicts, 1);
    pass_time(w, 29000);
    assert_true(idle(w));
    assert_int_equal(w->verdicts, 1);
    pass_time(w, 1000);
    assert_true(idle(w));
    assert_int_equal(w->verdicts, 2);
    assert_int_equal(doc_len(world_failures(w, "T/a/p")), 1);
    pass_time(w, 3600 * 1000);
    assert_true(idle(w));
    assert_int_equal(w->verdicts, 2); /* true once, it needs the clock no more */
    put_pod(w, "p", "x", "2026-03-01T11:11:00Z");
    put_pod(w, "q", "x", "2026-03-01T11:11:00Z");
    assert_true(idle(w));
    world_delete(w, "v1/Pod", "a", "q");
    assert_true(idle(w));
    int before = w->verdicts;
    pass_time(w, 3600 * 1000);
    assert_true(idle(w));
    assert_int_equal(w->verdicts - before, 1); /* nobody waits for what is gone */
}

/* ---- memory -------------------------------------------------------------------------------------------------------------------- */

/* An allocation that fails anywhere costs one analysis at most, says so, and the next change puts it right. */
static void without_memory_a_verdict_is_late_and_not_wrong(void **state) {
    struct world *w = *state;
    int failed = 0;
    write_policy(w, "builtin", RULES,
                 "local map = ctx.get('v1/ConfigMap', 'a', 'm')\n"
                 "ctx.list('v1/Pod', { ns = 'a', labels = { app = pod.metadata.labels.app } })\n"
                 "if map and map.data.v == pod.status.phase then return { { rule = 'r', text = map.data.v } } end");
    start(w);
    for (int after = 0; after < 120; after++) {
        put_map(w, "m", after % 2 ? "Failed" : "Other");
        struct doc *pod = document(
            "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"a\",\"name\":\"p\",\"labels\":{\"app\":\"x%d\"}},"
            "\"spec\":{},\"status\":{\"phase\":\"Failed\"}}",
            after);
        world_put(w, pod);
        alloc_fault_after(after);
        diagnosis_finish(w->diagnosis);
        failed += alloc_fault_end();
        put_pod(w, "p", "y", "Failed");
        world_settle(w);
        assert_int_equal(doc_len(world_failures(w, "T/a/p")), after % 2);
        assert_int_equal(diagnosis_failing(w->diagnosis, STR("T"), NULL), 0);
    }
    assert_true(failed > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(runs_again_for_what_it_read_and_nothing_else),
        TEST(an_object_that_goes_takes_its_verdict_along),
        TEST(the_same_verdict_is_told_once),
        TEST(one_policy_judges_several_kinds),
        TEST(after_runs_it_at_the_moment),
        TEST(without_memory_a_verdict_is_late_and_not_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
