#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "script/lib.h"
#include "script/vm.h"
#include "support/random.h"

/* Our find, match, gmatch and gsub beside those of Lua's string library: the same answer, or both an error, for any input. */

enum { ROUNDS = 60000 };

static void random_text(char *out, size_t *len, const char *const *pieces, unsigned count, unsigned most) {
    *len = 0;
    for (unsigned n = rnd(most + 1); n > 0; n--) {
        const char *piece = pieces[rnd(count)];
        size_t piece_len = piece[0] ? strlen(piece) : 1; /* "" stands for a NUL */
        memcpy(out + *len, piece, piece_len);
        *len += piece_len;
    }
}

static void random_pattern(char *out, size_t *len) {
    static const char *const pieces[] = {"a",      "b",    "c",   ".",  "%a",   "%d",    "%s",    "%w",   "%A",     "%%",    "%.",
                                         "*",      "+",    "-",   "?",  "(",    ")",     "()",    "[ab]", "[^ab]",  "[a-c]", "[%d_]",
                                         "[]]",    "[^]]", "[",   "]",  "^",    "$",     "%1",    "%2",   "%b()",   "%bab",  "%f[a]",
                                         "%f[%w]", "%f",   "%",   "%g", "%p",   "%x",    "%u",    "%l",   "",       "a-",    ".*",
                                         ".-",     "(a*)", "(.)", "%z", "[a-]", "[%]a]", "[^%]]", "[a%]", "[%a-z]", "(b)%1", "c?"};
    random_text(out, len, pieces, sizeof pieces / sizeof *pieces, 6);
}

static void random_subject(char *out, size_t *len) {
    static const char *const pieces[] = {"a", "b", "c", "ab", "1", "_", "(", ")", " ", "A", "%", "]", "", "aa", ".", "\xff", "^", "-"};
    random_text(out, len, pieces, sizeof pieces / sizeof *pieces, 12);
}

/* Leaves "error" or all results as one string. */
static const char chunk[] =
    "local string, tostring, select, table, pcall = ...\n"
    "local function text(ok, ...)\n"
    "  if not ok then return 'error' end\n"
    "  local s = ''\n"
    "  for i = 1, select('#', ...) do s = s .. '|' .. tostring((select(i, ...))) end\n"
    "  return s\n"
    "end\n"
    "local function each(s, p, init)\n"
    "  local out, n = '', 0\n"
    "  for a, b, c in string.gmatch(s, p, init) do out = out .. '|' .. tostring(a) .. ',' .. tostring(b) .. ',' .. tostring(c)\n"
    "    n = n + 1 if n > 50 then break end end\n"
    "  return out\n"
    "end\n"
    "return function(s, p, init, repl, n)\n"
    "  return text(pcall(string.find, s, p, init)) .. '#' .. text(pcall(string.match, s, p, init)) .. '#' .. text(pcall(each, s, p, "
    "init))\n"
    "    .. '#' .. text(pcall(string.gsub, s, p, repl, n)) .. '#' .. text(pcall(string.gsub, s, p, { a = 'X', ab = false, b = 7 }))\n"
    "    .. '#' .. text(pcall(string.gsub, s, p, function(a, b) return b or (a == 'a' and '<' .. a .. '>') or nil end))\n"
    "    .. '#' .. text(pcall(string.find, s, p, init, true))\n"
    "end\n";

static void push_compare(lua_State *L) {
    assert_int_equal(luaL_loadstring(L, chunk), LUA_OK);
    lua_getglobal(L, "string");
    lua_getglobal(L, "tostring");
    lua_getglobal(L, "select");
    lua_getglobal(L, "table");
    lua_getglobal(L, "pcall");
    lua_call(L, 5, 1);
}

static const char *ask(lua_State *L, const char *s, size_t s_len, const char *p, size_t p_len, int init, const char *repl, int n) {
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, s, s_len);
    lua_pushlstring(L, p, p_len);
    lua_pushinteger(L, init);
    lua_pushstring(L, repl);
    lua_pushinteger(L, n);
    if (lua_pcall(L, 5, 1, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
    return lua_tostring(L, -1);
}

/* Lua's own libraries with our functions in place of its; the state and frame are ours, for the fuel. */
static void test_same_as_lua(void **state) {
    (void)state;
    struct err err;
    lua_State *theirs = luaL_newstate();
    luaL_openlibs(theirs);
    push_compare(theirs);
    struct script_vm *vm = vm_new(VM_BUILTIN_BYTES, LAYER_BUILTIN, NULL, &err);
    assert_non_null(vm);
    struct fuel fuel;
    fuel_fill(&fuel, INT64_MAX / 4);
    fuel.deadline_us = INT64_MAX;
    struct frame f = {.fuel = &fuel};
    frame_enter(&f, vm, vm->L);
    luaL_openlibs(vm->L);
    lua_getglobal(vm->L, "string");
    lib_pattern_open(vm->L);
    lua_settop(vm->L, 0);
    push_compare(vm->L);

    static const char *const repls[] = {"", "x", "<%0>", "%1", "%%", "%2%1", "%", "%a"};
    for (int i = 0; i < ROUNDS; i++) {
        char s[64], p[64];
        size_t s_len, p_len;
        random_subject(s, &s_len);
        random_pattern(p, &p_len);
        int init = (int)rnd(20) - 8, n = (int)rnd(5);
        const char *repl = repls[rnd(sizeof repls / sizeof *repls)];
        const char *want = ask(theirs, s, s_len, p, p_len, init, repl, n), *got = ask(vm->L, s, s_len, p, p_len, init, repl, n);
        if (strcmp(want, got) != 0)
            fail_msg("find %.*s in %.*s from %d, %s: %s, not %s", (int)p_len, p, (int)s_len, s, init, repl, got, want);
    }
    lua_settop(vm->L, 0);
    frame_leave(&f);
    vm_free(vm);
    lua_close(theirs);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_lua)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
