#include "script/keys.h"

#include <stdlib.h>

static bool read_key(lua_State *L, int index, struct key *out) {
    *out = (struct key){0};
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        out->type = lua_isinteger(L, index) ? KEY_INT : KEY_FLOAT;
        out->integer = lua_tointeger(L, index);
        out->number = lua_tonumber(L, index);
        return true;
    case LUA_TSTRING:
        out->type = KEY_TEXT;
        out->text.p = lua_tolstring(L, index, &out->text.n);
        return true;
    case LUA_TBOOLEAN:
        out->type = KEY_BOOL;
        out->integer = lua_toboolean(L, index);
        return true;
    default: return false;
    }
}

static void check_key(lua_State *L, int index, struct key *out) {
    if (!read_key(L, index, out))
        vm_raise(L, "a table with a %s as a key cannot be walked: such keys have no order that is always the same",
                 luaL_typename(L, index));
}

static int compare(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    bool numbers = x->type <= KEY_FLOAT && y->type <= KEY_FLOAT;
    if (x->type == KEY_INT && y->type == KEY_INT) return (x->integer > y->integer) - (x->integer < y->integer);
    if (numbers) return (x->number > y->number) - (x->number < y->number);
    if (x->type != y->type) return x->type < y->type ? -1 : 1;
    if (x->type == KEY_BOOL) return (x->integer > y->integer) - (x->integer < y->integer);
    return str_cmp(x->text, y->text);
}

static size_t count_pairs(lua_State *L, int table) {
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) n++;
    return n;
}

const struct key *keys_sorted(lua_State *L, int table, size_t *count) {
    table = lua_absindex(L, table);
    size_t n = count_pairs(L, table), i = 0;
    fuel_charge(L, 8 * (int64_t)n);
    struct key *keys = lua_newuserdatauv(L, (n ? n : 1) * sizeof *keys, 0);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) check_key(L, -2, &keys[i++]);
    qsort(keys, n, sizeof *keys, compare);
    *count = n;
    return keys;
}

void key_push(lua_State *L, const struct key *key) {
    switch (key->type) {
    case KEY_INT: lua_pushinteger(L, key->integer); return;
    case KEY_FLOAT: lua_pushnumber(L, key->number); return;
    case KEY_TEXT: lua_pushlstring(L, key->text.p, key->text.n); return;
    case KEY_BOOL: lua_pushboolean(L, (int)key->integer); return;
    }
}

bool keys_are_sequence(lua_State *L, int table, size_t *n) {
    table = lua_absindex(L, table);
    size_t length = lua_rawlen(L, table), seen = 0;
    *n = length;
    for (lua_pushnil(L); lua_next(L, table); seen++) {
        lua_pop(L, 1);
        lua_Integer key = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (key >= 1 && (size_t)key <= length) continue;
        lua_pop(L, 1);
        return false;
    }
    fuel_charge(L, 1 + (int64_t)seen);
    return seen == length;
}

void keys_next(lua_State *L, int table, int index) {
    struct key after = {0}, best = {0}, key;
    bool from_start = lua_isnoneornil(L, index), found = false;
    if (!from_start) check_key(L, index, &after);
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), n++) {
        check_key(L, -2, &key);
        if (!from_start && compare(&key, &after) <= 0) continue;
        if (!found || compare(&key, &best) < 0) best = key;
        found = true;
    }
    fuel_charge(L, 1 + (int64_t)n);
    if (found)
        key_push(L, &best);
    else
        lua_pushnil(L);
}
