/* Which findings follow from which: roots, circles, what moves when a cause opens, changes or resolves, and what correlate policies see. */
#include "document.h"

#include "base/clock.h"
#include "operator/findings.h"

static struct policy_rule rules[] = {{.name = "low", .severity = SEVERITY_LOW},
                                     {.name = "high", .severity = SEVERITY_HIGH},
                                     {.name = "late", .severity = SEVERITY_HIGH, .grace_s = 60}};
static const struct policy ANALYZER = {.kind = POLICY_ANALYZER, .name = "Pod", .rules = rules, .rule_count = 3};
static const struct policy OTHER = {.kind = POLICY_ANALYZER, .name = "Security", .rules = rules, .rule_count = 3};

enum { BY = 7 };

struct fixture {
    struct loop *loop;
    struct deadlines *deadlines;
    struct findings *all;
    int decided, opened;
};

static void dirty(void *arg) { (void)arg; }
static void decide(struct group *g, void *arg) { ((struct fixture *)arg)->decided += g != NULL; }
static void opened(const struct group *g, void *arg) { ((struct fixture *)arg)->opened += g != NULL; }

static int setup(void **state) {
    struct fixture *fx = calloc(1, sizeof *fx);
    struct findings_identity who = {STR("cluster"), STR("default"), STR("k8sgpt")};
    struct findings_owner owner = {.dirty = dirty, .decide = decide, .opened = opened, .arg = fx};
    struct err err;
    clock_fix_wall(1772359800000); /* 2026-03-01T10:10:00Z */
    fx->loop = loop_new(&err);
    fx->deadlines = deadlines_new(fx->loop);
    fx->all = findings_new(&who, fx->deadlines, false, &owner);
    *state = fx;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fx = *state;
    findings_free(fx->all);
    deadlines_free(fx->deadlines);
    loop_free(fx->loop);
    free(fx);
    return 0;
}

static void judge_as(struct fixture *fx, const struct policy *policy, const char *name, const char *rule) {
    struct err err;
    struct doc *doc = *rule ? document("[{\"rule\":\"%s\",\"text\":\"t\"}]", rule) : document("[]");
    struct verdict v = {.policy = policy,
                        .decider = policy,
                        .gvk = gvk_parse(STR("v1/Pod"), &err),
                        .ns = STR("shop"),
                        .name = str_of(name),
                        .failures = doc_root(doc)};
    findings_verdict(fx->all, &v);
    doc_unref(doc);
}

static void judge(struct fixture *fx, const char *name, const char *rule) { judge_as(fx, &ANALYZER, name, rule); }

static struct finding_place at(struct fixture *fx, const char *name) {
    char id[64];
    snprintf(id, sizeof id, "Pod/Pod/shop/%s", name);
    struct group *g = findings_by_id(fx->all, str_of(id));
    return (struct finding_place){g, g ? g->findings : NULL};
}

static void follow(struct fixture *fx, const char *name, const char *from) {
    struct finding_place f = at(fx, name), none = {0};
    struct err err;
    assert_int_equal(finding_follow(f.group, f.finding, from ? at(fx, from) : none, BY, &err), 0);
}

static const char *root(struct fixture *fx, const char *name) {
    struct finding_place place = finding_cause(at(fx, name).finding);
    assert_ptr_equal(group_cause(at(fx, name).group).finding, place.finding);
    return place.group ? place.group->name : "";
}

static bool is_dirty(struct fixture *fx, const char *name) { return at(fx, name).group->dirty; }

static void clean(struct fixture *fx) {
    struct group *g;
    while ((g = findings_next_dirty(fx->all))) {
        struct doc *result = document("{\"metadata\":{\"name\":\"r-%s\"}}", g->name);
        for (size_t i = 0; i < g->count; i++) g->findings[i].worded = true;
        group_published(g, result);
        doc_unref(result);
    }
}

static void the_root_of_a_chain_is_the_cause(void **state) {
    struct fixture *fx = *state;
    for (const char *name = "abcd"; *name; name++) judge(fx, (char[]){*name, '\0'}, "high");
    follow(fx, "a", "b");
    assert_string_equal(root(fx, "a"), "b");
    follow(fx, "c", "d");
    clean(fx);
    follow(fx, "b", "c");
    assert_string_equal(root(fx, "a"), "d");
    assert_string_equal(root(fx, "b"), "d");
    assert_string_equal(root(fx, "d"), "");
    assert_true(is_dirty(fx, "a") && is_dirty(fx, "b") && !is_dirty(fx, "c") && !is_dirty(fx, "d"));
    assert_false(at(fx, "a").finding->worded);
    assert_true(at(fx, "c").finding->worded);
    clean(fx);
    follow(fx, "b", "d"); /* the same root by a shorter way: nobody sees a difference */
    assert_false(is_dirty(fx, "a") || is_dirty(fx, "b"));
}

