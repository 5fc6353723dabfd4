#include "fixture.h"

/* What a policy sees of a document, what it must declare, and how long it may keep it. */

static void expect(const char *declare, const char *body, const char *values) {
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, declare, body, &out);
    if (out.result != SCRIPT_OK) fail_msg("%s: %s", body, out.err.msg);
    if (strcmp(fx_values(&out), values) != 0) fail_msg("%s: %s, not %s", body, fx_values(&out), values);
    doc_unref(out.values);
    fx_free(&fx);
}

static void expect_error(const char *declare, const char *body, const char *message) {
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, declare, body, &out);
    if (out.result != SCRIPT_ERROR) fail_msg("%s: %s", body, script_result_name(out.result));
    if (!strstr(out.err.msg, message)) fail_msg("%s: %s, not %s", body, out.err.msg, message);
    doc_unref(out.values);
    fx_free(&fx);
}

static void test_scalars(void **state) {
    (void)state;
    expect("", "return { pod.spec.n, pod.spec.f, pod.status.phase, pod.metadata.name, pod.kind }",
           "[[9007199254740993,1.5,\"Running\",\"web\",\"Pod\"]]");
    expect("",
           "return { tostring(pod.spec.none), tostring(pod.spec.nothing), tostring(k8sgpt.is_null(pod.spec, 'none')), "
           "tostring(k8sgpt.is_null(pod.spec, 'nothing')) }",
           "[[\"nil\",\"nil\",\"true\",\"false\"]]");
}

static void test_lists(void **state) {
    (void)state;
    expect("",
           "local l = pod.spec.list return { #l, l[1], l[2], l[3].three, tostring(l[0]), tostring(l[4]), tostring(l[1 << 40]), "
           "tostring(l.x) }",
           "[[3,1,\"two\",3,\"nil\",\"nil\",\"nil\",\"nil\"]]");
    expect("", "local s = '' for i, v in ipairs(pod.spec.list) do s = s .. i .. ':' .. type(v) .. ' ' end return s",
           "[\"1:number 2:string 3:userdata \"]");
    expect("", "local s = '' for i, v in pairs(pod.spec.list) do s = s .. i end return s .. #pod.spec.empty", "[\"1230\"]");
    expect_error("", "return #pod.spec", "# of an object");
}

static void test_dig_follows_a_path(void **state) {
    (void)state;
    expect("", "return { k8sgpt.dig(pod, 'spec', 'list', 2), k8sgpt.dig({ a = pod }, 'a', 'status', 'phase'), k8sgpt.dig(7) }",
           "[[\"two\",\"Running\",7]]");
    expect("",
           "return { tostring(k8sgpt.dig(pod, 'spec', 'nothing', 'x')), tostring(k8sgpt.dig(pod, 'spec', 'none', 'x')), "
           "tostring(k8sgpt.dig(nil, 'x')), tostring(k8sgpt.dig(pod, 'kind', 'x')), tostring(k8sgpt.dig({}, nil)) }",
           "[[\"nil\",\"nil\",\"nil\",\"nil\",\"nil\"]]");
    expect_error("watches = { 'v1/Pod' }, fields = { 'spec.f' },", "return k8sgpt.dig(pod, 'status', 'phase')", "reads status of v1/Pod");
}

static void test_pairs_in_document_order(void **state) {
    (void)state;
    expect("", "local s = '' for k in pairs(pod.spec) do s = s .. k .. ' ' end return s", "[\"n f list empty object \"]");
    expect("watches = { 'v1/Pod' }, fields = { 'spec.f', 'spec.list' },",
           "local s = '' for k in pairs(pod.spec) do s = s .. k .. ' ' end return s", "[\"f list \"]");
}

static void test_equality_is_by_content(void **state) {
    (void)state;
    expect("", "return tostring(pod.spec == pod.spec) .. tostring(pod.spec.list ~= pod.spec.empty) .. tostring(pod.spec == k8sgpt.null)",
           "[\"truetruefalse\"]");
}

