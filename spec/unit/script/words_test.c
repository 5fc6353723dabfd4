#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script/lib.h"
#include "script/vm.h"
#include "support/random.h"

/* replace and names_with beside what they mean, said in Lua (spec/support/k8sgpt.lua): the same answer for any input. */

enum { ROUNDS = 4000 };

static void push_random_text(lua_State *L, unsigned most) {
    static const char *const pieces[] = {"a", "b", "ab", "-", ".", "/", " ", "_", "%", "1", "A", "\xc3\xa9", "\n"};
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (unsigned n = rnd(most + 1); n > 0; n--) luaL_addstring(&text, pieces[rnd(sizeof pieces / sizeof *pieces)]);
    luaL_pushresult(&text);
}

/* Everything that both functions say, as one string. */
static const char chunk[] =
    "local k8sgpt, text, values, where = ...\n"
    "local by = {}\n"
    "for i, value in ipairs(values) do by[value] = '<' .. i .. 'a>' end\n"
    "local out, hits = k8sgpt.replace(text, by, where)\n"
    "local all = out .. '\\n' .. table.concat(hits, '|')\n"
    "for _, value in ipairs(values) do all = all .. '\\n' .. table.concat(k8sgpt.names_with(text, value), '|') end\n"
    "return all\n";

static void push_random_values(lua_State *L) {
    lua_newtable(L);
    for (lua_Integer i = 1; i <= 3; i++) {
        push_random_text(L, 3);
        lua_rawseti(L, -2, i);
    }
}

/* Of the functions in the table at `module`, about text and values at 3 and 4. */
static const char *answer(lua_State *L, int module, const char *where) {
    if (luaL_loadstring(L, chunk)) fail_msg("%s", lua_tostring(L, -1));
    lua_pushvalue(L, module);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 4);
    lua_pushstring(L, where);
    if (lua_pcall(L, 4, 1, 0)) fail_msg("%s", lua_tostring(L, -1));
    return lua_tostring(L, -1);
}

/* The functions and frame are ours, for the fuel; the rest is Lua's own. */
static void test_as_lua_says_it(void **state) {
    (void)state;
    struct err err;
    struct script_vm *vm = vm_new(VM_BUILTIN_BYTES, LAYER_BUILTIN, NULL, &err);
    assert_non_null(vm);
    lua_State *L = vm->L;
    struct fuel fuel;
    fuel_fill(&fuel, INT64_MAX / 4);
    fuel.deadline_us = INT64_MAX;
    struct frame f = {.fuel = &fuel};
    frame_enter(&f, vm, L);
    luaL_openlibs(L);
    if (luaL_dofile(L, "spec/support/k8sgpt.lua")) fail_msg("%s", lua_tostring(L, -1));
    lua_newtable(L);
    lib_words_open(L);
    for (int round = 0; round < ROUNDS; round++) {
        const char *where = rnd(3) ? "words" : "anywhere";
        push_random_text(L, 20);
        push_random_values(L);
        const char *wanted = answer(L, 1, where), *got = answer(L, 2, where);
        if (strcmp(wanted, got) != 0) fail_msg("in \"%s\": %s, not %s", lua_tostring(L, 3), got, wanted);
        lua_settop(L, 2);
    }
    lua_settop(L, 0);
    frame_leave(&f);
    vm_free(vm);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_lua_says_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