/* In whatever order it came to be. */
static void a_circle_has_its_most_severe_as_root(void **state) {
    struct fixture *fx = *state;
    static const char *const orders[] = {"abc", "cab", "bca", "cba"};
    judge(fx, "a", "low");
    judge(fx, "b", "high");
    judge(fx, "c", "high");
    judge(fx, "tail", "low");
    const char *first = strcmp(at(fx, "b").finding->id, at(fx, "c").finding->id) < 0 ? "b" : "c";
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        for (const char *name = orders[i]; *name; name++)
            follow(fx, (char[]){*name, '\0'}, (char[]){(char)(*name == 'c' ? 'a' : *name + 1), '\0'});
        follow(fx, "tail", "a");
        for (const char *name = "abc"; *name; name++) assert_string_equal(root(fx, (char[]){*name, '\0'}), *name == *first ? "" : first);
        assert_string_equal(root(fx, "tail"), first);
        for (const char *name = "abc"; *name; name++) follow(fx, (char[]){*name, '\0'}, NULL);
    }
    follow(fx, "a", "a"); /* the smallest circle */
    assert_string_equal(root(fx, "a"), "");
}

static void what_resolves_is_no_cause_any_more(void **state) {
    struct fixture *fx = *state;
    judge(fx, "a", "high");
    judge(fx, "b", "high");
    follow(fx, "a", "b");
    clean(fx);
    findings_decide(fx->all);
    judge(fx, "b", "");
    assert_string_equal(root(fx, "a"), "");
    assert_true(is_dirty(fx, "a") && at(fx, "a").group->undecided);
    assert_false(at(fx, "a").finding->worded); /* it is told for itself now */
    judge(fx, "b", "late");
    clean(fx);
    follow(fx, "a", NULL);
    judge(fx, "a", "");
    assert_null(at(fx, "a").finding->cause);
}

/* Policies are asked when what is open changes, not when a text does, and before a group is published at the latest. */
static void policies_are_asked_again_when_what_is_open_changes(void **state) {
    struct fixture *fx = *state;
    judge(fx, "a", "high");
    assert_int_equal(fx->opened, 1);
    assert_int_equal(fx->decided, 0);
    assert_true(at(fx, "a").group->due.slot > 0); /* the clock asks, too */
    judge(fx, "b", "late");
    assert_int_equal(fx->opened, 1); /* within its grace */
    clean(fx);
    assert_int_equal(fx->decided, 1);
    judge(fx, "a", "low");
    assert_int_equal(fx->opened, 2);
}

/* So that what is told of a finding has the cause that holds when it is told. */
static void what_it_follows_from_is_decided_first(void **state) {
    struct fixture *fx = *state;
    judge(fx, "a", "high");
    judge(fx, "b", "high");
    follow(fx, "a", "b");
    struct group *g = findings_next_dirty(fx->all);
    assert_string_equal(g->name, "a");
    assert_int_equal(fx->decided, 2);
    assert_false(at(fx, "b").group->undecided);
}

static void whether_the_cause_was_told_concerns_what_follows(void **state) {
    struct fixture *fx = *state;
    struct err err;
    judge(fx, "a", "low");
    judge(fx, "b", "high");
    follow(fx, "a", "b");
    clean(fx);
    finding_told(at(fx, "b").finding, true);
    assert_true(is_dirty(fx, "a") && !is_dirty(fx, "b"));
    struct doc *doc = finding_document(at(fx, "a").group, at(fx, "a").finding, "opened", NULL, &err);
    assert_true(str_is(doc_path_str(doc_root(doc), "cause.name"), "b"));
    assert_true(doc_bool(doc_path(doc_root(doc), "cause.told")));
    doc_unref(doc);
    doc = finding_document(at(fx, "a").group, at(fx, "a").finding, NULL, NULL, &err);
    assert_int_equal(doc_type(doc_path(doc_root(doc), "cause")), DOC_ABSENT); /* filters must not depend on it */
    doc_unref(doc);
    clean(fx);
    finding_told(at(fx, "b").finding, true);
    assert_false(is_dirty(fx, "a"));
}

static void open_findings_are_listed_worst_first(void **state) {
    struct fixture *fx = *state;
    struct err err;
    struct finding_place place;
    judge(fx, "a", "low");
    judge_as(fx, &OTHER, "a", "high");
    judge(fx, "b", "high");
    struct doc *open = findings_open(fx->all, STR("Pod"), STR("shop"), STR("a"), &err);
    assert_int_equal(doc_len(doc_root(open)), 2);
    assert_true(str_is(doc_path_str(doc_at(doc_root(open), 0), "analyzer"), "Security"));
    assert_true(str_is(doc_path_str(doc_at(doc_root(open), 1), "severity"), "low"));
    assert_int_equal(findings_open_find(fx->all, doc_at(doc_root(open), 1), &place, &err), 0);
    assert_ptr_equal(place.finding, at(fx, "a").finding);
    judge(fx, "a", "");
    assert_int_equal(findings_open_find(fx->all, doc_at(doc_root(open), 1), &place, &err), 0);
    assert_null(place.finding);
    doc_unref(open);
    open = findings_open(fx->all, STR("Pod"), STR("shop"), STR("none"), &err);
    assert_int_equal(doc_len(doc_root(open)), 0);
    doc_unref(open);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_root_of_a_chain_is_the_cause, setup, teardown),
        cmocka_unit_test_setup_teardown(a_circle_has_its_most_severe_as_root, setup, teardown),
        cmocka_unit_test_setup_teardown(what_resolves_is_no_cause_any_more, setup, teardown),
        cmocka_unit_test_setup_teardown(policies_are_asked_again_when_what_is_open_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_follows_from_is_decided_first, setup, teardown),
        cmocka_unit_test_setup_teardown(whether_the_cause_was_told_concerns_what_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(open_findings_are_listed_worst_first, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
