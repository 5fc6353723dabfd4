#include "fixture.h"

#include "script/failures.h"

/* The reads of ctx, what ends a run for good, and ctx.next of a policy that runs at once. */

static const char WATCHES[] =
    "watches = { 'v1/Pod', { 'v1/Node', fields = { 'spec.x' } }, 'v1/Event', 'v1/Secret' }, fields = { 'spec', 'status' },\n"
    "indexes = { ['v1/Pod'] = { 'spec.claims[].name' } }, params = { limit = 3 },";
static const char NODE[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"x\":1,\"y\":2}}";

static void fill(struct fixture *fx) {
    fx_add(fx, NODE);
    fx_add(fx, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p1\",\"namespace\":\"shop\"},\"spec\":{}}");
    fx_add(fx, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p2\",\"namespace\":\"shop\"},\"spec\":{}}");
    fx_add(fx, "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e1\"},\"type\":\"Warning\",\"reason\":\"Failed\"}");
    fx_add(fx, "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e2\"},\"type\":\"Normal\",\"reason\":\"Pulled\"}");
    fx_add(fx, "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e3\"},\"type\":\"Warning\",\"reason\":\"BackOff\"}");
}

static void expect(const char *body, const char *values) {
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fill(&fx);
    fx_try(&fx, WATCHES, body, &out);
    if (out.result != SCRIPT_OK) fail_msg("%s: %s", body, out.err.msg);
    if (strcmp(fx_values(&out), values) != 0) fail_msg("%s: %s, not %s", body, fx_values(&out), values);
    doc_unref(out.values);
    fx_free(&fx);
}

static void expect_error(const char *body, const char *message) {
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, WATCHES, body, &out);
    if (out.result != SCRIPT_ERROR || !strstr(out.err.msg, message)) fail_msg("%s: %s, not %s", body, out.err.msg, message);
    fx_free(&fx);
}

static void test_get(void **state) {
    (void)state;
    expect("return ctx.get('v1/Node', nil, 'n1').spec.x", "[1]");
    expect("return tostring(ctx.get('v1/Node', nil, 'n2')) .. tostring(ctx.get('v1/Node', nil, nil)) .. tostring(ctx.get('v1/Pod', "
           "'other', 'p1'))",
           "[\"nilnilnil\"]");
    expect("return ctx.get('v1/Pod', 'shop', 'p2').metadata.name", "[\"p2\"]");
    expect("return tostring(ctx.exists('v1/Node', '', 'n1')) .. tostring(ctx.exists('v1/Node', nil, 'n2')) .. "
           "tostring(ctx.exists('v1/Node', nil, nil))",
           "[\"truefalsefalse\"]");
    expect_error("return ctx.get('v1/Service', 'a', 'b')", "ctx.get of v1/Service, which analyzers/T does not watch; add it to watches");
    expect_error("return ctx.exists('v1/Service', 'a', 'b')", "add it to watches");
    expect_error("return ctx.get('v1/Pod', 'a', 5)", "the name of ctx.get must be a string");
    expect_error("return ctx.get('v1/Pod', {}, 'a')", "the namespace of ctx.get must be a string");
}

/* What comes from a read shows what its own watch declares. */
static void test_reads_are_projected(void **state) {
    (void)state;
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fill(&fx);
    fx_try(&fx, WATCHES, "return ctx.get('v1/Node', nil, 'n1').spec.y", &out);
    assert_non_null(strstr(out.err.msg, "analyzers/T reads spec.y of v1/Node, which it does not declare in fields"));
    fx_free(&fx);
}

static void test_list(void **state) {
    (void)state;
    expect("local s = '' for i, p in ipairs(ctx.list('v1/Pod', { ns = 'shop' })) do s = s .. i .. p.metadata.name end return s",
           "[\"1p12p2\"]");
    expect("return #ctx.list('v1/Pod', { ns = 'other' })", "[0]");
    expect_error("return ctx.list('v1/Pod', {})", "at least one of ns, labels, owner and index");
    expect_error("return ctx.list('v1/Pod', { ns = '', labels = {} })", "at least one of");
    expect_error("return ctx.list('v1/Pod', { namespace = 'a' })", "ctx.list does not know a field namespace");
    expect_error("return ctx.list('v1/Pod', { index = { 'spec.nodeName', 'n1' } })",
                 "ctx.list by spec.nodeName of v1/Pod, which is not declared; add it to indexes");
    expect_error("return ctx.list('v1/Pod', { index = { 'spec.claims[].name' } })", "must be {path, value}");
    expect_error("return ctx.list('v1/Pod', { labels = { a = 1 } })", "map names to strings");
    expect_error("return ctx.list('v1/Pod', { ns = 'a', limit = 0 })", "limit of ctx.list must be");
    expect_error("return ctx.list('v1/Pod', { ns = 'a', limit = '1' })", "limit of ctx.list must be");
    expect_error("local l = {} for i = 1, 17 do l['k' .. i] = 'v' end return ctx.list('v1/Pod', { labels = l })", "at most 16 labels");
}

