#include "script/convert.h"

#include <math.h>
#include <stdio.h>

#include "script/keys.h"
#include "script/view.h"

/* Where in the value we are, for messages, and what encloses it, to find cycles. */
struct level {
    const void *table;
    struct str key;   /* of an object */
    lua_Integer item; /* of an array */
};

struct writer {
    struct doc_builder *b;
    bool policy;
    int depth;
    struct level levels[CONVERT_MAX_DEPTH];
};

_Noreturn static void refuse(lua_State *L, const struct writer *w, const char *why) {
    char path[300] = "the value";
    size_t n = 0;
    for (int i = 0; i < w->depth && n < sizeof path - 1; i++) {
        const struct level *at = &w->levels[i];
        int wrote = at->key.p ? snprintf(path + n, sizeof path - n, "%s" STR_FMT, n ? "." : "", STR_ARG(at->key))
                              : snprintf(path + n, sizeof path - n, "[%lld]", at->item);
        n = wrote > 0 ? n + (size_t)wrote : n;
    }
    vm_raise(L, "%s %s", path, why);
}

/* The same of the table that is being walked, not of an entry in it. */
_Noreturn static void refuse_table(lua_State *L, struct writer *w, const char *why) {
    w->depth--;
    refuse(L, w, why);
}

static void put_value(lua_State *L, struct writer *w, int index);

static void put_list(lua_State *L, struct writer *w, int table, size_t n) {
    struct level *at = &w->levels[w->depth - 1];
    doc_begin_array(w->b);
    for (size_t i = 1; i <= n; i++) {
        at->item = (lua_Integer)i;
        lua_rawgeti(L, table, (lua_Integer)i);
        put_value(L, w, -1);
        lua_pop(L, 1);
    }
    doc_end_array(w->b);
}

static void put_key(lua_State *L, struct writer *w, const struct key *key) {
    char number[24];
    if (key->type == KEY_TEXT) {
        doc_key(w->b, key->text);
        return;
    }
    if (!w->policy || key->type != KEY_INT)
        refuse_table(L, w, "has both numbered and named entries (or a hole in a list), which JSON has no form for");
    snprintf(number, sizeof number, "%lld", key->integer);
    doc_key(w->b, str_of(number));
}

static void put_fields(lua_State *L, struct writer *w, int table) {
    struct level *at = &w->levels[w->depth - 1];
    size_t n;
    const struct key *keys = keys_sorted(L, table, &n);
    doc_begin_object(w->b);
    for (size_t i = 0; i < n; i++) {
        put_key(L, w, &keys[i]);
        at->key = keys[i].text;
        at->item = keys[i].integer;
        key_push(L, &keys[i]);
        lua_rawget(L, table);
        put_value(L, w, -1);
        lua_pop(L, 1);
        at->key = (struct str){0};
    }
    doc_end_object(w->b);
    lua_pop(L, 1);
}

static void put_table(lua_State *L, struct writer *w, int table) {
    const void *self = lua_topointer(L, table);
    for (int i = 0; i < w->depth; i++)
        if (w->levels[i].table == self) refuse(L, w, "contains itself");
    if (w->depth == CONVERT_MAX_DEPTH) refuse(L, w, "is nested too deeply");
    w->levels[w->depth++] = (struct level){.table = self};
    size_t n;
    bool is_list = keys_are_sequence(L, table, &n), marked = convert_is_array(L, table);
    if (marked && !is_list) refuse_table(L, w, "is marked as an array but has holes or names");
    if (is_list && (n > 0 || marked))
        put_list(L, w, table, n);
    else
        put_fields(L, w, table);
    w->depth--;
}

static void put_number(lua_State *L, struct writer *w, int index) {
    if (lua_isinteger(L, index)) {
        doc_put_int(w->b, lua_tointeger(L, index));
        return;
    }
    double number = lua_tonumber(L, index);
    if (!isfinite(number)) refuse(L, w, "is not a finite number");
    doc_put_double(w->b, number);
}

static void put_text(lua_State *L, struct writer *w, int index) {
    struct str text;
    text.p = lua_tolstring(L, index, &text.n);
    fuel_charge_bytes(L, text.n);
    doc_put_str(w->b, text);
}

static void put_userdata(lua_State *L, struct writer *w, int index) {
    struct view *view = view_at(L, index);
    if (view) {
        fuel_charge_bytes(L, doc_size_bytes(view->value.doc));
        view_put(w->b, view->value, view->node);
    } else if (convert_is_null(L, index)) {
        doc_null(w->b);
    } else {
        refuse(L, w, "is a library, which cannot be passed on");
    }
}

static void put_value(lua_State *L, struct writer *w, int index) {
    luaL_checkstack(L, 12, "a value is nested too deeply");
    index = lua_absindex(L, index);
    fuel_charge(L, 2);
    switch (lua_type(L, index)) {
    case LUA_TNIL: doc_null(w->b); return;
    case LUA_TBOOLEAN: doc_put_bool(w->b, lua_toboolean(L, index)); return;
    case LUA_TNUMBER: put_number(L, w, index); return;
    case LUA_TSTRING: put_text(L, w, index); return;
    case LUA_TTABLE: put_table(L, w, index); return;
    case LUA_TUSERDATA: put_userdata(L, w, index); return;
    default:
        if (!w->policy || w->depth != 1) refuse(L, w, "is a function, which cannot be passed on");
        doc_put_bool(w->b, true);
    }
}

void convert_put(lua_State *L, int index) {
    struct writer w = {.b = vm_of(L)->builder};
    put_value(L, &w, index);
}

void convert_put_policy(lua_State *L, int index) {
    struct writer w = {.b = vm_of(L)->builder, .policy = true};
    put_value(L, &w, index);
}

struct doc_builder *convert_begin(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    doc_builder_reset(vm->builder);
    return vm->builder;
}

struct doc *convert_finish(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    struct err err = {0};
    doc_unref(vm->scratch);
    vm->scratch = doc_builder_finish(vm->builder, &err);
    if (!vm->scratch && err.code == ERR_NOMEM) frame_stop(L, SCRIPT_MEMORY, "out of memory");
    if (!vm->scratch) vm_raise(L, "the value cannot be passed on: %s", err.msg);
    return vm->scratch;
}
