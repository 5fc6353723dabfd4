/*
 * Findings over time against a naive model: random verdicts, filters, restarts and failing writes at random moments.
 *
 * The test publishes as the operator does: it takes what is dirty, tells of what opened and what resolved, writes a Result, and some time
 * later the write succeeds or not.
 */
#include "findings_publish.h"

/* ---- what happens ------------------------------------------------------------------------------------------------------------ */

static struct doc *failures_of(const struct object *o) {
    struct err err;
    char text[CLOCK_TEXT_LEN], counter[32];
    struct doc_builder *b = doc_builder_new();
    doc_begin_array(b);
    for (int i = 0; i < FAILURES; i++) {
        const struct failure *f = &o->world[i];
        if (!f->present) continue;
        snprintf(counter, sizeof counter, "text %d", f->text);
        doc_begin_object(b);
        doc_pair_str(b, "rule", str_of(rules[i % RULES].name));
        if (i / RULES) doc_pair_str(b, "key", STR("k"));
        doc_pair_str(b, "text", str_of(counter));
        if (f->severity != rules[i % RULES].severity) doc_pair_str(b, "severity", str_of(severity_name(f->severity)));
        if (f->since_s >= 0) doc_pair_str(b, "since", str_of(clock_format_ms(now_ms - f->since_s * 1000, text)));
        doc_end_object(b);
    }
    doc_end_array(b);
    struct doc *doc = doc_builder_finish(b, &err);
    doc_builder_free(b);
    return doc;
}

static void judge(int o, bool partial) {
    struct doc *failures = objects[o].exists ? failures_of(&objects[o]) : NULL;
    struct verdict v = {&ANALYZER,
                        &ANALYZER,
                        pod,
                        STR("shop"),
                        name_of(o),
                        .failures = doc_root(failures),
                        .parent = STR("Deployment/shop/d"),
                        .gone = !objects[o].exists,
                        .partial = partial,
                        .noticed_us = 1};
    findings_verdict(all, &v);
    doc_unref(failures);
    believe_verdict(&objects[o], partial);
}

static bool kicked;

static void kick_fired(struct deadline *d) {
    (void)d;
    kicked = true;
}

static void wait_for_deadlines(void) {
    struct deadline kick = {.fire = kick_fired};
    struct err err;
    kicked = false;
    assert_int_equal(deadline_set(deadlines, &kick, 0, &err), 0);
    assert_true(loop_run_until(loop, &kicked, 5000));
}

static void pass_time(int64_t ms) {
    for (int64_t left = ms; left > 0; left -= 1000) {
        now_ms += left < 1000 ? left : 1000;
        clock_fix_wall(now_ms);
        wait_for_deadlines();
        for (int o = 0; o < OBJECTS; o++) {
            struct snapshot before = snapshot_of(&objects[o]);
            time_passes(&objects[o]);
            note_change(&objects[o], &before);
        }
    }
}

static void change_world(struct object *o) {
    int what = pick(12);
    if (what == 0) {
        o->exists = !o->exists;
        return;
    }
    for (int i = 0; i < FAILURES; i++) {
        struct failure *f = &o->world[i];
        if (what == 1) f->present = false;
        if (what < 6 && pick(3) == 0)
            *f = (struct failure){pick(2), pick(3) ? -1 : pick(100), pick(3) ? rules[i % RULES].severity : (enum severity)pick(SEVERITIES),
                                  f->text};
        if (pick(2)) f->text++;
    }
}

static void change_filter(void) {
    struct snapshot before[OBJECTS];
    for (int o = 0; o < OBJECTS; o++) before[o] = snapshot_of(&objects[o]);
    hide[pick(FAILURES)] ^= true;
    findings_refilter(all);
    for (int o = 0; o < OBJECTS; o++) note_change(&objects[o], &before[o]);
}

static bool keep(struct group *g, struct finding *f, void *arg) {
    (void)g;
    assert_ptr_equal(arg, &objects);
    return !hide[failure_of(str_of(f->rule), str_of(f->key))];
}

static void dirty(void *arg) { assert_ptr_equal(arg, &objects); }

static void start_findings(void) {
    struct findings_identity who = {STR("cluster"), STR("default"), STR("k8sgpt")};
    struct findings_owner owner = {.keep = keep, .dirty = dirty, .arg = &objects};
    all = findings_new(&who, deadlines, immediate, &owner);
    assert_non_null(all);
}

