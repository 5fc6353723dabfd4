#include <stdlib.h>

#include "script/keys.h"
#include "script/lib.h"
#include "script/view.h"

/* The base functions that Lua's own would do wrong here: they leak addresses, swallow what must not be caught, or have no fixed order. */

static bool call_tostring(lua_State *L, int index) {
    if (luaL_getmetafield(L, index, "__tostring") == LUA_TNIL) return false;
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    if (lua_type(L, -1) != LUA_TSTRING) vm_raise(L, "__tostring must return a string");
    return true;
}

void lib_push_text(lua_State *L, int index) {
    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING: luaL_tolstring(L, index, NULL); return;
    default:
        if (!call_tostring(L, index)) lua_pushstring(L, luaL_typename(L, index));
    }
}

static int base_tostring(lua_State *L) {
    luaL_checkany(L, 1);
    lib_push_text(L, 1);
    return 1;
}

/* What no policy can catch is raised again, with the message that it had. */
static int finish_pcall(lua_State *L, int status, lua_KContext first) {
    struct frame *f = vm_of(L)->frame;
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)first;
    if (status == LUA_ERRMEM && f->stop == SCRIPT_OK) f->stop = SCRIPT_MEMORY;
    if (f->stop != SCRIPT_OK) return lua_error(L);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int base_pcall(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall);
    return finish_pcall(L, status, 0);
}

static int base_getmetatable(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1))
        lua_pushnil(L);
    else if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        lua_remove(L, -2);
    return 1;
}

/* Finalizers run where no hook reaches them, and closing variables while an error unwinds. */
static int base_setmetatable(lua_State *L) {
    static const char *const refused[] = {"__gc", "__close", NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) vm_raise(L, "the metatable is protected");
    for (int i = 0; refused[i] && lua_istable(L, 2); i++) {
        lua_pushstring(L, refused[i]);
        if (lua_rawget(L, 2) != LUA_TNIL) vm_raise(L, "a metatable with %s is not allowed", refused[i]);
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* Upvalues: the table, its keys (nil: a list), how many, how many are passed. */
static int pairs_next(lua_State *L) {
    const struct key *keys = lua_touserdata(L, lua_upvalueindex(2));
    lua_Integer n = lua_tointeger(L, lua_upvalueindex(3));
    for (lua_Integer i = lua_tointeger(L, lua_upvalueindex(4)); i < n; i++) {
        if (keys)
            key_push(L, &keys[i]);
        else
            lua_pushinteger(L, i + 1);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL) {
            lua_pop(L, 2);
            continue;
        }
        lua_pushinteger(L, i + 1);
        lua_replace(L, lua_upvalueindex(4));
        return 2;
    }
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_replace(L, lua_upvalueindex(4));
    lua_pushnil(L);
    return 1;
}

static int base_pairs(lua_State *L) {
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 3);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    size_t n;
    if (keys_are_sequence(L, 1, &n))
        lua_pushnil(L);
    else
        keys_sorted(L, 1, &n);
    lua_pushinteger(L, (lua_Integer)n);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_next, 4);
    return 1;
}

static int base_next(lua_State *L) {
    if (view_at(L, 1)) vm_raise(L, "next cannot walk a view; use pairs");
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    keys_next(L, 1, 2);
    if (lua_isnil(L, -1)) return 1;
    lua_pushvalue(L, -1);
    lua_rawget(L, 1);
    return 2;
}

void lib_base_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"tostring", base_tostring},
                                         {"pcall", base_pcall},
                                         {"getmetatable", base_getmetatable},
                                         {"setmetatable", base_setmetatable},
                                         {"pairs", base_pairs},
                                         {"next", base_next},
                                         {"require", lib_require},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
