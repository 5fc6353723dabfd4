/* What is put in use is what was planned: who chooses meanwhile waits for the next plan. */
#include "base/log.h"
#include "script/fixture.h"

#include "site.h"

#include "support/alloc_fault.h"

/* Chooses two analyzers, and perhaps more. */
static const char CR[] =
    "{\"apiVersion\":\"core.k8sgpt.ai/v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"name\":\"k\",\"namespace\":\"default\",\"uid\":\"k\","
    "\"creationTimestamp\":\"2026-03-01T10:00:00Z\"},\"spec\":{\"analysis\":{\"interval\":\"1h\"},\"filters\":[\"Pod\",\"Node\"%s]}}";

static void cr_text(char *text, size_t size, const char *third) {
    char more[64] = "";
    if (*third) snprintf(more, sizeof more, ",\"%s\"", third);
    snprintf(text, size, CR, more);
}

static int setup(void **state) {
    static struct site s;
    static struct random_cluster none;
    char text[sizeof CR];
    s = (struct site){0};
    start_server(&s, &none);
    cr_text(text, sizeof text, "");
    load_text(&s, text);
    start_operator(&s, dev_server_port(s.server));
    await_quiet(&s);
    *state = &s;
    return 0;
}

static int teardown(void **state) {
    end_site(*state);
    return 0;
}

static bool uses(const struct site *s, const char *third) {
    const struct str names[] = {STR("Pod"), STR("Node"), str_of(third)};
    return diagnosis_uses(s->op->diagnosis, names, *third ? 3 : 2);
}

/* A plan is made and not yet in use. */
static void begin_plan(struct site *s) {
    (void)operator_make_plan(s->op);
    assert_non_null(s->op->plan);
}

static void end_plan(struct site *s) {
    while (s->op->plan) (void)loop_run_until(s->loop, &NEVER, 0);
}

/* As a run does for a K8sGPT that says so. */
static void choose(const struct site *s, const char *third) {
    struct tenant *t = s->op->tenants;
    char text[sizeof CR + 64];
    struct err err;
    bool changed;
    cr_text(text, sizeof text, third);
    doc_unref(t->cr);
    t->cr = fx_json(text);
    assert_int_equal(tenant_choose(t, &changed, &err), 0);
    assert_true(changed && tenant_has_chosen(t, third));
}

/* Of an Ingress nothing is cached; of pods less than Security reads. */
static void what_is_chosen_late_waits(void **state) {
    static const char *const late[] = {"Ingress", "Security"};
    struct site *s = *state;
    char text[sizeof CR + 64];
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        begin_plan(s);
        choose(s, late[i]);
        end_plan(s);
        assert_true(uses(s, i ? late[i - 1] : ""));
        cr_text(text, sizeof text, late[i]);
        load_text(s, text);
        while (!uses(s, late[i])) (void)loop_run_until(s->loop, &NEVER, 1);
        await_quiet(s);
    }
}

/* The plan before, for the bundle before, is put in use whole when there is no memory for the next. */
static void a_plan_that_fails_changes_nothing(void **state) {
    struct site *s = *state;
    begin_plan(s);
    choose(s, "Ingress");
    struct bundle *wanted = s->op->next_bundle;
    bundle_ref(wanted);
    alloc_fault_after(0);
    (void)operator_make_plan(s->op);
    assert_true(alloc_fault_end());
    assert_ptr_equal(s->op->next_bundle, wanted);
    bundle_unref(wanted);
    end_plan(s);
    assert_true(uses(s, ""));
}

int main(void) {
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_chosen_late_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_plan_that_fails_changes_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