static void test_list_passes_the_query_on(void **state) {
    (void)state;
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fill(&fx);
    fx_try(&fx, WATCHES,
           "ctx.list('v1/Pod', { owner = 'u1', labels = { z = '1', a = '2' }, index = { 'spec.claims[].name', 'data' }, limit = 7 })"
           " return {}",
           &out);
    assert_int_equal(out.result, SCRIPT_OK);
    assert_int_equal(fx.query.limit, 7);
    assert_int_equal(fx.query.label_count, 2);
    assert_true(fx.query.ns.n == 0);
    fx_free(&fx);
    expect("ctx.list('v1/Pod', { ns = 'shop', labels = ctx.get('v1/Node', nil, 'n1').metadata.labels }) return {}", "nil");
}

static void test_events(void **state) {
    (void)state;
    static const struct {
        const char *query, *values;
    } cases[] = {
        {"", "[\"e1e2e3\"]"},
        {", { type = 'Warning' }", "[\"e1e3\"]"},
        {", { reasons = { 'BackOff', 'Pulled' } }", "[\"e2e3\"]"},
        {", { type = 'Warning', reasons = { 'Pulled' } }", "[\"\"]"},
        {", { reasons = {} }", "[\"\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[300];
        snprintf(body, sizeof body, "local s = '' for _, e in ipairs(ctx.events(pod%s)) do s = s .. e.metadata.name end return s",
                 cases[i].query);
        expect(body, cases[i].values);
    }
    expect_error("return ctx.events(pod.metadata)", "ctx.events wants a whole object");
    expect_error("return ctx.events(pod, { kind = 'x' })", "ctx.events does not know a field kind");
}

static void test_parent_shows_metadata_only(void **state) {
    (void)state;
    expect("local p = ctx.parent(pod) return p.kind .. p.metadata.name .. p.metadata.labels.a", "[\"Noden1b\"]");
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fill(&fx);
    fx_try(&fx, WATCHES, "return ctx.parent(pod).spec", &out);
    assert_non_null(strstr(out.err.msg, "reads spec of v1/Node"));
    fx_free(&fx);
}

static void test_findings_of(void **state) {
    (void)state;
    expect("return ctx.findings_of('Pod', 'shop', 'bad')", "[[{\"kind\":\"Pod\",\"namespace\":\"shop\",\"name\":\"bad\"}]]");
    expect("return ctx.findings_of('Node', nil, 'bad')[1]", "[{\"kind\":\"Node\",\"namespace\":\"\",\"name\":\"bad\"}]");
    expect("return #ctx.findings_of('Node', nil, 'good') .. ' ' .. #ctx.findings_of('Node')", "[\"0 0\"]");
    expect_error("return ctx.findings_of('v1/Pod', 'shop', 'bad')", "ctx.findings_of wants a kind such as \"Pod\" first");
    expect_error("return ctx.findings_of()", "ctx.findings_of wants a kind");
    expect_error("return ctx.findings_of('Pod', 'shop', {})", "the name of ctx.findings_of must be a string");
    expect_error("ctx.findings_of('Pod', 'shop', 'bad')[1].rule = 'x'", "read-only");
}

static void test_time(void **state) {
    (void)state;
    expect("return { ctx.age('2026-03-01T10:09:00Z'), ctx.age('2027-01-01T00:00:00Z'), tostring(ctx.age(nil)), tostring(ctx.age('soon')) }",
           "[[60,0,\"nil\",\"nil\"]]");
    expect("return tostring(ctx.after(60, '2026-03-01T10:09:00Z')) .. tostring(ctx.after(61, '2026-03-01T10:09:00Z')) .. "
           "tostring(ctx.after(5, nil))",
           "[\"truefalsefalse\"]");
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, WATCHES, "ctx.after(60, '2026-03-01T10:09:00Z') return {}", &out);
    assert_true(fx.again_ms == 0);
    fx_free(&fx);
    fx_new(&fx);
    fx_try(&fx, WATCHES, "ctx.after(90.5, '2026-03-01T10:09:00Z') return {}", &out);
    assert_true(fx.again_ms == fx.now_ms + 30500);
    fx_free(&fx);
}

static void test_small_calls(void **state) {
    (void)state;
    expect("return tostring(ctx.readable('v1/Pod')) .. tostring(ctx.readable('v1/Secret'))", "[\"truefalse\"]");
    expect("return tostring(ctx.readable('v1/Pod', 'open')) .. tostring(ctx.readable('v1/Pod', 'closed'))", "[\"truefalse\"]");
    expect("return ctx.params.limit .. tostring(ctx.params.other) .. tostring(ctx.options.engine)", "[\"3nilnil\"]");
    expect_error("ctx.params.limit = 5", "read-only");
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, WATCHES, "ctx.log('warn', 'hello') ctx.trace('because') return {}", &out);
    assert_string_equal(fx.log, "warn: hello");
    assert_string_equal(fx.trace, "because");
    fx_free(&fx);
    expect_error("ctx.log('loud', 'x')", "invalid option 'loud'");
}

