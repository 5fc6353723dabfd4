#include "fixture.h"

#include "support/alloc_fault.h"

/* Memory that runs out at every single allocation, a cap that is met at every size, and a collector that never rests. */

static const char ANALYZER[] =
    "local lib = require 'lib.names'\nlocal k8sgpt = require 'k8sgpt'\n"
    "return { api = 1, kind = 'analyzer', name = 'T', description = 'd', watches = { 'v1/Pod', { 'v1/Event', fields = { 'message' } } },\n"
    "fields = { 'spec', 'status' }, indexes = { ['v1/Pod'] = { 'spec.x' } }, rules = { r = { severity = 'low' } }, params = { a = 1 },\n"
    "run = function(ctx, pod)\n"
    "  local out = {}\n"
    "  for k, v in pairs(pod.spec) do out[#out + 1] = { rule = 'r', key = k, text = lib.text(v) .. tostring(pod.spec.list) } end\n"
    "  for _, p in ipairs(ctx.list('v1/Pod', { ns = 'shop', labels = { a = 'b' }, index = { 'spec.x', 'y' } })) do out[#out + 1] = "
    "k8sgpt.copy(p) end\n"
    "  for _, e in ipairs(ctx.events(pod, { type = 'Warning' })) do out[#out + 1] = e end\n"
    "  local text = k8sgpt.json_encode(out) out[1] = k8sgpt.json_decode(text) out[2] = k8sgpt.yaml_decode('a: [1, {b: x}]')\n"
    "  out[3] = k8sgpt.replace('a-b a', { a = 'x' }) out[4] = k8sgpt.names_with('a-b a', 'a')\n"
    "  local s = ('x y z'):gsub('%w', function(c) return c .. c end) table.sort(out, function(a, b) return tostring(a) < tostring(b) end)\n"
    "  return out, s, ctx.params.a, ctx.get('v1/Pod', 'shop', 'web')\n"
    "end }\n";

static const char WRAP[] = "return { api = 1, kind = 'analyzer', name = 'T', mode = 'wrap', params = { b = 2 },\n"
                           "run = function(ctx, pod) local a, b, c = ctx.next(pod) return a, b, c end }\n";

static const char STEP[] = "return { api = 1, kind = 'step', name = 'Init', run = function(ctx, cr)\n"
                           "local ok, got = pcall(ctx.apply, { a = { 1, 2 } }) if not got then error('lost') end return got.x, cr end }";
static const char STEP_WRAP[] =
    "return { api = 1, kind = 'step', name = 'Init', mode = 'wrap', run = function(ctx) return ctx.next() end }";

static void write_all(struct fixture *fx) {
    fx_write(fx, "builtin/lib/names.lua", "local m = {} function m.text(v) return type(v) .. tostring(v) end return m");
    fx_write(fx, "builtin/analyzers/T/policy.lua", ANALYZER);
    fx_write(fx, "cluster/analyzers/T/policy.lua", WRAP);
    fx_write(fx, "cluster/analyzers/T/params.yaml", "a: 3\n");
    fx_write(fx, "builtin/steps/Init/policy.lua", STEP);
    fx_write(fx, "cluster/steps/Init/policy.lua", STEP_WRAP);
    fx_add(fx, FX_POD);
    fx_add(fx, "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e1\"},\"type\":\"Warning\",\"reason\":\"Failed\","
               "\"message\":\"m\"}");
}

/* Both policies to their end; the first thing that fails, or 0. */
static int run_all(struct fixture *fx, const struct doc *pod, const struct doc *reply) {
    struct script_call call = fx_call(fx, POLICY_ANALYZER, "T", "run", pod);
    struct script_outcome out;
    script_run(&call, &out);
    doc_unref(out.values);
    if (out.result != SCRIPT_OK) return (int)out.err.code;
    call = fx_call(fx, POLICY_STEP, "Init", "run", pod);
    struct script_task *task;
    script_start(&call, &task, &out);
    while (task) script_resume(&task, reply, NULL, &out);
    doc_unref(out.values);
    return out.result == SCRIPT_OK ? 0 : (int)out.err.code;
}

static void test_calls_without_memory(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_all(&fx);
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    struct doc *pod = fx_json(FX_POD), *reply = fx_json("{\"x\":[1,2,{\"y\":\"z\"}]}");
    assert_int_equal(run_all(&fx, pod, reply), 0);
    int failed = 0;
    for (long n = 0;; n++) {
        alloc_fault_after(n);
        int rc = run_all(&fx, pod, reply);
        if (!alloc_fault_end()) break;
        if (rc && rc != ERR_NOMEM) fail_msg("allocation %ld: code %d", n, rc);
        failed += rc != 0;
        assert_int_equal(run_all(&fx, pod, reply), 0);
    }
    assert_true(failed > 0); /* most are Lua's, which collects and tries again */
    doc_unref(pod);
    doc_unref(reply);
    fx_free(&fx);
}

/* How many loads failed, of one for each allocation. */
static int load_without_memory(struct fixture *fx, const struct bundle *before) {
    int failed = 0;
    bool hit = true;
    for (long n = 0; hit; n += n < 300 ? 1 : 7) {
        alloc_fault_after(n);
        struct bundle *b = fx_bundle(fx, n % 2, before);
        hit = alloc_fault_end();
        if (!b) assert_true(fx->err.msg[0] != '\0');
        failed += !b;
        bundle_unref(b);
    }
    return failed;
}

