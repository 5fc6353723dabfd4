#include "fixture.h"

/*
 * The threats to a Lua 5.4 host, one snippet each: the body of an analyzer that is refused, or stopped within its budget.
 * A case without a message must run and return what it says.
 */

struct threat {
    const char *what, *body;
    enum script_result result;
    const char *message; /* part of the error, or the whole of the values */
};

static const struct threat threats[] = {
    {"no code from text", "return load('return 1')", SCRIPT_ERROR, "load is not a global"},
    {"no code from files", "return dofile('/etc/passwd')", SCRIPT_ERROR, "dofile is not a global"},
    {"no bytecode out", "return string.dump(function() end)", SCRIPT_ERROR, "dump is not a field of string"},
    {"no string.dump by a method", "return ('').dump", SCRIPT_ERROR, "dump is not a field of string"},
    {"no io", "return io.open('/etc/passwd')", SCRIPT_ERROR, "io is not a global"},
    {"no os", "return os.getenv('HOME')", SCRIPT_ERROR, "os is not a global"},
    {"no debug", "return debug.getregistry()", SCRIPT_ERROR, "debug is not a global"},
    {"no package", "return package.loaded", SCRIPT_ERROR, "package is not a global"},
    {"no coroutines", "return coroutine.create(function() end)", SCRIPT_ERROR, "coroutine is not a global"},
    {"no collector", "collectgarbage('stop')", SCRIPT_ERROR, "collectgarbage is not a global"},
    {"no xpcall", "xpcall(error, function() while true do end end)", SCRIPT_ERROR, "xpcall is not a global"},
    {"no print", "print('x')", SCRIPT_ERROR, "print is not a global"},
    {"no table of globals", "return _G", SCRIPT_ERROR, "_G is not a global"},
    {"no random", "return math.random()", SCRIPT_ERROR, "random is not a field of math"},
    {"no C modules", "require 'socket'", SCRIPT_ERROR, "there is no module socket"},
    {"no modules by path", "require 'lib.../../etc'", SCRIPT_ERROR, "there is no module"},
    {"no new globals", "leaked = 1", SCRIPT_ERROR, "leaked cannot be set: policies touch no globals"},
    {"no changed globals", "ipairs = nil", SCRIPT_ERROR, "ipairs cannot be set"},
    {"no globals by rawset", "rawset(_ENV, 'x', 1)", SCRIPT_ERROR, "table expected"},
    {"libraries are read-only", "string.rep = nil", SCRIPT_ERROR, "rep cannot be set: string is read-only"},
    {"libraries are read-only to rawset", "rawset(string, 'x', 1)", SCRIPT_ERROR, "table expected"},
    {"libraries are read-only to table.*", "table.insert(math, 1)", SCRIPT_ERROR, "table expected"},
    {"the module is read-only", "k8sgpt.null = 1", SCRIPT_ERROR, "null cannot be set"},
    {"ctx is read-only", "ctx.get = 1", SCRIPT_ERROR, "ctx is read-only"},
    {"the string metatable is hidden", "return { tostring(getmetatable('')) }", SCRIPT_OK, "[[\"false\"]]"},
    {"the string metatable is locked", "setmetatable('', {})", SCRIPT_ERROR, "table expected"},
    {"metatables of views are locked", "return { tostring(getmetatable(pod)), tostring(getmetatable(_ENV)) }", SCRIPT_OK,
     "[[\"false\",\"false\"]]"},
    {"no finalizers", "setmetatable({}, { __gc = function() while true do end end })", SCRIPT_ERROR, "__gc is not allowed"},
    {"no closers", "setmetatable({}, { __close = function() end })", SCRIPT_ERROR, "__close is not allowed"},
    {"a late finalizer is none",
     "local mt = {} for i = 1, 1000 do setmetatable({}, mt) end mt.__gc = function() while true do end end "
     "for i = 1, 10000 do local t = {} end return { 'done' }",
     SCRIPT_OK, "[[\"done\"]]"},
    {"late closers cost fuel",
     "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end "
     "do local x <close> = t end",
     SCRIPT_FUEL, "used up its instructions"},
    {"a closer after the end",
     "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end "
     "local x <close> = t while true do end",
     SCRIPT_FUEL, "used up its instructions"},
    {"an endless loop", "while true do end", SCRIPT_FUEL, "used up its instructions"},
    {"endless recursion", "local function f() return f() end f()", SCRIPT_FUEL, "used up its instructions"},
    {"a loop inside pcall", "pcall(function() while true do end end) return { 'swallowed' }", SCRIPT_FUEL, "used up its instructions"},
    {"a loop of pcalls", "while true do pcall(function() while true do end end) end", SCRIPT_FUEL, "used up its instructions"},
    {"pcall of pcall", "pcall(pcall, pcall, function() while true do end end) return { 'swallowed' }", SCRIPT_FUEL, "used up"},
    {"a loop in __index", "local t = setmetatable({}, { __index = function() while true do end end }) return t.x", SCRIPT_FUEL, "used up"},
    {"a loop in sort", "table.sort({ 3, 2, 1 }, function() while true do end end)", SCRIPT_FUEL, "used up"},
    {"a loop in gsub", "(('x'):gsub('x', function() while true do end end))", SCRIPT_ERROR, NULL},
    {"deep recursion", "local function f() return 1 + f() end return f()", SCRIPT_MEMORY, "out of memory"},
    {"rep of nothing", "return { #(''):rep(1 << 62) }", SCRIPT_FUEL, "used up"},
    {"rep of something", "return ('x'):rep(1 << 40)", SCRIPT_ERROR, "over 1048576 bytes"},
    {"many reps", "while true do local s = ('x'):rep(1000000) end", SCRIPT_FUEL, "used up"},
    {"concat of a lying length", "return table.concat(setmetatable({}, { __len = function() return 1 << 60 end })) .. 'raw'", SCRIPT_OK,
     "[\"raw\"]"},
    {"concat of a range", "return table.concat({}, '', 1, 1 << 60)", SCRIPT_ERROR, "invalid value"},
    {"unpack of a range", "return table.unpack({}, 1, 1 << 60)", SCRIPT_ERROR, "too many results"},
    {"unpack of the widest range", "return table.unpack({}, math.mininteger, math.maxinteger)", SCRIPT_ERROR, "too many results"},
    {"move of a range", "table.move({}, 1, 1 << 60, 1)", SCRIPT_FUEL, "used up"},
    {"move that wraps around", "table.move({}, 1, 5, math.maxinteger)", SCRIPT_ERROR, "too many elements"},
    {"insert far out", "table.insert({}, 1 << 60, 1)", SCRIPT_ERROR, "out of bounds"},
    {"no pack", "return string.pack('c2000000000', 'x')", SCRIPT_ERROR, "pack is not a field"},
    {"a pattern that backtracks", "return string.find(('a'):rep(1500), '.-.-.-b')", SCRIPT_FUEL, "used up"},
    {"a pattern that backtracks in gsub", "return (('a'):rep(3000)):gsub('.-.-.-b', '')", SCRIPT_FUEL, "used up"},
    {"a pattern that recurses", "return (('x'):rep(400)):find(('x?'):rep(300))", SCRIPT_ERROR, "pattern too complex"},
    {"a pattern that never closes", "return (('x'):rep(50)):find(('(x'):rep(20))", SCRIPT_ERROR, "unfinished capture"},
    {"format of addresses", "return ('%p'):format({})", SCRIPT_ERROR, "%p is not allowed"},
    {"format of addresses with flags", "return ('%-20p'):format({})", SCRIPT_ERROR, "%p is not allowed"},
    {"tostring of addresses", "return { tostring({}), tostring(print == nil and 1 or pod.metadata.name), tostring(ctx.get) }", SCRIPT_ERROR,
     "print is not"},
    {"text of what has none", "return { tostring({}), ('%s %s'):format({}, function() end), tostring(ctx), tostring(string) }", SCRIPT_OK,
     "[[\"table\",\"table function\",\"userdata\",\"userdata\"]]"},
    {"long strings compared",
     "local a, b = ('x'):rep(1000000) .. 'a', ('x'):rep(1000000) .. 'b' while true do if a == b .. 'y' then break end end", SCRIPT_FUEL,
     "used up"},
    {"equal strings compared", "local a, b = ('x'):rep(1000000) .. 'a', ('x'):rep(1000000) .. 'a' while a == b do end", SCRIPT_FUEL,
     "ran far longer than its instructions should take"},
    {"a string over the cap", "local s = ('x'):rep(1000000) return { #(s .. s) }", SCRIPT_MEMORY, "out of memory"},
    {"memory by one string", "local s = ('x'):rep(1000) while true do s = s .. s end", SCRIPT_MEMORY, "out of memory"},
    {"memory by a table", "local t = {} for i = 1, 1e9 do t[i] = i end", SCRIPT_MEMORY, "out of memory"},
    {"memory by gsub", "local s = ('x'):rep(1000000) return #s:gsub('x', s)", SCRIPT_MEMORY, "out of memory"},
    {"memory inside pcall", "while true do pcall(function() local s = 'xxxxxxxx' while true do s = s .. s end end) end", SCRIPT_MEMORY,
     "out of memory"},
    {"an error object with code", "error(setmetatable({}, { __tostring = function() while true do end end }))", SCRIPT_ERROR,
     "error object is a table"},
    {"an error of many lines", "error('one\\ntwo\\27[31m')", SCRIPT_ERROR, "one two [31m"},
    {"a table that contains itself", "local t = {} t.a = { t } return { t }", SCRIPT_ERROR, "contains itself"},
    {"a table without an end", "local t = {} for i = 1, 1000 do t = { t } end return t", SCRIPT_ERROR, "nested too deeply"},
    {"order of keys",
     "local s = '' for k in pairs({ z = 1, [3] = 1, a = 1, [true] = 1, [1] = 1, [2.5] = 1 }) do s = s .. tostring(k) .. ' ' end return s",
     SCRIPT_OK, "[\"1 2.5 3 a z true \"]"},
    {"next in order", "local s, k = '', nil for i = 1, 3 do k = next({ b = 1, a = 1, c = 1 }, k) s = s .. k end return s", SCRIPT_OK,
     "[\"abc\"]"},
    {"next of nothing", "return { tostring(next({})) }", SCRIPT_OK, "[[\"nil\"]]"},
    {"keys without order", "for k in pairs({ [{}] = 1 }) do end", SCRIPT_ERROR, "no order"},
    {"unfinished text", "return {", SCRIPT_OK, NULL},
};

