#include "fixture.h"

#include "script/convert.h"
#include "script/view.h"
#include "support/random.h"

/* Documents through Lua and back: nothing is lost, whatever their shape. */

enum { ROUNDS = 3000 };

static void feed_scalar(struct doc_builder *b) {
    static const int64_t ints[] = {0, 1, -1, INT64_MAX, INT64_MIN, 9007199254740993, 2147483648};
    static const double doubles[] = {0.5, -1e300, 5e-324, 3.0, 0.1, 9007199254740994.0};
    switch (rnd(6)) {
    case 0: doc_null(b); return;
    case 1: doc_put_bool(b, rnd(2)); return;
    case 2: doc_put_int(b, ints[rnd(sizeof ints / sizeof *ints)]); return;
    case 3: doc_put_double(b, doubles[rnd(sizeof doubles / sizeof *doubles)]); return;
    case 4: doc_put_str(b, rnd(2) ? STR("") : STR("caf\xc3\xa9\n")); return;
    default: doc_put_str(b, (struct str){"a\0b", 3}); return;
    }
}

static void feed(struct doc_builder *b, int depth) {
    if (depth == 0 || rnd(3) == 0) {
        feed_scalar(b);
    } else if (rnd(2)) {
        doc_begin_array(b);
        for (unsigned n = rnd(4); n > 0; n--) feed(b, depth - 1);
        doc_end_array(b);
    } else {
        doc_begin_object(b);
        for (unsigned n = rnd(4); n > 0; n--) {
            char name[16];
            snprintf(name, sizeof name, "%u", n); /* names that look like numbers stay names */
            doc_key(b, str_of(n == 1 ? "name" : name));
            feed(b, depth - 1);
        }
        doc_end_object(b);
    }
}

struct trip {
    struct doc *in, *out;
    bool as_view;
};

static int go_round(lua_State *L) {
    struct trip *t = lua_touserdata(L, 1);
    struct script_vm *vm = vm_of(L);
    struct doc_value v = doc_root(t->in);
    if (t->as_view)
        view_push(L, v, projection_root(vm->whole));
    else
        convert_push(L, v, projection_root(vm->whole));
    convert_begin(L);
    convert_put(L, -1);
    t->out = convert_finish(L);
    vm->scratch = NULL;
    return 0;
}

/* True when types agree all the way down, which doc_equal does not ask for numbers. */
static bool same_types(struct doc_value a, struct doc_value b) {
    if (doc_type(a) != doc_type(b) || doc_len(a) != doc_len(b)) return false;
    for (size_t i = 0; i < doc_len(a); i++) {
        struct str key;
        bool is_object = doc_type(a) == DOC_OBJECT;
        struct doc_value x = is_object ? doc_pair(a, i, &key, NULL) : doc_at(a, i);
        if (!same_types(x, is_object ? doc_get(b, key) : doc_at(b, i))) return false;
    }
    return true;
}

static void test_round_trip(void **state) {
    (void)state;
    struct err err = {0};
    struct script_vm *vm = vm_new(VM_BUILTIN_BYTES, LAYER_BUILTIN, NULL, &err);
    struct doc_builder *b = doc_builder_new();
    for (int i = 0; i < ROUNDS; i++) {
        feed(b, 6);
        struct trip t = {.in = doc_builder_finish(b, &err), .as_view = i % 2};
        assert_non_null(t.in);
        if (t.as_view && doc_type(doc_root(t.in)) == DOC_NULL) t.as_view = false;
        struct fuel fuel;
        fuel_fill(&fuel, VM_LOAD_FUEL);
        struct frame f = {.fuel = &fuel};
        frame_enter(&f, vm, vm->L);
        if (vm_protect(&f, go_round, &t) != SCRIPT_OK) fail_msg("%s", f.err.msg);
        frame_leave(&f);
        assert_true(doc_equal(doc_root(t.in), doc_root(t.out)));
        assert_true(same_types(doc_root(t.in), doc_root(t.out)));
        doc_unref(t.in);
        doc_unref(t.out);
    }
    doc_builder_free(b);
    vm_free(vm);
}

