#include "script/lib.h"

/* table: raw lengths and raw access, so that no metamethod makes one call endless; every element that is touched costs fuel. */

enum { MAX_UNPACK = 10000 };

static lua_Integer check_list(lua_State *L, int index) {
    luaL_checktype(L, index, LUA_TTABLE);
    return (lua_Integer)lua_rawlen(L, index);
}

static void copy_element(lua_State *L, int from, lua_Integer i, int to, lua_Integer j) {
    lua_rawgeti(L, from, i);
    lua_rawseti(L, to, j);
}

static int table_insert(lua_State *L) {
    lua_Integer n = check_list(L, 1), at = n + 1;
    int args = lua_gettop(L);
    if (args != 2 && args != 3) vm_raise(L, "wrong number of arguments to 'insert'");
    if (args == 3) at = luaL_checkinteger(L, 2);
    luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "position out of bounds");
    fuel_charge(L, 1 + n + 1 - at);
    for (lua_Integer i = n; i >= at; i--) copy_element(L, 1, i, 1, i + 1);
    lua_rawseti(L, 1, at);
    return 0;
}

static int table_remove(lua_State *L) {
    lua_Integer n = check_list(L, 1), at = n;
    if (lua_gettop(L) > 1) at = luaL_checkinteger(L, 2);
    luaL_argcheck(L, at == n || (at >= 1 && at <= n + 1), 2, "position out of bounds");
    lua_rawgeti(L, 1, at);
    fuel_charge(L, 1 + (n > at ? n - at : 0));
    for (lua_Integer i = at; n > 0 && i < n; i++) copy_element(L, 1, i + 1, 1, i);
    if (n > 0 && at <= n) {
        lua_pushnil(L);
        lua_rawseti(L, 1, n);
    }
    return 1;
}

static int table_concat(lua_State *L) {
    lua_Integer n = check_list(L, 1), first = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, n);
    size_t sep_len, len;
    const char *sep = luaL_optlstring(L, 2, "", &sep_len);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (lua_Integer i = first; i <= last; i++) {
        if (!lua_rawgeti(L, 1, i) || !lua_isstring(L, -1)) vm_raise(L, "invalid value (at index %lld) in table for 'concat'", i);
        lua_tolstring(L, -1, &len);
        fuel_charge_bytes(L, len + sep_len);
        luaL_addvalue(&out);
        if (i == last) break;
        luaL_addlstring(&out, sep, sep_len);
    }
    luaL_pushresult(&out);
    return 1;
}

static int table_pack(lua_State *L) {
    int n = lua_gettop(L);
    fuel_charge(L, 1 + n);
    lua_createtable(L, n, 1);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--) lua_rawseti(L, 1, i);
    lua_pushinteger(L, n);
    lua_setfield(L, 1, "n");
    return 1;
}

static int table_unpack(lua_State *L) {
    lua_Integer n = check_list(L, 1), first = luaL_optinteger(L, 2, 1), last = luaL_optinteger(L, 3, n);
    if (first > last) return 0;
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
    if (count >= MAX_UNPACK || !lua_checkstack(L, (int)count + 1)) vm_raise(L, "too many results to unpack");
    fuel_charge(L, 2 + (int64_t)count);
    for (lua_Unsigned i = 0; i <= count; i++) lua_rawgeti(L, 1, first + (lua_Integer)i);
    return (int)count + 1;
}

static int table_move(lua_State *L) {
    check_list(L, 1);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    check_list(L, target);
    if (last >= first) {
        lua_Unsigned more = (lua_Unsigned)last - (lua_Unsigned)first;
        if (more >= LUA_MAXINTEGER || to > LUA_MAXINTEGER - (lua_Integer)more) vm_raise(L, "too many elements to move");
        fuel_charge(L, 2 + (int64_t)(more > INT64_MAX / 2 ? INT64_MAX / 2 : more));
        bool backwards = target == 1 && to > first && to <= last;
        for (lua_Unsigned i = 0; i <= more; i++) {
            lua_Integer at = (lua_Integer)(backwards ? more - i : i);
            copy_element(L, 1, first + at, target, to + at);
        }
    }
    lua_pushvalue(L, target);
    return 1;
}

/* With the comparison at stack index 2 or nil, whether the value at the top is to come before the one below it. Leaves both. */
static bool comes_before(lua_State *L) {
    fuel_charge(L, 3);
    if (lua_isnil(L, 2)) return lua_compare(L, -1, -2, LUA_OPLT);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -4);
    lua_call(L, 2, 1);
    bool before = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return before;
}

/* Merges from[low, mid) and from[mid, high) into `to`; equal elements keep their order. */
static void merge(lua_State *L, int from, int to, lua_Integer low, lua_Integer mid, lua_Integer high) {
    lua_Integer left = low, right = mid;
    for (lua_Integer at = low; at < high; at++) {
        bool take_right = left >= mid;
        if (!take_right && right < high) {
            lua_rawgeti(L, from, left);
            lua_rawgeti(L, from, right);
            take_right = comes_before(L);
            lua_pop(L, 2);
        }
        copy_element(L, from, take_right ? right++ : left++, to, at);
    }
}

/* A bottom-up merge sort: stable, and harmless whatever the comparison answers. */
static int table_sort(lua_State *L) {
    lua_Integer n = check_list(L, 1);
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_createtable(L, n < 100000 ? (int)n : 100000, 0);
    int from = 1, to = 3;
    for (lua_Integer width = 1; width < n; width *= 2) {
        fuel_charge(L, n);
        for (lua_Integer low = 1; low <= n; low += 2 * width) {
            lua_Integer mid = low + width <= n ? low + width : n + 1;
            lua_Integer high = low + 2 * width <= n ? low + 2 * width : n + 1;
            merge(L, from, to, low, mid, high);
        }
        int was = from;
        from = to;
        to = was;
    }
    for (lua_Integer i = 1; from != 1 && i <= n; i++) copy_element(L, from, i, 1, i);
    return 0;
}

void lib_table_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"insert", table_insert}, {"remove", table_remove}, {"concat", table_concat}, {"pack", table_pack},
                                         {"unpack", table_unpack}, {"move", table_move},     {"sort", table_sort},     {NULL, NULL}};
    luaL_newlib(L, functions);
}
