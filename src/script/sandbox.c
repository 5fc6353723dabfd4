#include "script/sandbox.h"

#include "script/convert.h"
#include "script/ctx.h"
#include "script/lib.h"
#include "script/view.h"

/* Upvalue 1: what the table is called. */
static int read_undefined(lua_State *L) {
    const char *what = lua_tostring(L, lua_upvalueindex(1));
    lib_push_text(L, 2);
    vm_raise(L, "%s %s", lua_tostring(L, -1), what);
}

static int write_locked(lua_State *L) {
    const char *what = lua_tostring(L, lua_upvalueindex(1));
    lib_push_text(L, 2);
    vm_raise(L, "%s cannot be set: %s", lua_tostring(L, -1), what);
}

static void set_handler(lua_State *L, const char *event, lua_CFunction handler, const char *text) {
    lua_pushstring(L, text);
    lua_pushcclosure(L, handler, 1);
    lua_setfield(L, -2, event);
}

/* A userdata, not a table: rawset and the table library cannot write into it. */
static void lock(lua_State *L, const char *missing, const char *locked) {
    lua_createtable(L, 0, 1);
    set_handler(L, "__index", read_undefined, missing);
    lua_setmetatable(L, -2);
    lua_newuserdatauv(L, 1, 0);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    set_handler(L, "__newindex", write_locked, locked);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "library");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

void sandbox_lock(lua_State *L, const char *what) {
    char missing[120], locked[120];
    snprintf(missing, sizeof missing, "is not a field of %s", what);
    snprintf(locked, sizeof locked, "%s is read-only", what);
    lock(L, missing, locked);
}

/* Copies functions of one of Lua's libraries at `from` into the table at the top. */
static void allow(lua_State *L, int from, const char *const *names) {
    for (; *names; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, -2, *names);
    }
}

/* Lua's base library writes itself into the table of globals, which is emptied afterwards: nothing must find it through the registry. */
static void open_base(lua_State *L) {
    static const char *const allowed[] = {"assert", "error", "ipairs", "rawequal", "rawget", "rawlen", "rawset", "select", "type", NULL};
    lib_open_original(L, LUA_GNAME, luaopen_base);
    int from = lua_gettop(L);
    lua_newtable(L);
    allow(L, from, allowed);
    lib_wrap(L, from, "tonumber", lib_charged);
    lib_base_open(L);
    lua_remove(L, from);
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

/* No random: it is seeded by addresses and the time. */
static void open_math(lua_State *L) {
    static const char *const allowed[] = {"abs", "ceil", "cos",        "deg",        "exp",  "floor", "fmod",      "huge", "log",
                                          "max", "min",  "maxinteger", "mininteger", "modf", "pi",    "rad",       "sin",  "sqrt",
                                          "tan", "acos", "asin",       "atan",       "type", "ult",   "tointeger", NULL};
    lib_open_original(L, LUA_MATHLIBNAME, luaopen_math);
    lua_newtable(L);
    allow(L, lua_gettop(L) - 1, allowed);
    lua_remove(L, -2);
}

static void open_utf8(lua_State *L) {
    static const char *const allowed[] = {"charpattern", "codes", NULL}, *const linear[] = {"char", "codepoint", "len", "offset", NULL};
    lib_open_original(L, LUA_UTF8LIBNAME, luaopen_utf8);
    int from = lua_gettop(L);
    lua_newtable(L);
    allow(L, from, allowed);
    for (int i = 0; linear[i]; i++) lib_wrap(L, from, linear[i], lib_charged);
    lua_remove(L, from);
}

/* Strings are indexed through their shared metatable; after this nobody can read or change it. */
static void lock_strings(lua_State *L, int library) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, library);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

/* Puts the library at the top, locked, into the table below it. */
static void add_library(lua_State *L, const char *name) {
    sandbox_lock(L, name);
    lua_setfield(L, -2, name);
}

int sandbox_open(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    convert_open(L);
    view_open(L);
    open_base(L);
    lib_string_open(L);
    lock_strings(L, lua_gettop(L));
    add_library(L, "string");
    lib_table_open(L);
    add_library(L, "table");
    open_math(L);
    add_library(L, "math");
    open_utf8(L);
    add_library(L, "utf8");
    lock(L, "is not a global that policies have; is a `local` or a `require` missing?", "policies touch no globals; make it a local");
    vm->env_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    vm->loaded_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    ctx_open(L);
    return 0;
}

void sandbox_load(lua_State *L, const char *text, size_t len, const char *source) {
    lua_pushfstring(L, "@%s", source);
    if (luaL_loadbufferx(L, text, len, lua_tostring(L, -1), "t") != LUA_OK) lua_error(L);
    lua_remove(L, -2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->env_ref);
    if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
}