/* A new process believes what the Result says. */
static void believe_result(struct object *o) {
    struct doc_value status = doc_path(doc_root(o->result), "status"), findings = doc_path(status, "findings");
    struct doc_value errors = doc_path(doc_root(o->result), "spec.error"), notes = doc_path(status, "notifications");
    for (int i = 0; i < FAILURES; i++) {
        opened -= o->believed[i].told; /* what was told after the last write is told again */
        o->believed[i].state = ABSENT;
        o->believed[i].told = o->believed[i].judged = false;
    }
    for (size_t k = 0; k < doc_len(findings); k++) {
        int i = 0;
        while (i < FAILURES - 1 && !str_is(doc_path_str(doc_at(findings, k), "id"), o->believed[i].id)) i++;
        struct believed *b = &o->believed[i];
        if (str_is(doc_path_str(doc_at(findings, k), "state"), "open")) b->state = OPEN;
        assert_true(severity_parse(doc_path_str(doc_at(errors, k), "severity"), &b->severity) || b->state == ABSENT);
        for (size_t n = 0; n < doc_len(notes); n++) b->told |= str_is(doc_path_str(doc_at(notes, n), "finding"), b->id);
        opened += b->told;
    }
    if (!clock_parse(doc_path_str(status, "changed"), &o->changed_ms)) o->changed_ms = 0;
    o->written_ms = now_ms;
}

static void restart(void) {
    struct err err;
    drop_offers();
    findings_free(all);
    start_findings();
    for (int o = 0; o < OBJECTS; o++) {
        if (objects[o].result) assert_int_equal(findings_adopt(all, objects[o].result, &err), 0);
        believe_result(&objects[o]);
    }
    check_shown();
    for (int o = 0; o < OBJECTS; o++) judge(o, false);
    restarted++;
}

static void one_thing(void) {
    int o = pick(OBJECTS), what = pick(40);
    if (what < 20) {
        change_world(&objects[o]);
        judge(o, objects[o].exists && pick(6) == 0);
    } else if (what < 28) {
        pass_time(500 + pick(40000));
    } else if (what < 30) {
        change_filter();
    } else if (what == 30) {
        drop_offers();
        findings_end_run(all); /* a run that ended before it published */
    } else if (what < 35) {
        for (int i = 0; i < OBJECTS; i++) settle_write(&objects[i], pick(3) != 0);
    } else if (what == 39 && pick(4) == 0) {
        restart();
    } else {
        bool under_way = false;
        for (int i = 0; i < OBJECTS; i++) under_way |= objects[i].offered != NULL;
        if (!under_way) offer_dirty();
    }
}

static void start_test(bool no_grace) {
    struct err err;
    immediate = no_grace;
    opened = resolved = refreshed = restarted = failed_writes = 0;
    now_ms = 1772359800000;
    clock_fix_wall(now_ms);
    memset(objects, 0, sizeof objects);
    memset(hide, 0, sizeof hide);
    pod = gvk_parse(STR("v1/Pod"), &err);
    loop = loop_new(&err);
    deadlines = deadlines_new(loop);
    for (int o = 0; o < OBJECTS; o++) objects[o].exists = true;
    start_findings();
}

static int setup(void **state) {
    (void)state;
    start_test(false);
    return 0;
}

static int setup_immediate(void **state) {
    (void)state;
    start_test(true);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    drop_offers();
    for (int o = 0; o < OBJECTS; o++) {
        doc_unref(objects[o].result);
        doc_unref(objects[o].written);
    }
    findings_free(all);
    deadlines_free(deadlines);
    loop_free(loop);
    return 0;
}

static void count_group(struct group *g, void *arg) {
    (void)g;
    ++*(int *)arg;
}

static void all_is_well_again(void) {
    int left = 0;
    for (int o = 0; o < OBJECTS; o++) {
        memset(objects[o].world, 0, sizeof objects[o].world);
        objects[o].exists = true;
        judge(o, false);
    }
    pass_time(700 * 1000);
    publish_all();
    findings_each(all, count_group, &left);
    assert_int_equal(left, 0);
    for (int o = 0; o < OBJECTS; o++) assert_null(objects[o].result);
    assert_int_equal(opened, resolved);
}

static void agrees_with_a_naive_model(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        one_thing();
        check_shown();
        if (round % 40 == 0) publish_all();
    }
    assert_ids_differ();
    assert_true(opened > 100 && refreshed > 10 && restarted > 10 && failed_writes > 50);
    publish_all();
    all_is_well_again();
}

int main(void) {
    srand(20260301);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(agrees_with_a_naive_model, setup, teardown),
        cmocka_unit_test_setup_teardown(agrees_with_a_naive_model, setup_immediate, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