static void run_threat(const struct threat *t) {
    struct fixture fx;
    struct script_outcome out;
    fx_new(&fx);
    if (!t->message) {
        fx_write_analyzer(&fx, "", t->body);
        if (fx_load(&fx, false)) fail_msg("%s: was loaded", t->what);
        fx_free(&fx);
        return;
    }
    int64_t began = clock_work_us();
    fx_try(&fx, "", t->body, &out);
    const char *got = out.result == SCRIPT_OK ? fx_values(&out) : out.err.msg;
    bool same = out.result == SCRIPT_OK ? strcmp(got, t->message) == 0 : strstr(got, t->message) != NULL;
    if (out.result != t->result || !same) fail_msg("%s: %s: %s", t->what, script_result_name(out.result), got);
    if (out.result != SCRIPT_OK && (strchr(out.err.msg, '\n') || !strstr(out.err.msg, "analyzers/T/policy.lua")))
        fail_msg("%s: not one line with its place: %s", t->what, out.err.msg);
    if (clock_work_us() - began > 5000000) fail_msg("%s: took %lld us", t->what, (long long)(clock_work_us() - began));
    doc_unref(out.values);
    fx_free(&fx);
}

static void test_threats(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof threats / sizeof *threats; i++) run_threat(&threats[i]);
}