static void test_text_has_no_address(void **state) {
    (void)state;
    expect("", "return { tostring(pod), tostring(pod.spec.list[3]) }", "[[\"Pod shop/web\",\"Pod shop/web spec.list[]\"]]");
}

static void test_read_only(void **state) {
    (void)state;
    expect_error("", "pod.spec.n = 1", "a view is read-only");
    expect_error("", "rawset(pod, 'x', 1)", "table expected");
    expect_error("", "return next(pod)", "use pairs");
    expect_error("", "return rawget(pod, 'spec')", "table expected");
}

static void test_undeclared_reads_are_errors(void **state) {
    (void)state;
    expect_error("watches = { 'v1/Pod' }, fields = { 'status.phase' },", "return pod.status.reason",
                 "analyzers/T reads status.reason of v1/Pod, which it does not declare in fields");
    expect_error("watches = { 'v1/Pod' }, fields = { 'spec.list[].name' },", "return pod.spec.list[3].three",
                 "analyzers/T reads spec.list[].three of v1/Pod, which it does not declare in fields");
    expect_error("watches = { 'v1/Pod' }, fields = { 'status' },", "return pod.spec", "reads spec of v1/Pod");
    expect_error("watches = { 'v1/Pod' },", "return pod.metadata.managedFields", "reads metadata.managedFields of v1/Pod");
    expect("watches = { 'v1/Pod' }, fields = { 'spec.deep.er' },", "return tostring(pod.spec.deep)", "[\"nil\"]");
}

/* Undeclared parts do not get out by being passed on either. */
static void test_copies_hold_what_is_declared(void **state) {
    (void)state;
    static const char narrow[] = "watches = { 'v1/Pod' }, fields = { 'spec.f', 'spec.list[].three' },";
    expect(narrow, "return k8sgpt.copy(pod.spec)", "[{\"f\":1.5,\"list\":[1,\"two\",{\"three\":3}]}]");
    expect(narrow, "return pod.spec", "[{\"f\":1.5,\"list\":[1,\"two\",{\"three\":3}]}]");
    expect(narrow, "return k8sgpt.json_encode(pod.spec)", "[\"{\\\"f\\\":1.5,\\\"list\\\":[1,\\\"two\\\",{\\\"three\\\":3}]}\"]");
}

static void test_dead_after_the_call(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    fx_write(&fx, "cluster/analyzers/T/policy.lua",
             "local kept, walk, state\nreturn { api = 1, kind = 'analyzer', name = 'T', description = 'd', watches = { 'v1/Pod' }, fields "
             "= { 'spec' },\n"
             "rules = { r = { severity = 'low' } }, run = function(ctx, pod)\n"
             "if walk then local ok, why = pcall(walk, state) return why end\n"
             "if kept then local ok, why = pcall(function() return kept.f end) walk, state = pairs(pod.spec) return why end\n"
             "kept = pod.spec return {} end }");
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    struct doc *pod = fx_json(FX_POD);
    assert_string_equal(fx_run(&fx, POLICY_ANALYZER, "T", "run", pod), "nil");
    assert_non_null(strstr(fx_run(&fx, POLICY_ANALYZER, "T", "run", pod), "this view is dead"));
    doc_unref(pod);
    pod = fx_json(FX_POD);
    assert_non_null(strstr(fx_run(&fx, POLICY_ANALYZER, "T", "run", pod), "this view is dead"));
    doc_unref(pod);
    fx_free(&fx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_dig_follows_a_path),
        cmocka_unit_test(test_pairs_in_document_order),
        cmocka_unit_test(test_equality_is_by_content),
        cmocka_unit_test(test_text_has_no_address),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_undeclared_reads_are_errors),
        cmocka_unit_test(test_copies_hold_what_is_declared),
        cmocka_unit_test(test_dead_after_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