static void expect(const char *body, const char *values) {
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    fx_try(&fx, "", body, &out);
    const char *got = out.result == SCRIPT_OK ? fx_values(&out) : out.err.msg;
    bool same = out.result == SCRIPT_OK ? strcmp(got, values) == 0 : strstr(got, values) != NULL;
    if (!same) fail_msg("%s: %s, not %s", body, got, values);
    doc_unref(out.values);
    fx_free(&fx);
}

static void test_what_cannot_be_said_in_json(void **state) {
    (void)state;
    expect("return { 1, a = 2 }", "the value has both numbered and named entries");
    expect("return { x = { 1, nil, 3 } }", "x has both numbered and named entries");
    expect("return { x = { y = { [1.5] = 1 } } }", "x.y has both numbered");
    expect("return { x = { 0 / 0 } }", "x[1] is not a finite number");
    expect("return { math.huge }", "[1] is not a finite number");
    expect("return { a = { f = function() end } }", "a.f is a function");
    expect("return { a = ctx }", "a is a library");
    expect("return { a = string }", "a is a library");
    expect("local l = k8sgpt.array({}) l.x = 1 return { l }", "is marked as an array but has holes or names");
    expect("local t = { { 1 } } t[2] = t[1] return t", "[[[1],[1]]]");
}

static void test_json(void **state) {
    (void)state;
    expect("return k8sgpt.json_encode({ b = 1, a = { 1, 'x', k8sgpt.null }, e = {}, l = k8sgpt.array({}) })",
           "[\"{\\\"a\\\":[1,\\\"x\\\",null],\\\"b\\\":1,\\\"e\\\":{},\\\"l\\\":[]}\"]");
    expect("return k8sgpt.json_encode('<&>', 'go')", "[\"\\\"\\\\u003c\\\\u0026\\\\u003e\\\"\"]");
    expect("return k8sgpt.json_encode(k8sgpt.json_decode('{\"i\":9007199254740993,\"n\":null,\"l\":[],\"o\":{},\"f\":1.0}'))",
           "[\"{\\\"f\\\":1,\\\"i\\\":9007199254740993,\\\"l\\\":[],\\\"n\\\":null,\\\"o\\\":{}}\"]");
    expect("local v, why = k8sgpt.json_decode('{') return { tostring(v), why ~= nil }", "[[\"nil\",true]]");
    expect("return ('caf\xc3\xa9'):sub(1, 4)", "[\"caf\xef\xbf\xbd\"]"); /* half a character */
    expect("return k8sgpt.json_encode(1, 'yaml')", "invalid option 'yaml'");
}

static void test_yaml(void **state) {
    (void)state;
    expect("return k8sgpt.yaml_decode('a: [1, x, ~]\\nb: {}\\nc: \"1\"')", "[{\"a\":[1,\"x\",null],\"b\":{},\"c\":\"1\"}]");
    expect("local v, why = k8sgpt.yaml_decode('# nothing') return { v == nil, why == nil }", "[[true,true]]");
    expect("local v, why, is_syntax = k8sgpt.yaml_decode('a: [') return { v == nil, why, is_syntax }",
           "[[true,\"line 2: did not find expected node content\",true]]");
    expect("local _, why, is_syntax = k8sgpt.yaml_decode('a: &x 1\\nb: *x') return { why, is_syntax }",
           "[[\"line 2: aliases are not supported\",false]]");
    expect("local _, why, is_syntax = k8sgpt.yaml_decode('a: 1\\n---\\nb: 2') return { why, is_syntax }",
           "[[\"more than one document\",false]]");
    expect("local t = {} for i = 1, 3 do t[i] = k8sgpt.yaml_decode('n: ' .. i).n end return t", "[[1,2,3]]");
}

static void test_types(void **state) {
    (void)state;
    expect("local t = k8sgpt.type return { t('x'), t(1), t(1.0), t(true), t({}), t({ 1 }), t(k8sgpt.array({})), t(nil), t(k8sgpt.null), "
           "t(pod), t(pod.spec.list) }",
           "[[\"string\",\"integer\",\"float\",\"boolean\",\"object\",\"array\",\"array\",\"null\",\"null\",\"object\",\"array\"]]");
}

