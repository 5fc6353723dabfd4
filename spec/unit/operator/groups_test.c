/* Groups of findings where they meet the world: Results of an earlier process or of upstream, other writers, filters, stand-ins. */
#include "document.h"

#include "base/clock.h"
#include "operator/findings.h"

static struct policy_rule rules[] = {{.name = "now", .severity = SEVERITY_HIGH},
                                     {.name = "slow", .severity = SEVERITY_MEDIUM, .grace_s = 60}};
static struct policy_rule rules_below[] = {{.name = "only-below", .severity = SEVERITY_CRITICAL}};
static const struct policy BELOW = {.kind = POLICY_ANALYZER, .name = "Pod", .rules = rules_below, .rule_count = 1};
static const struct policy ANALYZER = {
    .kind = POLICY_ANALYZER, .name = "Pod", .layer = LAYER_CLUSTER, .rules = rules, .rule_count = 2, .lower = &BELOW};

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct fixture {
    struct loop *loop;
    struct deadlines *deadlines;
    struct findings *all;
    int kept, begun, ended;
};

static bool keep(struct group *g, struct finding *f, void *arg) {
    struct fixture *fx = arg;
    (void)g;
    (void)f;
    assert_int_equal(fx->begun, fx->ended + 1);
    fx->kept++;
    return true;
}

static void keep_begin(struct group *g, void *arg) {
    (void)g;
    ((struct fixture *)arg)->begun++;
}

static void keep_end(struct group *g, void *arg) {
    (void)g;
    ((struct fixture *)arg)->ended++;
}

static void dirty(void *arg) { (void)arg; }

static struct findings *findings_of(struct fixture *fx, struct deadlines *deadlines) {
    struct findings_identity who = {STR("cluster"), STR("default"), STR("k8sgpt")};
    struct findings_owner owner = {.keep = keep, .keep_begin = keep_begin, .keep_end = keep_end, .dirty = dirty, .arg = fx};
    return findings_new(&who, deadlines, false, &owner);
}

