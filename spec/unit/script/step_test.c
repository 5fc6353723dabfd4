#include "fixture.h"

/* Steps: requests that suspend, answers, endings, and policies that wrap. */

static void write_step(struct fixture *fx, const char *layer, const char *fields, const char *body) {
    char text[8000], path[100];
    snprintf(text, sizeof text,
             "local k8sgpt = require 'k8sgpt'\nreturn { api = 1, kind = 'step', name = 'Init', %s run = function(ctx, cr) %s end }", fields,
             body);
    snprintf(path, sizeof path, "%s/steps/Init/policy.lua", layer);
    fx_write(fx, path, text);
}

static const char CR[] = "{\"apiVersion\":\"core.k8sgpt.ai/"
                         "v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"name\":\"k\",\"namespace\":\"ns\"},\"spec\":{\"a\":[]}}";

struct run {
    struct fixture fx;
    struct doc *cr;
    struct script_call call;
    struct script_task *task;
    struct script_outcome out;
};

static void begin(struct run *r) {
    if (!fx_load(&r->fx, false)) fail_msg("%s", r->fx.err.msg);
    r->cr = fx_json(CR);
    r->call = fx_call(&r->fx, POLICY_STEP, "Init", "run", r->cr);
    r->call.args[0].projection = NULL;
    script_start(&r->call, &r->task, &r->out);
}

static void end(struct run *r) {
    if (r->task) script_drop(r->task);
    doc_unref(r->out.values);
    doc_unref(r->cr);
    fx_free(&r->fx);
}

static void expect_request(struct run *r, const char *json) {
    if (r->out.result != SCRIPT_SUSPENDED) fail_msg("%s: %s", script_result_name(r->out.result), r->out.err.msg);
    struct doc *want = fx_json(json);
    struct buf text = buf_new(10000);
    assert_int_equal(json_write(script_request(r->task), JSON_COMPACT, &text, &r->out.err), 0);
    if (!doc_equal(script_request(r->task), doc_root(want))) fail_msg("%s, not %s", text.data, json);
    buf_free(&text);
    doc_unref(want);
}

static void answer(struct run *r, const char *json) {
    struct doc *doc = json ? fx_json(json) : NULL;
    script_resume(&r->task, doc, NULL, &r->out);
    doc_unref(doc);
}

static void expect_values(struct run *r, const char *json) {
    if (r->out.result != SCRIPT_OK) fail_msg("%s: %s", script_result_name(r->out.result), r->out.err.msg);
    assert_null(r->task);
    assert_string_equal(fx_values(&r->out), json);
}

static void test_requests_suspend(void **state) {
    (void)state;
    struct run r = {0};
    fx_new(&r.fx);
    write_step(&r.fx, "builtin", "",
               "local got = ctx.apply({ kind = 'ConfigMap', data = { a = k8sgpt.null, l = k8sgpt.array({}) } }, { force = true })\n"
               "local done, why = ctx.delete(cr)\n"
               "ctx.condition('Ready', 'True', 'Fine', '')\n"
               "return got.metadata.uid, #got.list, tostring(got.none == k8sgpt.null), tostring(done), why, cr.metadata.name");
    begin(&r);
    expect_request(&r, "{\"op\":\"apply\",\"args\":[{\"kind\":\"ConfigMap\",\"data\":{\"a\":null,\"l\":[]}},{\"force\":true}]}");
    answer(&r, "{\"metadata\":{\"uid\":\"u\"},\"list\":[1,2],\"none\":null}");
    expect_request(
        &r, "{\"op\":\"delete\",\"args\":[{\"apiVersion\":\"core.k8sgpt.ai/v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"name\":\"k\","
            "\"namespace\":\"ns\"},\"spec\":{\"a\":[]}}]}");
    struct err gone = {.code = ERR_CONFLICT, .msg = "another uid"};
    script_resume(&r.task, NULL, &gone, &r.out);
    expect_request(&r, "{\"op\":\"condition\",\"args\":[\"Ready\",\"True\",\"Fine\",\"\"]}");
    answer(&r, NULL);
    expect_values(&r, "[\"u\",2,\"true\",\"nil\",\"another uid\",\"k\"]");
    assert_true(r.out.fuel > 0);
    end(&r);
}

