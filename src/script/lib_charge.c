#include "script/lib.h"

int lib_charged(lua_State *L) {
    size_t bytes = 0;
    for (int i = 1; i <= lua_gettop(L); i++)
        if (lua_type(L, i) == LUA_TSTRING) bytes += lua_rawlen(L, i);
    fuel_charge_bytes(L, bytes);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void lib_wrap(lua_State *L, int from, const char *name, lua_CFunction with) {
    lua_getfield(L, from, name);
    lua_pushcclosure(L, with, 1);
    lua_setfield(L, -2, name);
}

void lib_open_original(lua_State *L, const char *name, lua_CFunction open) {
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
}