static int setup(void **state) {
    struct fixture *fx = calloc(1, sizeof *fx);
    struct err err;
    clock_fix_wall(1772359800000); /* 2026-03-01T10:10:00Z */
    fx->loop = loop_new(&err);
    fx->deadlines = deadlines_new(fx->loop);
    fx->all = findings_of(fx, fx->deadlines);
    assert_non_null(fx->all);
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

static void judge_by(struct findings *all, const struct policy *decider, const char *failures) {
    struct err err;
    struct doc *doc = document("%s", failures);
    struct verdict v = {.policy = &ANALYZER,
                        .decider = decider,
                        .gvk = gvk_parse(STR("v1/Pod"), &err),
                        .ns = STR("shop"),
                        .name = STR("web"),
                        .failures = doc_root(doc),
                        .partial = decider != &ANALYZER};
    findings_verdict(all, &v);
    doc_unref(doc);
}

static void judge(struct fixture *fx, const char *failures) { judge_by(fx->all, &ANALYZER, failures); }

static struct group *web(struct fixture *fx) { return findings_by_id(fx->all, STR("Pod/Pod/shop/web")); }

static void adopt(struct fixture *fx, const char *error, const char *status) {
    struct err err;
    struct doc *result =
        document("{\"metadata\":{\"name\":\"r\",\"resourceVersion\":\"5\"},\"spec\":{\"kind\":\"Pod\",\"name\":\"shop/web\",\"error\":%s},"
                 "\"status\":%s}",
                 error, status);
    assert_int_equal(findings_adopt(fx->all, result, &err), 0);
    assert_int_equal(findings_adopt(fx->all, result, &err), 0); /* twice is once */
    assert_ptr_equal(findings_by_result(fx->all, STR("r")), web(fx));
    assert_ptr_equal(web(fx)->published, result);
    doc_unref(result);
}

static struct doc *offered(struct fixture *fx) {
    struct err err;
    struct group *g = findings_next_dirty(fx->all);
    return g ? group_document(g, true, &err) : NULL;
}

/* A Result of the Go operator: it lists no findings. */
static void adopt_former(struct fixture *fx, const char *text) {
    struct err err;
    struct doc *result = document("{\"metadata\":{\"name\":\"shopweb\",\"uid\":\"u\",\"creationTimestamp\":\"2026-03-01T09:00:00Z\"},"
                                  "\"spec\":{\"kind\":\"Pod\",\"name\":\"shop/web\",\"error\":[{\"text\":\"%s\"}]},"
                                  "\"status\":{\"lifecycle\":\"historical\"}}",
                                  text);
    assert_int_equal(findings_adopt(fx->all, result, &err), 0);
    assert_int_equal(findings_adopt(fx->all, result, &err), 0); /* twice is once */
    assert_null(findings_by_result(fx->all, STR("shopweb")));
    doc_unref(result);
}

static void a_former_result_goes_when_its_object_is_well(void **state) {
    struct fixture *fx = *state;
    adopt_former(fx, "old");
    assert_false(findings_any_dirty(fx->all)); /* nothing is known yet */
    judge(fx, "[]");
    struct doc *doc = offered(fx);
    assert_str(doc_path_str(doc_root(doc), "resolved"), "2026-03-01T10:10:00Z");
    assert_str(doc_path_str(doc_root(doc), "formerName"), "shopweb");
    assert_true(doc_type(doc_path(doc_root(doc), "resultName")) == DOC_ABSENT);
    doc_unref(doc);
    former_gone(web(fx));
    group_deleted(web(fx));
    assert_null(web(fx));
}

static void what_a_former_result_says_is_known(void **state) {
    struct fixture *fx = *state;
    adopt_former(fx, "back-off 10s");
    judge(fx, "[{\"rule\":\"slow\",\"text\":\"back-off 20s\"},{\"rule\":\"now\",\"text\":\"back-off\"}]");
    struct group *g = web(fx);
    assert_int_equal(g->count, 2);
    const struct finding *known = &g->findings[0], *news = &g->findings[1];
    assert_true(finding_is_shown(known) && finding_has_records(g, known)); /* whatever its grace */
    assert_true(finding_is_shown(news) && !finding_has_records(g, news));
    struct doc *doc = offered(fx);
    assert_str(doc_path_str(doc_root(doc), "firstSeen"), "2026-03-01T09:00:00Z");
    assert_true(doc_type(doc_path(doc_root(doc), "resolved")) == DOC_ABSENT);
    doc_unref(doc);
}

/* With an election verdicts come first. */
static void a_former_result_that_is_read_later_counts_too(void **state) {
    struct fixture *fx = *state;
    judge(fx, "[{\"rule\":\"now\",\"text\":\"old\"}]");
    adopt_former(fx, "old");
    assert_true(finding_has_records(web(fx), &web(fx)->findings[0]));
    findings_forget_results(fx->all); /* another leads */
    struct doc *doc = offered(fx);
    assert_true(doc_type(doc_path(doc_root(doc), "formerName")) == DOC_ABSENT);
    doc_unref(doc);
}

/* spec.error holds the open ones alone: the key of one that resolved beside them is not that of another. */
static void what_resolved_beside_others_is_not_taken_for_them(void **state) {
    struct fixture *fx = *state;
    adopt(fx, "[{\"text\":\"t\",\"rule\":\"now\",\"key\":\"\",\"severity\":\"high\"}]",
          "{\"firstSeen\":\"2026-03-01T10:00:00Z\",\"changed\":\"2026-03-01T10:05:00Z\",\"findings\":["
          "{\"id\":\"" ID_A "\",\"rule\":\"now\",\"state\":\"open\"},{\"id\":\"" ID_B "\",\"rule\":\"now\",\"state\":\"resolved\"}],"
          "\"notifications\":[{\"sink\":\"log\",\"finding\":\"" ID_B "\",\"sent\":\"2026-03-01T10:00:01Z\"}]}");
    struct group *g = web(fx);
    assert_int_equal(g->count, 2);
    assert_true(finding_is_shown(&g->findings[0]) && g->findings[1].state == FINDING_RESOLVED);
    assert_string_equal(g->findings[0].id, ID_A);
    assert_string_equal(g->findings[1].id, ID_B);
    assert_true(finding_has_records(g, &g->findings[1]) && !finding_has_records(g, &g->findings[0]));
}

/* Its Result would be written without it, before the analyzer has spoken. */
static void what_was_read_back_keeps_what_is_sensitive(void **state) {
    struct fixture *fx = *state;
    adopt(fx,
          "[{\"text\":\"t\",\"rule\":\"now\",\"sensitive\":[{\"unmasked\":\"web\",\"masked\":\"m\"}],\"evidence\":[{\"path\":\"p\","
          "\"value\":\"v\"}]}]",
          "{\"findings\":[{\"id\":\"" ID_A "\",\"rule\":\"now\",\"state\":\"open\"}]}");
    group_touch(web(fx));
    struct doc *doc = offered(fx);
    struct doc_value finding = doc_at(doc_path(doc_root(doc), "findings"), 0);
    assert_str(doc_path_str(doc_at(doc_path(finding, "sensitive"), 0), "masked"), "m");
    assert_str(doc_path_str(doc_at(doc_path(finding, "evidence"), 0), "value"), "v");
    doc_unref(doc);
}

/* The text is the same, so that nothing else would bring it up to date. */
static void what_was_read_back_is_looked_through_within_a_minute(void **state) {
    static const char FAILURE[] =
        "[{\"rule\":\"now\",\"text\":\"t\",\"severity\":\"high\",\"sensitive\":%s,\"evidence\":[{\"path\":\"p\",\"value\":\"%s\"}]}]";
    struct fixture *fx = *state;
    char before[300], after[300], status[200];
    snprintf(before, sizeof before, FAILURE, "[]", "then");
    snprintf(after, sizeof after, FAILURE, "[\"t\"]", "now");
    judge(fx, before);
    snprintf(status, sizeof status, "{\"findings\":[{\"id\":\"%s\",\"rule\":\"now\",\"state\":\"open\"}]}", web(fx)->findings[0].id);
    findings_free(fx->all);
    fx->all = findings_of(fx, fx->deadlines);
    adopt(fx, before, status);
    judge(fx, after);
    assert_int_equal(web(fx)->count, 1);
    assert_false(findings_any_dirty(fx->all));
    clock_fix_wall(clock_wall_ms() + 60 * 1000);
    judge(fx, after);
    struct doc *doc = offered(fx);
    struct doc_value finding = doc_at(doc_path(doc_root(doc), "findings"), 0);
    assert_str(doc_path_str(doc_at(doc_path(finding, "evidence"), 0), "value"), "now");
    assert_str(doc_str(doc_at(doc_path(finding, "sensitive"), 0)), "t");
    doc_unref(doc);
}

/* The process ended between the write of a resolved Result and its deletion. */
static void what_was_left_resolved_is_brought_to_its_end(void **state) {
    struct fixture *fx = *state;
    adopt(fx, "[{\"text\":\"t\",\"rule\":\"now\"}]",
          "{\"resolved\":\"2026-03-01T10:05:00Z\",\"findings\":[{\"id\":\"" ID_A "\",\"rule\":\"now\",\"state\":\"resolved\"}]}");
    struct doc *doc = offered(fx);
    assert_str(doc_path_str(doc_root(doc), "resolved"), "2026-03-01T10:05:00Z");
    doc_unref(doc);
}

static void a_result_that_names_no_object_is_refused(void **state) {
    struct fixture *fx = *state;
    struct err err;
    struct doc *result = document("{\"metadata\":{\"name\":\"r\"},\"spec\":{\"kind\":\"Pod\"}}");
    assert_int_equal(findings_adopt(fx->all, result, &err), ERR_INVALID);
    doc_unref(result);
    assert_null(findings_by_result(fx->all, STR("r")));
}

static void publish(struct fixture *fx, int version) {
    struct group *g = findings_next_dirty(fx->all);
    assert_non_null(g);
    struct doc *stored = document("{\"metadata\":{\"name\":\"r\",\"resourceVersion\":\"%d\"}}", version);
    group_published(g, stored);
    doc_unref(stored);
}

static bool comes_back(struct fixture *fx, int version) {
    struct doc *seen = document("{\"metadata\":{\"name\":\"r\",\"resourceVersion\":\"%d\"}}", version);
    group_result_changed(web(fx), seen);
    doc_unref(seen);
    return findings_any_dirty(fx->all);
}

/* Our own writes come back by the watch, also late; only what is newer is somebody else's. */
static void only_what_others_wrote_is_news(void **state) {
    struct fixture *fx = *state;
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\"}]");
    publish(fx, 10);
    assert_false(comes_back(fx, 9));
    assert_false(comes_back(fx, 10));
    assert_true(comes_back(fx, 11));
    publish(fx, 12);
    assert_false(findings_any_dirty(fx->all));
    group_result_changed(web(fx), NULL); /* deleted */
    assert_true(findings_any_dirty(fx->all));
    assert_null(web(fx)->published);
    publish(fx, 13);
    assert_int_equal(doc_len(doc_root(web(fx)->published)), 1);
}