static void test_every_request_has_its_name(void **state) {
    (void)state;
    static const char *const ops[] = {"apply",    "patch",   "delete",    "choose", "diagnosis",
                                      "findings", "publish", "condition", "status", "event"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct run r = {0};
        char body[100], want[100];
        fx_new(&r.fx);
        snprintf(body, sizeof body, "return ctx.%s('x', nil, 3)", ops[i]);
        snprintf(want, sizeof want, "{\"op\":\"%s\",\"args\":[\"x\",null,3]}", ops[i]);
        write_step(&r.fx, "builtin", "", body);
        begin(&r);
        expect_request(&r, want);
        answer(&r, "true");
        expect_values(&r, "[true]");
        end(&r);
    }
}

static void test_endings(void **state) {
    (void)state;
    static const struct {
        const char *body, *values;
    } cases[] = {
        {"", "nil"},
        {"return nil", "nil"},
        {"return {}", "nil"},
        {"return false", "nil"},
        {"return false, 'why'", "[false,\"why\"]"},
        {"return ctx.requeue(30)", "[{\"requeue\":30}]"},
        {"return ctx.stop('no secret')", "[{\"stop\":\"no secret\"}]"},
        {"return nil, ctx.retry(5, 'busy')", "[null,{\"failed\":{\"message\":\"busy\",\"retry\":5}}]"},
        {"return nil, ctx.permanent('never')", "[null,{\"failed\":{\"message\":\"never\",\"retry\":null}}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r = {0};
        fx_new(&r.fx);
        write_step(&r.fx, "builtin", "", cases[i].body);
        begin(&r);
        expect_values(&r, cases[i].values);
        end(&r);
    }
}

static void test_dropped_while_suspended(void **state) {
    (void)state;
    struct run r = {0};
    fx_new(&r.fx);
    write_step(&r.fx, "builtin", "", "ctx.choose() error('went on')");
    begin(&r);
    expect_request(&r, "{\"op\":\"choose\",\"args\":[]}");
    end(&r);
}

static void test_pcall_does_not_stop_a_request(void **state) {
    (void)state;
    struct run r = {0};
    fx_new(&r.fx);
    write_step(&r.fx, "builtin", "",
               "local ok, v = pcall(function() return ctx.diagnosis().synced end) local ok2, why = pcall(function() ctx.choose() "
               "error('x', 0) end) "
               "return ok, v, ok2, why");
    begin(&r);
    expect_request(&r, "{\"op\":\"diagnosis\",\"args\":[]}");
    answer(&r, "{\"synced\":true}");
    expect_request(&r, "{\"op\":\"choose\",\"args\":[]}");
    answer(&r, NULL);
    expect_values(&r, "[true,true,false,\"x\"]");
    end(&r);
}

static void expect_error(const char *body, enum script_result result, const char *message) {
    struct run r = {0};
    fx_new(&r.fx);
    write_step(&r.fx, "builtin", "", body);
    begin(&r);
    if (r.out.result == SCRIPT_SUSPENDED) answer(&r, NULL);
    if (r.out.result != result || !strstr(r.out.err.msg, message))
        fail_msg("%s: %s, not %s", script_result_name(r.out.result), r.out.err.msg, message);
    if (!strstr(r.out.err.msg, "builtin/steps/Init/policy.lua:2: ")) fail_msg("no place: %s", r.out.err.msg);
    assert_null(r.task);
    end(&r);
}

static void test_errors(void **state) {
    (void)state;
    expect_error("('x'):gsub('x', function() ctx.apply({}) end)", SCRIPT_ERROR,
                 "ctx.apply cannot be called inside a callback of sort or gsub");
    expect_error("table.sort({ 2, 1 }, function() ctx.apply({}) end)", SCRIPT_ERROR, "ctx.apply cannot be called inside a callback");
    expect_error("ctx.choose() while true do end", SCRIPT_FUEL, "used up");
    expect_error("ctx.choose() error('afterwards')", SCRIPT_ERROR, "afterwards");
    expect_error("ctx.apply({ f = function() end })", SCRIPT_ERROR, "f is a function");
    expect_error("ctx.choose() pcall(function() local s = 'xxxxxxxxxxxx' while true do s = s .. s end end)", SCRIPT_MEMORY,
                 "out of memory");
    expect_error("ctx.create()", SCRIPT_ERROR, "ctx.create is not there for the kind step");
    expect_error("ctx.requeue(0 / 0)", SCRIPT_ERROR, "seconds");
}

/* What was asked for reaches the host as it was meant, and only of who declared it. */
static void test_remote_analyzers_ask(void **state) {
    (void)state;
    static const struct {
        const char *fields, *body, *expected; /* of the request as JSON, or of the error */
    } cases[] = {
        {"remote = true, logs = true,", "ctx.logs(pod, {container = 'app', tail = 5})",
         "{\"op\":\"logs\",\"args\":[\"shop\",\"web\",{\"container\":\"app\",\"tail\":5}]}"},
        {"remote = true, secret_content = true,", "ctx.secret_content('shop', 'cert', 'tls.crt')",
         "{\"op\":\"secret_content\",\"args\":[\"shop\",\"cert\",\"tls.crt\"]}"},
        {"remote = true, aws = true,", "ctx.aws('eks', '/clusters')", "{\"op\":\"aws\",\"args\":[\"eks\",\"/clusters\"]}"},
        {"remote = true, aws = true,", "ctx.aws('eks', 'clusters')", "wants a service and a path"},
        {"remote = true,", "ctx.aws('eks', '/clusters')", "aws = true, which A does not"},
        {"", "ctx.logs(pod, {})", "ctx.logs is not there for the kind analyzer without remote = true"},
        {"remote = true,", "ctx.logs(pod, {})", "logs = true, which A does not"},
        {"remote = true, logs = true,", "ctx.secret_content('a', 'b', 'c')", "secret_content = true, which A does not"},
        {"remote = true, logs = true,", "ctx.logs(pod, {lines = 5})", "does not know a field lines"},
        {"remote = true, secret_content = true,", "ctx.secret_content('a', 'b')", "wants a namespace, a name and a key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fx;
        struct script_outcome out;
        struct script_task *task;
        struct buf text = buf_new(1024);
        char policy[1024];
        fx_new(&fx);
        snprintf(policy, sizeof policy,
                 "return { api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, fields = { 'spec' }, %s "
                 "rules = { r = { severity = 'low' } }, run = function(ctx, pod) %s end }",
                 cases[i].fields, cases[i].body);
        fx_write(&fx, "builtin/analyzers/A/policy.lua", policy);
        if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
        struct doc *pod = fx_add(&fx, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\"}}");
        struct script_call call = fx_call(&fx, POLICY_ANALYZER, "A", "run", pod);
        script_start(&call, &task, &out);
        if (out.result == SCRIPT_SUSPENDED) assert_int_equal(json_write(script_request(task), JSON_COMPACT, &text, &out.err), 0);
        const char *have = out.result == SCRIPT_SUSPENDED ? text.data : out.err.msg;
        if (!strstr(have, cases[i].expected)) fail_msg("%s: %s", cases[i].body, have);
        if (out.result == SCRIPT_SUSPENDED) script_drop(task);
        buf_free(&text);
        fx_free(&fx);
    }
}

static void test_only_steps_have_requests(void **state) {
    (void)state;
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, "", "return ctx.apply({})", &out);
    assert_int_equal(out.result, SCRIPT_ERROR);
    assert_non_null(strstr(out.err.msg, "ctx.apply is not there for the kind analyzer"));
    fx_free(&fx);

    fx_new(&fx);
    write_step(&fx, "builtin", "", "return ctx.apply({})");
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    struct script_call call = fx_call(&fx, POLICY_STEP, "Init", "run", NULL);
    script_run(&call, &out);
    assert_non_null(strstr(out.err.msg, "runs to its end at once"));
    fx_free(&fx);
}

/* Two steps of one state, both suspended; each sees its own views only. */
static void test_tasks_interleave(void **state) {
    (void)state;
    struct run a = {0};
    fx_new(&a.fx);
    fx_write(&a.fx, "builtin/steps/Init/policy.lua",
             "local kept\nreturn { api = 1, kind = 'step', name = 'Init', run = function(ctx, cr)\n"
             "local before = kept kept = cr ctx.choose() local ok, why = pcall(function() return before.metadata end)\n"
             "return cr.metadata.name, ok, why end }");
    begin(&a);
    assert_int_equal(a.out.result, SCRIPT_SUSPENDED);
    struct script_task *second;
    struct script_outcome out;
    script_start(&a.call, &second, &out);
    assert_int_equal(out.result, SCRIPT_SUSPENDED);
    answer(&a, NULL);
    assert_int_equal(a.out.result, SCRIPT_OK);
    assert_non_null(strstr(fx_values(&a.out), "[\"k\",false,"));
    script_resume(&second, NULL, NULL, &out);
    assert_int_equal(out.result, SCRIPT_OK);
    assert_non_null(strstr(fx_values(&out), "this view is dead"));
    doc_unref(out.values);
    end(&a);
}

static void test_wrapped_steps_ask_through(void **state) {
    (void)state;
    struct run r = {0};
    fx_new(&r.fx);
    write_step(&r.fx, "builtin", "",
               "local got, why = ctx.apply({ from = 'below' }) local more = ctx.choose() return got, why, cr.metadata.name, more.n");
    write_step(&r.fx, "cluster", "mode = 'wrap',",
               "ctx.status({ from = 'above' }) local a, b, c, d = ctx.next() ctx.event('Normal', 'R', c) return a.x, b, c, d");
    begin(&r);
    expect_request(&r, "{\"op\":\"status\",\"args\":[{\"from\":\"above\"}]}");
    answer(&r, NULL);
    expect_request(&r, "{\"op\":\"apply\",\"args\":[{\"from\":\"below\"}]}");
    answer(&r, "{\"x\":1}");
    expect_request(&r, "{\"op\":\"choose\",\"args\":[]}");
    answer(&r, "{\"n\":2}");
    expect_request(&r, "{\"op\":\"event\",\"args\":[\"Normal\",\"R\",\"k\"]}");
    answer(&r, NULL);
    expect_values(&r, "[1,null,\"k\",2]");
    end(&r);
}

static void test_wrapped_step_fails_or_is_dropped(void **state) {
    (void)state;
    struct run r = {0};
    fx_new(&r.fx);
    write_step(&r.fx, "builtin", "", "ctx.choose() error('below')");
    write_step(&r.fx, "cluster", "mode = 'wrap',", "local ok, why = pcall(ctx.next) return why");
    begin(&r);
    answer(&r, NULL);
    if (r.out.result != SCRIPT_OK) fail_msg("%s", r.out.err.msg);
    assert_non_null(strstr(fx_values(&r.out), "builtin/steps/Init/policy.lua:2: below"));
    end(&r);
    r = (struct run){0};
    fx_new(&r.fx);
    write_step(&r.fx, "builtin", "", "ctx.choose() while true do end");
    write_step(&r.fx, "cluster", "mode = 'wrap',", "pcall(ctx.next) return 'swallowed'");
    begin(&r);
    assert_int_equal(r.out.result, SCRIPT_SUSPENDED);
    answer(&r, NULL);
    assert_int_equal(r.out.result, SCRIPT_FUEL);
    end(&r);
    r = (struct run){0};
    fx_new(&r.fx);
    write_step(&r.fx, "builtin", "", "ctx.choose()");
    write_step(&r.fx, "cluster", "mode = 'wrap',", "ctx.next()");
    begin(&r);
    assert_int_equal(r.out.result, SCRIPT_SUSPENDED);
    end(&r);
}

static void call_inside(struct fixture *fx) {
    fx->on_get = NULL;
    struct doc *pod = fx_json(FX_POD);
    assert_string_equal(fx_run(fx, POLICY_ANALYZER, "A", "run", pod), "[\"web\"]");
    doc_unref(pod);
    fx->on_get = call_inside;
}

/* The host may run another policy of the same state while it answers; the step goes on with its own views and fuel. */
static void test_calls_nest_in_one_state(void **state) {
    (void)state;
    struct run r = {0};
    fx_new(&r.fx);
    r.fx.on_get = call_inside;
    fx_write(&r.fx, "builtin/analyzers/A/policy.lua",
             "return { api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, rules = { r = { severity = 'low' "
             "} },\n"
             "run = function(ctx, pod) return pod.metadata.name end }");
    write_step(&r.fx, "builtin", "watches = { 'v1/Pod' },",
               "ctx.get('v1/Pod', 'a', 'b') ctx.choose() ctx.get('v1/Pod', 'a', 'b') return cr.metadata.name");
    begin(&r);
    expect_request(&r, "{\"op\":\"choose\",\"args\":[]}");
    answer(&r, NULL);
    expect_values(&r, "[\"k\"]");
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_suspend),
        cmocka_unit_test(test_every_request_has_its_name),
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_dropped_while_suspended),
        cmocka_unit_test(test_pcall_does_not_stop_a_request),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_remote_analyzers_ask),
        cmocka_unit_test(test_only_steps_have_requests),
        cmocka_unit_test(test_tasks_interleave),
        cmocka_unit_test(test_wrapped_steps_ask_through),
        cmocka_unit_test(test_calls_nest_in_one_state),
        cmocka_unit_test(test_wrapped_step_fails_or_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
