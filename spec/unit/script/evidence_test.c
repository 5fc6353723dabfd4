#include "fixture.h"

#include "script/evidence.h"

static const char WEB[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\"},"
    "\"spec\":{\"n\":3,\"tls\":[{\"secretName\":\"a\"},{\"other\":1},{\"secretName\":\"b.c\"}],"
    "\"paths\":[{\"backend\":{\"name\":\"x\"},\"port\":1},{\"backend\":{\"name\":\"y\"},\"port\":2}],"
    "\"notes\":{\"a.b/c\":\"yes\"},\"empty\":\"\",\"nothing\":null},"
    "\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"},{\"type\":\"Good\",\"status\":\"True\"}]}}";

static const char POLICY[] =
    "return { api = 1, kind = 'analyzer', name = 'T', description = 'x', watches = { %s },\n"
    "  fields = { 'spec', 'status.conditions[].type', 'status.conditions[].status' },\n"
    "  rules = { r = { severity = 'high', evidence = { %s } }, plain = { severity = 'low' } }, run = function() return {} end }\n";

static bool load(struct fixture *fx, const char *watches, const char *evidence) {
    char text[2048];
    fx_new(fx);
    snprintf(text, sizeof text, POLICY, watches, evidence);
    fx_write(fx, "builtin/analyzers/T/policy.lua", text);
    return fx_load(fx, false);
}

/* What is shown of an object for a failure with these fields beside its rule and text. */
static char *shown_of(const char *object, const char *evidence, const char *more) {
    struct fixture fx;
    struct err err = {0};
    char text[8192];
    if (!load(&fx, "'v1/Pod'", evidence)) fail_msg("%s", fx.problems.count ? fx.problems.items[0].message : fx.err.msg);
    const struct policy *p = bundle_find(fx.bundle, POLICY_ANALYZER, STR("T"));
    snprintf(text, sizeof text, "[{\"rule\":\"r\",\"text\":\"x\"%s},{\"rule\":\"plain\",\"text\":\"y\"}]", more);
    struct doc *failures = fx_json(text), *out = evidence_attach(p, fx_add(&fx, object), doc_root(failures), &err);
    assert_non_null(out);
    assert_int_equal(doc_len(doc_root(out)), 2);
    assert_string_equal(doc_path_str(doc_at(doc_root(out), 0), "text").p, "x");
    assert_int_equal(doc_type(doc_path(doc_at(doc_root(out), 1), "evidence")), DOC_ABSENT);
    struct buf json = buf_new(64 * 1024);
    struct doc_value list = doc_path(doc_at(doc_root(out), 0), "evidence");
    for (size_t i = 0; i < doc_len(list); i++) {
        struct doc_value item = doc_at(list, i);
        assert_int_equal(buf_printf(&json, &err, "%s%s=%s", i ? "|" : "", doc_path_str(item, "path").p, doc_path_str(item, "value").p), 0);
    }
    doc_unref(failures);
    doc_unref(out);
    fx_free(&fx);
    return json.data ? json.data : strdup("");
}

static char *shown(const char *evidence, const char *more) { return shown_of(WEB, evidence, more); }

static void assert_shown(const char *evidence, const char *more, const char *expected) {
    char *have = shown(evidence, more);
    assert_string_equal(have, expected);
    free(have);
}

static void test_fields_are_read_from_the_object(void **state) {
    (void)state;
    assert_shown("'spec.n'", "", "spec.n=3");
    assert_shown("'metadata.name', 'spec.notes[\"a.b/c\"]'", "", "metadata.name=web|spec.notes[\"a.b/c\"]=yes");
    assert_shown("'spec.empty', 'spec.paths[].backend'", "",
                 "spec.empty=|spec.paths[0].backend={\"name\":\"x\"}|spec.paths[1].backend={\"name\":\"y\"}");
    assert_shown("'status.conditions[type=Ready].status'", "", "status.conditions[type=Ready].status=False");
    assert_shown("'spec.tls[].secretName'", "", "spec.tls[0].secretName=a|spec.tls[2].secretName=b.c");
}

static void test_elements_are_chosen_by_the_key(void **state) {
    (void)state;
    assert_shown("'spec.tls[secretName={key}].secretName'", ",\"key\":\"b.c\"", "spec.tls[secretName=b.c].secretName=b.c");
    assert_shown("'spec.paths[backend.name={key}].port'", ",\"key\":\"y\"", "spec.paths[backend.name=y].port=2");
    assert_shown("'spec.tls[secretName={key}].secretName'", ",\"key\":\"none\"", "");
    assert_shown("'spec.tls[secretName={key}].secretName'", "", "");
}

static void test_what_is_absent_is_told_unless_it_may_be(void **state) {
    (void)state;
    assert_shown("'spec.none.at.all', 'spec.nothing'", "", "spec.none.at.all=(absent)|spec.nothing=(absent)");
    assert_shown("'spec.none?', 'spec.n?'", "", "spec.n=3");
    assert_shown("'status.conditions[type=Other].status', 'spec.n[].x'", "", "");
}

static void test_what_the_policy_gives_comes_after(void **state) {
    (void)state;
    assert_shown("'spec.n'", ",\"evidence\":[{\"path\":\"event Failed\",\"value\":\"no\"}]", "spec.n=3|event Failed=no");
    assert_shown("", ",\"evidence\":[{\"path\":\"event Failed\",\"value\":\"no\"}]", "event Failed=no");
}

static void test_limits(void **state) {
    (void)state;
    char given[4096], long_text[601] = "";
    size_t n = (size_t)snprintf(given, sizeof given, ",\"evidence\":[");
    for (int i = 0; i < 20; i++)
        n += (size_t)snprintf(given + n, sizeof given - n, "%s{\"path\":\"p%d\",\"value\":\"v\"}", i ? "," : "", i);
    snprintf(given + n, sizeof given - n, "]");
    char *have = shown("'spec.n'", given);
    assert_non_null(strstr(have, "|p10=v"));
    assert_null(strstr(have, "p11"));
    free(have);

    /* The limit falls into the middle of a two-byte character. */
    for (size_t i = 0; i < 299; i++) memcpy(long_text + i * strlen("é"), "é", sizeof "é");
    snprintf(given, sizeof given, ",\"evidence\":[{\"path\":\"p\",\"value\":\"x%s\"}]", long_text);
    have = shown("", given);
    assert_int_equal(strlen(have), strlen("p=x") + 510 + strlen("…"));
    assert_string_equal(have + strlen(have) - strlen("é…"), "é…");
    free(have);
}

static void test_an_object_too_large_to_show(void **state) {
    (void)state;
    char object[4096];
    snprintf(object, sizeof object,
             "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\"},\"spec\":{\"a\":{\"n\":1,\"t\":\"%2000s\"}}}", "x");
    char *have = shown_of(object, "'spec.a'", "");
    assert_ptr_equal(strstr(have, "spec.a={\"n\":1"), have);
    assert_string_equal(have + strlen(have) - strlen("…"), "…");
    assert_true(strlen(have) <= strlen("spec.a=") + EVIDENCE_MAX_VALUE_BYTES + strlen("…"));
    free(have);
}

static void test_a_policy_may_show_only_what_it_reads(void **state) {
    (void)state;
    static const struct {
        const char *evidence, *message;
    } cases[] = {
        {"'status.phase'", "evidence status.phase of rule r: is not among the fields of the subject"},
        {"'status.conditions[reason=X].status'", "is not among the fields"},
        {"'metadata.annotations[\"a\"]'", "is not among the fields"},
        {"'spec.tls['", "write names"},
        {"'spec.tls[secretName'", "write names"},
        {"'spec.notes[\"a'", "write names"},
        {"'spec.tls[=x].a'", "write names"},
        {"'spec..n'", "write names"},
        {"5", "evidence of rule r must be a list of paths"},
        {"''", "evidence of rule r must be a list of paths"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fx;
        assert_false(load(&fx, "'v1/Pod'", cases[i].evidence));
        if (!strstr(fx.problems.items[0].message, cases[i].message)) fail_msg("%s: %s", cases[i].evidence, fx.problems.items[0].message);
        fx_free(&fx);
    }
}

/* A wrapping policy reads what the one below does, and no more. */
static void test_rules_of_a_wrapping_policy(void **state) {
    (void)state;
    for (int good = 0; good < 2; good++) {
        struct fixture fx;
        char text[512];
        assert_true(load(&fx, "'v1/Pod'", "'spec.n'"));
        snprintf(text, sizeof text,
                 "return { api = 1, kind = 'analyzer', name = 'T', mode = 'wrap', run = function(ctx) return ctx.next() end,\n"
                 "  rules = { own = { severity = 'low', evidence = { '%s' } } } }\n",
                 good ? "spec.n" : "status.phase");
        fx_write(&fx, "cluster/analyzers/T/policy.lua", text);
        assert_int_equal(fx_load(&fx, false), good);
        if (!good) assert_non_null(strstr(fx.problems.items[0].message, "evidence status.phase of rule own"));
        fx_free(&fx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_read_from_the_object),
        cmocka_unit_test(test_elements_are_chosen_by_the_key),
        cmocka_unit_test(test_what_is_absent_is_told_unless_it_may_be),
        cmocka_unit_test(test_what_the_policy_gives_comes_after),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_an_object_too_large_to_show),
        cmocka_unit_test(test_a_policy_may_show_only_what_it_reads),
        cmocka_unit_test(test_rules_of_a_wrapping_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