/* FIPS 180-4 and RFC 4231 test vectors. */
static void test_digests(void **state) {
    (void)state;
    expect("return k8sgpt.sha256('abc')", "[\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]");
    expect("return k8sgpt.hmac_sha256('Jefe', 'what do ya want for nothing?')",
           "[\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\"]");
    expect("return tostring(k8sgpt.sha256({ 'ab', 'c' }) == k8sgpt.sha256({ 'a', 'bc' })) .. tostring(k8sgpt.sha256({ 'ab', 'c' }) == "
           "k8sgpt.sha256({ 'ab', 'c' }))",
           "[\"falsetrue\"]");
    expect("return k8sgpt.sha256({ 1 })", "wants a string or a list of strings");
}

/* table is ours: the manual's behaviour, in Lua. */
static void test_table_library(void **state) {
    (void)state;
    expect("local t = { 3, 1, 2 } table.sort(t) return t", "[[1,2,3]]");
    expect("local t = {} for i = 1, 100 do t[i] = (i * 37) % 101 end table.sort(t, function(a, b) return a > b end) "
           "for i = 2, 100 do if t[i - 1] < t[i] then return 'unsorted' end end return #t",
           "[100]");
    expect("local t = {} for i = 1, 20 do t[i] = { k = i % 3, i = i } end table.sort(t, function(a, b) return a.k < b.k end) "
           "for i = 2, 20 do if t[i - 1].k == t[i].k and t[i - 1].i > t[i].i then return 'unstable' end end return 'stable'",
           "[\"stable\"]");
    expect("table.sort({ 1, 'x' })", "attempt to compare");
    expect("local t = { 1, 2, 3 } table.insert(t, 4) table.insert(t, 1, 0) local r = table.remove(t, 2) return { r, table.remove(t), "
           "table.concat(t, '-') }",
           "[[1,4,\"0-2-3\"]]");
    expect("return { tostring(table.remove({})), table.concat({}), table.concat({ 1, 2, 3 }, ',', 2, 3), table.concat({ 'a' }, ',', 2) }",
           "[[\"nil\",\"\",\"2,3\",\"\"]]");
    expect("table.remove({ 1 }, 7)", "position out of bounds");
    expect("return { table.unpack({ 1, 2, 3 }, 2) }", "[[2,3]]");
    expect("local p = table.pack(1, nil) return { p.n, p[1], tostring(p[2]) }", "[[2,1,\"nil\"]]");
    expect("local t = table.move({ 1, 2, 3 }, 1, 3, 2) return t", "[[1,1,2,3]]");
    expect("local t = table.move({ 1, 2, 3 }, 2, 3, 1) return t", "[[2,3,3]]");
    expect("return table.move({ 1, 2 }, 1, 2, 1, {})", "[[1,2]]");
}

static void test_string_library(void **state) {
    (void)state;
    expect("return { ('x'):rep(3, '-'), ('abc'):sub(-2), ('%5.1f|%d|%s|%q|%%'):format(1.25, 7, true, 'a\"b'), ('abc'):byte(2), "
           "string.char(65) }",
           "[[\"x-x-x\",\"bc\",\"  1.2|7|true|\\\"a\\\\\\\"b\\\"|%\",98,\"A\"]]");
    expect("return { ('ab'):upper(), ('AB'):lower(), ('ab'):reverse(), ('ab'):len(), ('x'):rep(0), ('x'):rep(-1) }",
           "[[\"AB\",\"ab\",\"ba\",2,\"\",\"\"]]");
    expect("return ('%s %s %s'):format(nil, pod, { 1 })", "[\"nil Pod shop/web table\"]");
    expect("return { utf8.len('caf\xc3\xa9'), utf8.char(233), tonumber('ff', 16), tostring(tonumber('x')), math.type(3), 10 // 3 }",
           "[[4,\"\xc3\xa9\",255,\"nil\",\"integer\",3]]");
    expect("return ('%d'):format('x')", "number expected");
}

int main(void) {
    rnd_seed = 42;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_what_cannot_be_said_in_json),
        cmocka_unit_test(test_json),          cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_types),         cmocka_unit_test(test_digests),
        cmocka_unit_test(test_table_library), cmocka_unit_test(test_string_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