static void test_bytecode_is_no_policy(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    fx_write(&fx, "cluster/analyzers/T/policy.lua", "\x1bLua\x54");
    assert_false(fx_load(&fx, false));
    assert_non_null(strstr(fx.err.msg, "attempt to load a binary chunk"));
    fx_free(&fx);
}

/* What one call leaves in its file's own tables must not reach another policy. */
static void test_overrides_do_not_share(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    static const char text[] = "local lib = require 'lib.shared'\nreturn { api = 1, kind = 'sink', name = '%s', request = function() "
                               "lib.box.n = lib.box.n + 1 return { lib.box.n } end }";
    char one[300], two[300];
    snprintf(one, sizeof one, text, "One");
    snprintf(two, sizeof two, text, "Two");
    fx_write(&fx, "cluster/lib/shared.lua", "return { box = { n = 0 } }");
    fx_write(&fx, "cluster/sinks/One/policy.lua", one);
    fx_write(&fx, "cluster/sinks/Two/policy.lua", two);
    assert_true(fx_load(&fx, false));
    assert_string_equal(fx_run(&fx, POLICY_SINK, "One", "request", NULL), "[[1]]");
    assert_string_equal(fx_run(&fx, POLICY_SINK, "Two", "request", NULL), "[[1]]");
    fx_free(&fx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threats),
        cmocka_unit_test(test_bytecode_is_no_policy),
        cmocka_unit_test(test_overrides_do_not_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
