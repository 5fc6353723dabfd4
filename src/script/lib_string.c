#include "script/lib.h"

/* string: Lua's own functions where they are linear in what they are given (charged for it), our own where they are not. */

static int string_rep(lua_State *L) {
    size_t len, sep_len;
    luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &sep_len);
    if (n > 0 && len + sep_len > 0 && (size_t)n > VM_STRING_BYTES / (len + sep_len))
        vm_raise(L, "the result would be over %d bytes", VM_STRING_BYTES);
    fuel_charge_bytes(L, n > 0 ? (size_t)n * (1 + len + sep_len) : 0);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* The conversion letter of the directive at text[i] (after its '%'), and where it is. */
static char directive(const char *text, size_t len, size_t *i) {
    while (*i < len && strchr("-+ #0123456789.", text[*i]) && text[*i]) (*i)++;
    return *i < len ? text[*i] : '\0';
}

/* %p would tell addresses, and so would %s of what has no text. */
static int string_format(lua_State *L) {
    size_t len, bytes = 0;
    const char *text = luaL_checklstring(L, 1, &len);
    int arg = 1, args = lua_gettop(L);
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') continue;
        i++;
        char kind = directive(text, len, &i);
        if (kind == '%') continue;
        if (kind == 'p') vm_raise(L, "%%p is not allowed: addresses differ from run to run");
        bytes += 400; /* more than any number takes, with the widest padding */
        if (++arg > args) continue;
        if (kind == 's') {
            lib_push_text(L, arg);
            lua_replace(L, arg);
        }
        if (lua_type(L, arg) == LUA_TSTRING) bytes += lua_rawlen(L, arg);
    }
    fuel_charge_bytes(L, len + bytes);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void lib_string_open(lua_State *L) {
    static const char *const linear[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper", NULL};
    lib_open_original(L, LUA_STRLIBNAME, luaopen_string);
    int from = lua_gettop(L);
    lua_newtable(L);
    for (int i = 0; linear[i]; i++) lib_wrap(L, from, linear[i], lib_charged);
    lib_wrap(L, from, "rep", string_rep);
    lib_wrap(L, from, "format", string_format);
    lib_pattern_open(L);
    lua_remove(L, from);
}