/* Neither can be caught: the policy would take what it may not see for what is not there. */
static void test_forbidden_and_not_ready_end_the_run(void **state) {
    (void)state;
    static const struct {
        enum err_code code;
        enum script_result result;
    } cases[] = {{ERR_FORBIDDEN, SCRIPT_FORBIDDEN}, {ERR_TIMEOUT, SCRIPT_NOT_READY}, {ERR_NOMEM, SCRIPT_MEMORY}};
    for (size_t i = 0; i < 3; i++) {
        struct fixture fx;
        struct script_outcome out;
        fx_new(&fx);
        fx.get_fails = cases[i].code;
        fx_try(&fx, WATCHES, "pcall(pcall, ctx.get, 'v1/Node', nil, 'x') return { { rule = 'r', text = 'wrong' } }", &out);
        assert_int_equal(out.result, cases[i].result);
        assert_int_equal(out.err.code, cases[i].code);
        assert_null(out.values);
        if (i < 2) assert_non_null(strstr(out.err.msg, "reading v1/Node is refused"));
        fx_free(&fx);
    }
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx.get_fails = ERR_SERVER;
    fx_try(&fx, WATCHES, "local ok, why = pcall(ctx.get, 'v1/Node', nil, 'x') return why", &out);
    assert_int_equal(out.result, SCRIPT_OK);
    doc_unref(out.values);
    fx_free(&fx);
}

static void write_wrapped(struct fixture *fx, const char *below, const char *above) {
    char text[3000];
    snprintf(text, sizeof text,
             "return { api = 1, kind = 'analyzer', name = 'T', description = 'd', watches = { 'v1/Pod' }, fields = { 'spec.f' },\n"
             "rules = { r = { severity = 'low' } }, params = { who = 'below' }, run = function(ctx, pod, more) %s end }",
             below);
    fx_write(fx, "builtin/analyzers/T/policy.lua", text);
    snprintf(text, sizeof text,
             "return { api = 1, kind = 'analyzer', name = 'T', mode = 'wrap', watches = { 'v1/Pod' }, fields = { 'spec.n' }, params = { "
             "who = 'above' }, run = function(ctx, pod) %s end }",
             above);
    fx_write(fx, "cluster/analyzers/T/policy.lua", text);
}

static void run_wrapped(const char *below, const char *above, struct script_outcome *out) {
    struct fixture fx;
    fx_new(&fx);
    fill(&fx);
    write_wrapped(&fx, below, above);
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    struct doc *pod = fx_json(FX_POD);
    struct script_call call = fx_call(&fx, POLICY_ANALYZER, "T", "run", pod);
    script_run(&call, out);
    doc_unref(pod);
    fx_free(&fx);
}

