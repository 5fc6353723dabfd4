#include "script/lib.h"
#include "script/pattern.h"

/* find, match, gmatch and gsub of Lua 5.4's string library, on our matcher: each step of it costs fuel. */

static struct str check_str(lua_State *L, int index) {
    struct str s;
    s.p = luaL_checklstring(L, index, &s.n);
    return s;
}

/* One try at s, paid for. */
static const char *try_at(lua_State *L, struct matcher *m, const char *s, size_t p) {
    int64_t budget = vm_of(L)->fuel->left;
    m->budget = budget;
    const char *e = pattern_match(m, s, p);
    fuel_charge(L, 1 + budget - m->budget);
    if (m->error) vm_raise(L, "%s", m->error);
    return e;
}

static void push_capture(lua_State *L, const struct matcher *m, int i, const char *s, const char *e) {
    if (i >= m->level) {
        if (i != 0) vm_raise(L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(L, s, (size_t)(e - s));
    } else if (m->captures[i].len == CAPTURE_POSITION) {
        lua_pushinteger(L, m->captures[i].start - m->subject.p + 1);
    } else if (m->captures[i].len == CAPTURE_OPEN) {
        vm_raise(L, "unfinished capture");
    } else {
        lua_pushlstring(L, m->captures[i].start, (size_t)m->captures[i].len);
    }
}

/* All captures, or the whole match where there are none and `whole`. */
static int push_captures(lua_State *L, const struct matcher *m, const char *s, const char *e, bool whole) {
    int n = m->level == 0 && whole ? 1 : m->level;
    luaL_checkstack(L, n, "too many captures");
    for (int i = 0; i < n; i++) push_capture(L, m, i, s, e);
    return n;
}

/* The optional start position at stack index 3, from 0; more than the length where it lies beyond the end. */
static size_t start_of(lua_State *L, int index, size_t len) {
    lua_Integer init = luaL_optinteger(L, index, 1);
    if (init > 0) return (lua_Unsigned)init - 1 > len ? len + 1 : (size_t)init - 1;
    if (init == 0 || init < -(lua_Integer)len) return 0;
    return len - (size_t)-init;
}

static int find_plain(lua_State *L, struct str subject, struct str what, size_t from) {
    fuel_charge_bytes(L, subject.n - from);
    const char *at = what.n ? memmem(subject.p + from, subject.n - from, what.p, what.n) : subject.p + from;
    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - subject.p + 1);
    lua_pushinteger(L, at - subject.p + (lua_Integer)what.n);
    return 2;
}

static int search(lua_State *L, bool is_find) {
    struct str subject = check_str(L, 1), pattern = check_str(L, 2);
    size_t from = start_of(L, 3, subject.n);
    if (from > subject.n) {
        lua_pushnil(L);
        return 1;
    }
    if (is_find && (lua_toboolean(L, 4) || pattern_is_plain(pattern))) return find_plain(L, subject, pattern, from);
    struct matcher m = {.subject = subject, .pattern = pattern};
    bool anchored = pattern.n && *pattern.p == '^';
    for (const char *s = subject.p + from; s <= subject.p + subject.n; s++) {
        const char *e = try_at(L, &m, s, anchored);
        if (e && is_find) {
            lua_pushinteger(L, s - subject.p + 1);
            lua_pushinteger(L, e - subject.p);
            return 2 + push_captures(L, &m, s, e, false);
        }
        if (e) return push_captures(L, &m, s, e, true);
        if (anchored) break;
    }
    lua_pushnil(L);
    return 1;
}

static int string_find(lua_State *L) { return search(L, true); }
static int string_match(lua_State *L) { return search(L, false); }

/* Upvalues: subject, pattern, where to go on, where the last match ended (an empty match may not begin there). */
static int gmatch_next(lua_State *L) {
    struct str subject = check_str(L, lua_upvalueindex(1)), pattern = check_str(L, lua_upvalueindex(2));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct matcher m = {.subject = subject, .pattern = pattern};
    for (lua_Integer i = lua_tointeger(L, lua_upvalueindex(3)); i <= (lua_Integer)subject.n; i++) {
        const char *e = try_at(L, &m, subject.p + i, 0);
        if (!e || e - subject.p == last) continue;
        lua_pushinteger(L, e - subject.p);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(L, &m, subject.p + i, e, true);
    }
    lua_pushinteger(L, (lua_Integer)subject.n + 1);
    lua_replace(L, lua_upvalueindex(3));
    return 0;
}

static int string_gmatch(lua_State *L) {
    struct str subject = check_str(L, 1);
    check_str(L, 2);
    size_t from = start_of(L, 3, subject.n);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)from);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

/* The replacement text, in which %0 to %9 stand for the match and its captures. */
static void add_text(lua_State *L, const struct matcher *m, luaL_Buffer *out, struct str text, const char *s, const char *e) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            luaL_addchar(out, text.p[i]);
            continue;
        }
        char c = ++i < text.n ? text.p[i] : '\0';
        if (c == '%') {
            luaL_addchar(out, '%');
        } else if (c == '0') {
            luaL_addlstring(out, s, (size_t)(e - s));
        } else if (c >= '1' && c <= '9') {
            push_capture(L, m, c - '1', s, e);
            luaL_tolstring(L, -1, NULL);
            lua_remove(L, -2);
            luaL_addvalue(out);
        } else {
            vm_raise(L, "invalid use of '%%' in replacement string");
        }
    }
}

/* Appends what replaces the match: stack index 3 is a text, a table or a function. True when something changed. */
static bool add_value(lua_State *L, const struct matcher *m, luaL_Buffer *out, const char *s, const char *e) {
    int type = lua_type(L, 3);
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, m, s, e, true), 1);
    } else if (type == LUA_TTABLE) {
        push_capture(L, m, 0, s, e);
        lua_gettable(L, 3);
    } else {
        add_text(L, m, out, check_str(L, 3), s, e);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, s, (size_t)(e - s));
        return false;
    }
    if (!lua_isstring(L, -1)) vm_raise(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(out);
    return true;
}

static int string_gsub(lua_State *L) {
    struct str subject = check_str(L, 1), pattern = check_str(L, 2);
    int type = lua_type(L, 3);
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                     "string/function/table");
    lua_Integer limit = luaL_optinteger(L, 4, (lua_Integer)subject.n + 1), count = 0;
    const char *s = subject.p, *end = subject.p + subject.n, *last = NULL;
    bool anchored = pattern.n && *pattern.p == '^', changed = false;
    luaL_Buffer out;
    struct matcher m = {.subject = subject, .pattern = pattern};
    luaL_buffinit(L, &out);
    while (count < limit) {
        const char *e = try_at(L, &m, s, anchored);
        if (e && e != last) {
            count++;
            changed = add_value(L, &m, &out, s, e) || changed;
            s = last = e;
        } else if (s < end) {
            luaL_addchar(&out, *s++);
        } else {
            break;
        }
        if (anchored) break;
    }
    fuel_charge_bytes(L, (size_t)(end - s));
    luaL_addlstring(&out, s, (size_t)(end - s));
    luaL_pushresult(&out);
    if (!changed) lua_pushvalue(L, 1);
    lua_pushinteger(L, count);
    return 2;
}

void lib_pattern_open(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"find", string_find}, {"match", string_match}, {"gmatch", string_gmatch}, {"gsub", string_gsub}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