/* So that it is held once: the store has it, too. */
static void our_own_write_is_kept_as_the_store_has_it(void **state) {
    struct fixture *fx = *state;
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\"}]");
    publish(fx, 10);
    struct doc *older = document("{\"metadata\":{\"name\":\"r\",\"resourceVersion\":\"9\"}}"),
               *same = document("{\"metadata\":{\"name\":\"r\",\"resourceVersion\":\"10\"}}");
    group_result_changed(web(fx), older);
    assert_ptr_not_equal(web(fx)->published, older);
    group_result_changed(web(fx), same);
    assert_ptr_equal(web(fx)->published, same);
    assert_false(findings_any_dirty(fx->all));
    assert_false(web(fx)->undone);
    doc_unref(older);
    doc_unref(same);
}

/* A change that the watch brought while a write was under way is newer than what the write returned. */
static void a_write_that_returns_late_is_no_news(void **state) {
    struct fixture *fx = *state;
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\"}]");
    publish(fx, 10);
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\",\"severity\":\"low\"}]");
    struct group *g = findings_next_dirty(fx->all);
    assert_ptr_equal(g, web(fx));
    assert_false(comes_back(fx, 12)); /* it is being written: not dirty yet */
    struct doc *stored = document("{\"metadata\":{\"name\":\"r\",\"resourceVersion\":\"11\"}}");
    group_published(g, stored);
    doc_unref(stored);
    assert_str(doc_path_str(doc_root(g->published), "metadata.resourceVersion"), "12");
    assert_true(findings_any_dirty(fx->all));
}