static void test_next(void **state) {
    (void)state;
    static const struct {
        const char *below, *above, *values;
    } cases[] = {
        {"return { { rule = 'r', text = 'x' .. pod.spec.f } }",
         "local l = ctx.next() l[1].text = l[1].text .. '!' l[2] = { rule = 'r', key = 'k', text = 'more' } return l",
         "[[{\"rule\":\"r\",\"text\":\"x1.5!\"},{\"key\":\"k\",\"rule\":\"r\",\"text\":\"more\"}]]"},
        {"return {}", "local l = ctx.next() return #l", "[0]"},
        {"return nil, 5, { a = {} }", "local a, b, c = ctx.next(pod) return tostring(a) .. b, c", "[\"nil5\",{\"a\":{}}]"},
        {"return pod.text, type(pod), more", "return ctx.next({ text = 'copy' }, 'second')", "[\"copy\",\"table\",\"second\"]"},
        {"return ctx.params.who", "return ctx.next() .. ctx.params.who", "[\"belowabove\"]"},
        {"return pod[1]", "return ctx.next(ctx.get and { 'plain' })", "[\"plain\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script_outcome out;
        run_wrapped(cases[i].below, cases[i].above, &out);
        if (out.result != SCRIPT_OK) fail_msg("%s: %s", cases[i].above, out.err.msg);
        assert_string_equal(fx_values(&out), cases[i].values);
        doc_unref(out.values);
    }
}

static void test_next_fails(void **state) {
    (void)state;
    struct script_outcome out;
    run_wrapped("error('no')", "ctx.next()", &out);
    assert_int_equal(out.result, SCRIPT_ERROR);
    assert_non_null(strstr(out.err.msg, "builtin/analyzers/T/policy.lua:2: no"));
    run_wrapped("error('no')", "local ok, why = pcall(ctx.next) return { ok, why ~= nil }", &out);
    assert_string_equal(fx_values(&out), "[[false,true]]");
    doc_unref(out.values);
    run_wrapped("while true do end", "pcall(ctx.next) return {}", &out);
    assert_int_equal(out.result, SCRIPT_FUEL);
    run_wrapped("return pod.spec.n", "return ctx.next()", &out);
    assert_int_equal(out.result, SCRIPT_ERROR);
    assert_non_null(strstr(out.err.msg, "reads spec.n of v1/Pod"));
    run_wrapped("return pod.spec.n", "return ctx.next(pod)", &out);
    assert_non_null(strstr(out.err.msg, "reads spec.n of v1/Pod"));
    run_wrapped("return {}", "for i = 1, 1e9 do ctx.next() end", &out);
    assert_int_equal(out.result, SCRIPT_FUEL);
    struct fixture fx;
    fx_new(&fx);
    fx_try(&fx, "", "return ctx.next()", &out);
    assert_non_null(strstr(out.err.msg, "ctx.next is for policies with mode = \"wrap\""));
    fx_free(&fx);
}

static void test_failures_are_checked(void **state) {
    (void)state;
    static const struct policy_rule rules[] = {{.name = "a", .severity = SEVERITY_LOW}, {.name = "b", .severity = SEVERITY_HIGH}};
    const struct policy p = {.name = "T", .source = "T.lua", .rules = (struct policy_rule *)(uintptr_t)rules, .rule_count = 2};
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"[]", NULL},
        {"{}", NULL},
        {"null", NULL},
        {"[{\"rule\":\"a\",\"text\":\"x\"},{\"rule\":\"a\",\"text\":\"x\",\"key\":\"k\",\"severity\":\"critical\",\"since\":\"2026-03-"
         "01T10:00:00Z\","
         "\"sensitive\":[\"x\"],\"evidence\":[{\"path\":\"p\",\"value\":\"v\"}]},{\"rule\":\"b\",\"text\":\"x\",\"sensitive\":{}}]",
         NULL},
        {"\"x\"", "must return a list"},
        {"{\"rule\":\"a\",\"text\":\"x\"}", "must return a list"},
        {"[5]", "failure 1 of analyzers/T: must be a table"},
        {"[{\"rule\":\"a\"}]", "has no text"},
        {"[{\"text\":\"a\"}]", "has no rule"},
        {"[{\"rule\":\"c\",\"text\":\"x\"}]", "rule c is not declared"},
        {"[{\"rule\":\"a\",\"text\":5}]", "text must be of type string"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"key\":1}]", "key must be of type string"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"colour\":\"red\"}]", "unknown field colour"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"severity\":\"bad\"}]", "severity must be"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"since\":\"yesterday\"}]", "since must be"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"sensitive\":[1]}]", "sensitive must be"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"evidence\":[{\"path\":\"p\"}]}]", "evidence must be"},
        {"[{\"rule\":\"a\",\"text\":\"x\"},{\"rule\":\"b\",\"text\":\"x\"},{\"rule\":\"a\",\"text\":\"y\"}]",
         "failure 3 of analyzers/T: has the rule a and key \"\" of failure 1"},
        {"[{\"rule\":\"a\",\"text\":\"x\"},{\"rule\":\"a\",\"text\":\"x\",\"as\":{\"name\":\"n\"}},"
         "{\"rule\":\"a\",\"text\":\"x\",\"as\":{\"name\":\"n\",\"kind\":\"k\"}}]",
         NULL},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"as\":{\"name\":\"n\"}},{\"rule\":\"a\",\"text\":\"y\",\"as\":{\"name\":\"n\"}}]",
         "failure 2 of analyzers/T: has the rule a"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"as\":\"n\"}]", "as must be of type object"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"as\":{\"name\":\"\"}}]", "as must be {kind, name}"},
        {"[{\"rule\":\"a\",\"text\":\"x\",\"as\":{\"namespace\":\"n\"}}]", "as must be {kind, name}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct doc *doc = fx_json(cases[i].json);
        int rc = failures_check(&p, doc_root(doc), &err);
        if ((rc != 0) != (cases[i].message != NULL)) fail_msg("%s: %s", cases[i].json, rc ? err.msg : "accepted");
        if (rc && !strstr(err.msg, cases[i].message)) fail_msg("%s: %s", cases[i].json, err.msg);
        doc_unref(doc);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_reads_are_projected),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_passes_the_query_on),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_parent_shows_metadata_only),
        cmocka_unit_test(test_findings_of),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_small_calls),
        cmocka_unit_test(test_forbidden_and_not_ready_end_the_run),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_next_fails),
        cmocka_unit_test(test_failures_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
