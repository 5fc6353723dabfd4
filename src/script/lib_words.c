#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "script/lib.h"

/* k8sgpt.replace and k8sgpt.names_with; their contract is in lua/k8sgpt/meta.lua. */

struct replacement {
    struct str value, by;
};

/* A text, and which replacement each of its bytes belongs to: 0 for none, else its place among them, from 1 on. */
struct marked {
    struct str text;
    uint32_t *owner;
};

static bool in_word(unsigned char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

static bool in_name(unsigned char c) { return in_word(c) || c == '.' || c == '-'; }

/* A place where the word goes on: "app" is cut out of "myapp" and "apps", not out of "my-app". */
static bool cuts_word(struct str text, size_t at) {
    return at > 0 && at < text.n && in_word((unsigned char)text.p[at - 1]) && in_word((unsigned char)text.p[at]);
}

static bool is_whole(struct str text, size_t at, size_t n) { return !cuts_word(text, at) && !cuts_word(text, at + n); }

/* Where `value` stands in the text, from byte `from` on; text.n: nowhere. */
static size_t find(struct str text, struct str value, size_t from) {
    const char *hit = from < text.n ? memmem(text.p + from, text.n - from, value.p, value.n) : NULL;
    return hit ? (size_t)(hit - text.p) : text.n;
}

static struct str check_text(lua_State *L, int index) {
    struct str s;
    s.p = luaL_checklstring(L, index, &s.n);
    return s;
}

/* ---- replace ------------------------------------------------------------------------------------------------------------------ */

static bool is_taken(const struct marked *m, size_t at, size_t n) {
    size_t i = at;
    while (i < at + n && !m->owner[i]) i++;
    return i < at + n;
}

/* Marks the places where a value stands, and says whether there are any. */
static bool take(struct marked *m, struct str value, uint32_t owner, bool whole_words) {
    bool any = false;
    for (size_t at = find(m->text, value, 0); at < m->text.n;) {
        bool takes = !is_taken(m, at, value.n) && (!whole_words || is_whole(m->text, at, value.n));
        for (size_t i = 0; takes && i < value.n; i++) m->owner[at + i] = owner;
        any |= takes;
        at = find(m->text, value, at + (takes ? value.n : 1));
    }
    return any;
}

static void push_replaced(lua_State *L, const struct marked *m, const struct replacement *list) {
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (size_t at = 0, n; at < m->text.n; at += n) {
        uint32_t owner = m->owner[at];
        if (owner) {
            n = list[owner - 1].value.n;
            luaL_addlstring(&out, list[owner - 1].by.p, list[owner - 1].by.n);
        } else {
            for (n = 1; at + n < m->text.n && !m->owner[at + n];) n++;
            luaL_addlstring(&out, m->text.p + at, n);
        }
    }
    luaL_pushresult(&out);
}

static int longest_first(const void *a, const void *b) {
    struct str x = ((const struct replacement *)a)->value, y = ((const struct replacement *)b)->value;
    return x.n != y.n ? (x.n > y.n ? -1 : 1) : str_cmp(x, y);
}

/* The pairs of the table at 2, the longest value first, in memory that is left on the stack. The table keeps their texts alive. */
static struct replacement *read_replacements(lua_State *L, size_t *count) {
    size_t capacity = 0;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) capacity++;
    struct replacement *list = lua_newuserdatauv(L, (capacity + 1) * sizeof *list, 0);
    *count = 0;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) vm_raise(L, "replace wants a table of strings by strings");
        list[*count].value = check_text(L, -2);
        list[*count].by = check_text(L, -1);
        if (list[*count].value.n) ++*count;
    }
    qsort(list, *count, sizeof *list, longest_first);
    return list;
}

static int k8sgpt_replace(lua_State *L) {
    static const char *const where[] = {"words", "anywhere", NULL};
    struct marked m = {.text = check_text(L, 1)};
    bool whole_words = luaL_checkoption(L, 3, "words", where) == 0;
    lua_Integer hits = 0;
    size_t count;
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    struct replacement *list = read_replacements(L, &count);
    fuel_charge_bytes(L, m.text.n * (count + 1));
    m.owner = lua_newuserdatauv(L, (m.text.n + 1) * sizeof *m.owner, 0);
    memset(m.owner, 0, m.text.n * sizeof *m.owner);
    lua_newtable(L);
    for (size_t i = 0; i < count; i++) {
        if (!take(&m, list[i].value, (uint32_t)i + 1, whole_words)) continue;
        lua_pushlstring(L, list[i].value.p, list[i].value.n);
        lua_rawseti(L, -2, ++hits);
    }
    push_replaced(L, &m, list);
    lua_insert(L, -2);
    return 2;
}

/* ---- names -------------------------------------------------------------------------------------------------------------------- */

/* The name that text[at, at + n) is part of; a name begins and ends with a letter, a digit or "_", as long as that leaves the part whole.
 */
static struct str name_around(struct str text, size_t at, size_t n) {
    size_t from = at, to = at + n;
    while (from > 0 && in_name((unsigned char)text.p[from - 1])) from--;
    while (to < text.n && in_name((unsigned char)text.p[to])) to++;
    while (from < at && !in_word((unsigned char)text.p[from])) from++;
    while (to > at + n && !in_word((unsigned char)text.p[to - 1])) to--;
    return (struct str){text.p + from, to - from};
}

static int k8sgpt_names_with(lua_State *L) {
    struct str text = check_text(L, 1), value = check_text(L, 2);
    lua_Integer count = 0;
    fuel_charge_bytes(L, text.n + value.n);
    lua_newtable(L);
    for (size_t at = value.n ? find(text, value, 0) : text.n; at < text.n;) {
        size_t next = at + 1;
        if (is_whole(text, at, value.n)) {
            struct str name = name_around(text, at, value.n);
            lua_pushlstring(L, name.p, name.n);
            lua_rawseti(L, -2, ++count);
            next = (size_t)(name.p + name.n - text.p);
        }
        at = find(text, value, next);
    }
    return 1;
}

void lib_words_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"replace", k8sgpt_replace}, {"names_with", k8sgpt_names_with}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