static struct group *shown_as(struct fixture *fx, const char *as) {
    char id[64];
    snprintf(id, sizeof id, "Pod/Pod/shop/web%s", as);
    return findings_by_id(fx->all, str_of(id));
}

/* A configuration stands for its webhooks: each has a Result, and each ends by itself. */
static void what_is_shown_as_something_else_is_a_group_of_its_own(void **state) {
    struct fixture *fx = *state;
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\"},{\"rule\":\"now\",\"text\":\"a\",\"as\":{\"name\":\"/a\"}},"
              "{\"rule\":\"now\",\"text\":\"b\",\"as\":{\"kind\":\"Hook\",\"name\":\"/a\"}}]");
    struct group *own = web(fx), *a = shown_as(fx, "||/a"), *b = shown_as(fx, "|Hook|/a");
    assert_true(own && a && b && own->count == 1 && a->count == 1 && b->count == 1);
    assert_true(str_is(finding_text(&b->findings[0]), "b"));
    assert_string_not_equal(own->findings[0].id, a->findings[0].id);
    assert_string_not_equal(a->findings[0].id, b->findings[0].id);
    struct err err;
    struct doc *doc = group_document(b, true, &err);
    assert_document(doc_path(doc_root(doc), "as"), "{\"kind\":\"Hook\",\"name\":\"/a\"}");
    assert_str(doc_path_str(doc_root(doc), "name"), "web");
    doc_unref(doc);
    judge(fx, "[{\"rule\":\"now\",\"text\":\"b\",\"as\":{\"kind\":\"Hook\",\"name\":\"/a\"}}]");
    assert_null(web(fx)); /* nobody was told of these */
    assert_null(shown_as(fx, "||/a"));
    assert_ptr_equal(shown_as(fx, "|Hook|/a"), b);
    judge(fx, "[]");
    assert_null(shown_as(fx, "|Hook|/a"));
}

static void adopt_shown(struct fixture *fx, const char *name, const char *kind, const char *shown, const char *object) {
    struct err err;
    struct doc *result = document("{\"metadata\":{\"name\":\"%s\",\"annotations\":{\"k8sgpt.ai/object\":\"%s\"}},"
                                  "\"spec\":{\"analyzer\":\"Pod\",\"kind\":\"%s\",\"name\":\"%s\",\"error\":[]},\"status\":{}}",
                                  name, object, kind, shown);
    int rc = findings_adopt(fx->all, result, &err);
    doc_unref(result);
    assert_int_equal(rc, strchr(object, '/') ? 0 : ERR_INVALID);
}

static void a_result_shown_as_something_else_finds_its_object_again(void **state) {
    struct fixture *fx = *state;
    adopt_shown(fx, "r1", "Storage/Pod", "shop/web", "Pod/shop/web");
    adopt_shown(fx, "r2", "Pod", "/web", "Pod/shop/web");
    adopt_shown(fx, "r3", "Pod", "shop/web", "Pod/shop/web");
    adopt_shown(fx, "r4", "Pod", "shop/web", "nonsense");
    assert_ptr_equal(findings_by_result(fx->all, STR("r1")), shown_as(fx, "|Storage/Pod|"));
    assert_ptr_equal(findings_by_result(fx->all, STR("r2")), shown_as(fx, "||/web"));
    assert_ptr_equal(findings_by_result(fx->all, STR("r3")), web(fx));
    assert_null(findings_by_result(fx->all, STR("r4")));
    judge(fx, "[]"); /* the first verdict on the object reaches all of them */
    for (int i = 1; i <= 3; i++) {
        struct doc *doc = offered(fx);
        assert_str(doc_path_str(doc_root(doc), "resolved"), "2026-03-01T10:10:00Z");
        doc_unref(doc);
    }
}