static void test_load_without_memory(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_all(&fx);
    assert_true(load_without_memory(&fx, NULL) > 100);
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    assert_true(load_without_memory(&fx, fx.bundle) > 30);
    struct doc *pod = fx_json(FX_POD), *reply = fx_json("{\"x\":[1]}");
    assert_int_equal(run_all(&fx, pod, reply), 0);
    doc_unref(pod);
    doc_unref(reply);
    fx_free(&fx);
}

/* A state that may hold ever more: every allocation of it is refused once. */
static void test_every_cap(void **state) {
    (void)state;
    struct err err;
    bool made = false;
    for (size_t cap = 1000; !made; cap += 97) {
        struct script_vm *vm = vm_new(cap, LAYER_CLUSTER, NULL, &err);
        made = vm != NULL;
        if (!made)
            assert_int_equal(err.code, ERR_NOMEM);
        else
            assert_true(vm->bytes <= cap);
        vm_free(vm);
    }
}

/* Every allocation of a call refused for good, one call after another. */
static void test_calls_at_every_cap(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_all(&fx);
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    struct doc *pod = fx_json(FX_POD), *reply = fx_json("{\"x\":[1,2,{\"y\":\"z\"}]}");
    assert_int_equal(run_all(&fx, pod, reply), 0);
    int failed = 0, rc = 1;
    for (size_t room = 0; rc; room += 31) {
        for (const struct policy *p = bundle_find(fx.bundle, POLICY_ANALYZER, STR("T")); p; p = p->lower) {
            lua_gc(p->vm->L, LUA_GCCOLLECT);
            p->vm->cap_bytes = p->vm->bytes + room;
        }
        rc = run_all(&fx, pod, reply);
        if (rc && rc != ERR_NOMEM) fail_msg("room %zu: code %d", room, rc);
        failed += rc != 0;
    }
    assert_true(failed > 20);
    doc_unref(pod);
    doc_unref(reply);
    fx_free(&fx);
}

static void test_memory_is_counted(void **state) {
    (void)state;
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, "", "local t = {} for i = 1, 60000 do t[i] = 'x' .. i end return #t", &out);
    if (out.result != SCRIPT_OK) fail_msg("%s", out.err.msg);
    doc_unref(out.values);
    struct script_vm *vm = bundle_find(fx.bundle, POLICY_ANALYZER, STR("T"))->vm;
    assert_int_equal(vm->cap_bytes, VM_OVERRIDE_BYTES);
    assert_true(vm->bytes == (size_t)lua_gc(vm->L, LUA_GCCOUNT) * 1024 + (size_t)lua_gc(vm->L, LUA_GCCOUNTB));
    fx_free(&fx);
}

static void collect(struct fixture *fx) {
    for (int kind = 0; kind < POLICY_KINDS; kind++)
        for (size_t i = 0; i < bundle_count(fx->bundle, (enum policy_kind)kind); i++)
            lua_gc(bundle_at(fx->bundle, (enum policy_kind)kind, i)->vm->L, LUA_GCCOLLECT);
}

/* The collector runs in every state as often as it can, in each of its modes, and at each read. */
static void test_under_the_collector(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_all(&fx);
    fx.on_get = collect;
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    struct doc *pod = fx_json(FX_POD), *reply = fx_json("{\"x\":[1,2,{\"y\":\"z\"}]}");
    for (int mode = 0; mode < 2; mode++) {
        for (const struct policy *p = bundle_find(fx.bundle, POLICY_ANALYZER, STR("T")); p; p = p->lower) {
            if (mode == 0)
                lua_gc(p->vm->L, LUA_GCINC, 1, 1000, 2);
            else
                lua_gc(p->vm->L, LUA_GCGEN, 1, 1);
        }
        for (int i = 0; i < 200; i++) assert_int_equal(run_all(&fx, pod, reply), 0);
    }
    doc_unref(pod);
    doc_unref(reply);
    fx_free(&fx);
}

/* Fuel: what is reported grows with the work, and a call gets no more than it was given. */
static void test_fuel_is_reported(void **state) {
    (void)state;
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, "", "for i = 1, 10000 do end return {}", &out);
    int64_t small = out.fuel;
    fx_free(&fx);
    fx_new(&fx);
    fx_try(&fx, "", "for i = 1, 100000 do end return {}", &out);
    assert_true(small >= 10000 && out.fuel >= 100000 && out.fuel < 200000);
    assert_true(out.duration_us > 0);
    struct script_call call = fx_call(&fx, POLICY_ANALYZER, "T", "run", NULL);
    call.fuel = 50000;
    script_run(&call, &out);
    assert_int_equal(out.result, SCRIPT_FUEL);
    assert_true(out.fuel == 50000);
    call.fuel = 500000;
    script_run(&call, &out);
    assert_int_equal(out.result, SCRIPT_OK);
    fx_free(&fx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_without_memory), cmocka_unit_test(test_load_without_memory), cmocka_unit_test(test_every_cap),
        cmocka_unit_test(test_calls_at_every_cap),   cmocka_unit_test(test_memory_is_counted),   cmocka_unit_test(test_under_the_collector),
        cmocka_unit_test(test_fuel_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