static void filters_look_at_a_group_as_a_whole(void **state) {
    struct fixture *fx = *state;
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\"},{\"rule\":\"now\",\"key\":\"k\",\"text\":\"t\"}]");
    assert_int_equal(fx->kept, 2);
    assert_int_equal(fx->begun, 1);
    findings_refilter(fx->all);
    assert_int_equal(fx->kept, 4);
    assert_int_equal(fx->begun, 2);
    assert_int_equal(fx->ended, 2);
}

static void a_stand_in_brings_its_own_rules(void **state) {
    struct fixture *fx = *state;
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\"}]");
    judge_by(fx->all, &BELOW, "[{\"rule\":\"only-below\",\"text\":\"t\"}]");
    const struct group *g = web(fx);
    assert_int_equal(g->count, 2);
    assert_true(finding_is_shown(&g->findings[0]) && finding_is_shown(&g->findings[1])); /* it resolves nothing */
    assert_int_equal(g->findings[0].layer, LAYER_CLUSTER);
    assert_int_equal(g->findings[1].layer, LAYER_BUILTIN);
    assert_int_equal(g->findings[1].severity, SEVERITY_CRITICAL);
}

/* One-shot diagnosis cannot wait; only what says since when it is so is held to its grace. */
static void without_a_past_a_failure_opens_at_once(void **state) {
    struct fixture *fx = *state;
    size_t counts[SEVERITIES];
    struct findings *once = findings_of(fx, NULL);
    judge_by(once, &ANALYZER,
             "[{\"rule\":\"slow\",\"text\":\"t\"},{\"rule\":\"slow\",\"key\":\"young\",\"text\":\"t\",\"since\":\"2026-03-01T10:09:30Z\"},"
             "{\"rule\":\"slow\",\"key\":\"old\",\"text\":\"t\",\"since\":\"2026-03-01T10:09:00Z\"}]");
    findings_count(once, counts);
    assert_int_equal(counts[SEVERITY_MEDIUM], 2);
    findings_free(once);
}

/* Like texts: shown within a minute of when they were shown last, and no sooner. */
static void other_evidence_is_shown_after_a_minute(void **state) {
    struct fixture *fx = *state;
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\",\"evidence\":[{\"path\":\"p\",\"value\":\"1\"}]}]");
    publish(fx, 1);
    clock_fix_wall(1772359800000 + 59000);
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\",\"evidence\":[{\"path\":\"p\",\"value\":\"2\"}]}]");
    assert_false(findings_any_dirty(fx->all));
    clock_fix_wall(1772359800000 + 60000);
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\",\"evidence\":[{\"path\":\"p\",\"value\":\"2\"}]}]");
    assert_true(findings_any_dirty(fx->all));
    publish(fx, 2);
    clock_fix_wall(1772359800000 + 120000);
    judge(fx, "[{\"rule\":\"now\",\"text\":\"t\",\"evidence\":[{\"path\":\"p\",\"value\":\"2\"}]}]");
    assert_false(findings_any_dirty(fx->all));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_former_result_goes_when_its_object_is_well),
        TEST(what_a_former_result_says_is_known),
        TEST(a_former_result_that_is_read_later_counts_too),
        TEST(what_resolved_beside_others_is_not_taken_for_them),
        TEST(what_was_read_back_keeps_what_is_sensitive),
        TEST(what_was_read_back_is_looked_through_within_a_minute),
        TEST(what_was_left_resolved_is_brought_to_its_end),
        TEST(a_result_that_names_no_object_is_refused),
        TEST(only_what_others_wrote_is_news),
        TEST(our_own_write_is_kept_as_the_store_has_it),
        TEST(a_write_that_returns_late_is_no_news),
        TEST(what_is_shown_as_something_else_is_a_group_of_its_own),
        TEST(a_result_shown_as_something_else_finds_its_object_again),
        TEST(filters_look_at_a_group_as_a_whole),
        TEST(a_stand_in_brings_its_own_rules),
        TEST(without_a_past_a_failure_opens_at_once),
        TEST(other_evidence_is_shown_after_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
