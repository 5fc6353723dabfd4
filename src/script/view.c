#include "script/view.h"

#include <stdio.h>

#include "doc/key.h"

static const struct projection_node *child_of(const struct projection_node *node, uint32_t id, struct str key) {
    if (!node || projection_is_whole(node)) return node;
    return projection_child(node, id, key);
}

static void push_container(lua_State *L, struct doc_value v, const struct projection_node *node) {
    struct script_vm *vm = vm_of(L);
    struct view *view = lua_newuserdatauv(L, sizeof *view, 0);
    *view = (struct view){v, node, vm->frame ? vm->frame->generation : 0};
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->view_ref);
    lua_setmetatable(L, -2);
}

void view_push(lua_State *L, struct doc_value v, const struct projection_node *node) {
    struct str text;
    switch (doc_type(v)) {
    case DOC_ABSENT:
    case DOC_NULL: lua_pushnil(L); return;
    case DOC_BOOL: lua_pushboolean(L, doc_bool(v)); return;
    case DOC_INT: lua_pushinteger(L, doc_int(v)); return;
    case DOC_DOUBLE: lua_pushnumber(L, doc_double(v)); return;
    case DOC_STRING:
        text = doc_str(v);
        lua_pushlstring(L, text.p ? text.p : "", text.n);
        return;
    case DOC_ARRAY:
    case DOC_OBJECT: push_container(L, v, node); return;
    }
}

void view_push_doc(lua_State *L, const struct doc *doc, const struct projection *projection) {
    view_push(L, doc_root(doc), projection_root(projection ? projection : vm_of(L)->whole));
}

static struct view *check_alive(lua_State *L, struct view *view) {
    struct frame *f = vm_of(L)->frame;
    if (f && f->generation == view->generation) return view;
    vm_raise(L, "this view is dead: the call that it was given to has returned; copy what you need (k8sgpt.copy)");
}

struct view *view_at(lua_State *L, int index) {
    struct view *view = lua_touserdata(L, index);
    if (!view || !lua_getmetatable(L, index)) return NULL;
    bool is_view = lua_topointer(L, -1) == vm_of(L)->view_meta;
    lua_pop(L, 1);
    return is_view ? check_alive(L, view) : NULL;
}

const struct doc *view_doc_at(lua_State *L, int index, const char *what) {
    struct view *view = view_at(L, index);
    if (!view || doc_root(view->value.doc).word != view->value.word)
        vm_raise(L, "%s wants a whole object as it was given to the policy", what);
    return view->value.doc;
}

_Noreturn static void raise_undeclared(lua_State *L, const struct view *view, struct str key) {
    char path[200];
    const struct policy *p = vm_of(L)->frame->policy;
    struct doc_value root = doc_root(view->value.doc);
    fuel_charge_bytes(L, doc_size_bytes(view->value.doc));
    view_path(view->value, path, sizeof path);
    struct str version = doc_path_str(root, "apiVersion"), kind = doc_path_str(root, "kind");
    vm_raise(L, "%s/%s reads %s%s" STR_FMT " of " STR_FMT "/" STR_FMT ", which it does not declare in fields",
             p ? policy_kind_folder(p->kind) : "", p ? p->name : "", path, path[0] ? "." : "", STR_ARG(key), STR_ARG(version),
             STR_ARG(kind));
}

struct doc_value view_field(lua_State *L, const struct view *view, struct str key, const struct projection_node **node) {
    uint32_t id = key_find(key);
    *node = child_of(view->node, id, key);
    if (!*node) raise_undeclared(L, view, key);
    return id != KEY_NONE ? doc_get_id(view->value, id) : doc_get(view->value, key);
}

/* One step through a view; absent where there is nothing. The key is at the stack index `key`. */
static void step(lua_State *L, struct view *at, int key) {
    struct doc_value found = DOC_NO_VALUE;
    const struct projection_node *node = at->node;
    if (doc_type(at->value) == DOC_ARRAY && lua_isinteger(L, key)) {
        lua_Integer i = lua_tointeger(L, key);
        if (i >= 1 && (size_t)i <= doc_len(at->value)) found = doc_at(at->value, (size_t)i - 1);
    } else if (doc_type(at->value) == DOC_OBJECT && lua_type(L, key) == LUA_TSTRING) {
        struct str name;
        name.p = lua_tolstring(L, key, &name.n);
        found = view_field(L, at, name, &node);
    }
    at->value = found;
    at->node = node;
}

/* A metamethod gets a view as its first argument: the metatable is locked and nobody else holds these functions. */
static int view_index(lua_State *L) {
    struct view at = *check_alive(L, lua_touserdata(L, 1));
    step(L, &at, 2);
    if (doc_type(at.value) == DOC_STRING) fuel_charge_bytes(L, doc_str(at.value).n);
    view_push(L, at.value, at.node);
    return 1;
}

/* Tables and read-only tables, until a view is met: then *view. Returns the next key's index. */
static int dig_tables(lua_State *L, int key, int last, struct view **view) {
    while (key <= last && !(*view = view_at(L, 1))) {
        int type = lua_type(L, 1);
        if (type != LUA_TTABLE && type != LUA_TUSERDATA)
            lua_pushnil(L);
        else {
            lua_pushvalue(L, key);
            lua_gettable(L, 1);
        }
        lua_replace(L, 1);
        key++;
    }
    return key;
}

int view_dig(lua_State *L) {
    struct view *view;
    int last = lua_gettop(L), key = dig_tables(L, 2, last, &view);
    if (key <= last) {
        struct view at = *view;
        for (; key <= last; key++) step(L, &at, key);
        if (doc_type(at.value) == DOC_STRING) fuel_charge_bytes(L, doc_str(at.value).n);
        view_push(L, at.value, at.node);
        return 1;
    }
    lua_settop(L, 1);
    return 1;
}

static int view_newindex(lua_State *L) { vm_raise(L, "a view is read-only; change a copy (k8sgpt.copy)"); }

static int view_len(lua_State *L) {
    struct view *view = check_alive(L, lua_touserdata(L, 1));
    if (doc_type(view->value) != DOC_ARRAY) vm_raise(L, "# of an object, which is not a list");
    lua_pushinteger(L, (lua_Integer)doc_len(view->value));
    return 1;
}

static bool same(struct doc_value a, const struct projection_node *an, struct doc_value b, const struct projection_node *bn);

/* Every readable field of a is in b; with the converse, the two are equal. */
static bool within(struct doc_value a, const struct projection_node *an, struct doc_value b, const struct projection_node *bn) {
    for (size_t i = 0; i < doc_len(a); i++) {
        struct str key;
        uint32_t id;
        struct doc_value v = doc_pair(a, i, &key, &id);
        const struct projection_node *vn = child_of(an, id, key), *wn = child_of(bn, id, key);
        if (!vn) continue;
        struct doc_value w = wn ? doc_get(b, key) : DOC_NO_VALUE;
        if (doc_type(w) == DOC_ABSENT || !same(v, vn, w, wn)) return false;
    }
    return true;
}

/* By what may be read: what other policies keep of the same object must not decide. */
static bool same(struct doc_value a, const struct projection_node *an, struct doc_value b, const struct projection_node *bn) {
    if (projection_is_whole(an) && projection_is_whole(bn)) return doc_equal(a, b);
    if (doc_type(a) != doc_type(b)) return doc_equal(a, b);
    if (doc_type(a) == DOC_OBJECT) return within(a, an, b, bn) && within(b, bn, a, an);
    if (doc_type(a) != DOC_ARRAY) return doc_equal(a, b);
    if (doc_len(a) != doc_len(b)) return false;
    for (size_t i = 0; i < doc_len(a); i++)
        if (!same(doc_at(a, i), an, doc_at(b, i), bn)) return false;
    return true;
}

static int view_eq(lua_State *L) {
    struct view *a = view_at(L, 1), *b = view_at(L, 2);
    if (a && b) fuel_charge_bytes(L, doc_size_bytes(a->value.doc));
    lua_pushboolean(L, a && b && same(a->value, a->node, b->value, b->node));
    return 1;
}

static int view_tostring(lua_State *L) {
    struct view *view = check_alive(L, lua_touserdata(L, 1));
    char path[200], text[600];
    struct doc_value root = doc_root(view->value.doc);
    fuel_charge_bytes(L, doc_size_bytes(view->value.doc));
    view_path(view->value, path, sizeof path);
    struct str kind = doc_path_str(root, "kind"), ns = doc_path_str(root, "metadata.namespace"), name = doc_path_str(root, "metadata.name");
    if (kind.n)
        snprintf(text, sizeof text, STR_FMT " " STR_FMT "%s" STR_FMT "%s%s", STR_ARG(kind), STR_ARG(ns), ns.n ? "/" : "", STR_ARG(name),
                 path[0] ? " " : "", path);
    else
        snprintf(text, sizeof text, "view%s%s", path[0] ? " " : "", path);
    lua_pushstring(L, text);
    return 1;
}

/* Upvalues: the view, the number of pairs passed. Skips null, which reads as nil, and what was not declared. */
static int view_next(lua_State *L) {
    struct view *view = check_alive(L, lua_touserdata(L, lua_upvalueindex(1)));
    bool is_array = doc_type(view->value) == DOC_ARRAY;
    for (size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(2)); i < doc_len(view->value); i++) {
        struct str key = {0};
        uint32_t id = KEY_NONE;
        struct doc_value v = is_array ? doc_at(view->value, i) : doc_pair(view->value, i, &key, &id);
        const struct projection_node *node = is_array ? view->node : child_of(view->node, id, key);
        fuel_charge_bytes(L, doc_str(v).n);
        if (!node || doc_type(v) == DOC_NULL) continue;
        lua_pushinteger(L, (lua_Integer)i + 1);
        lua_replace(L, lua_upvalueindex(2));
        if (is_array)
            lua_pushinteger(L, (lua_Integer)i + 1);
        else
            lua_pushlstring(L, key.p ? key.p : "", key.n);
        view_push(L, v, node);
        return 2;
    }
    lua_pushnil(L);
    return 1;
}

static int view_pairs(lua_State *L) {
    check_alive(L, lua_touserdata(L, 1));
    lua_settop(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, view_next, 2);
    return 1;
}

static const luaL_Reg metamethods[] = {
    {"__index", view_index}, {"__newindex", view_newindex}, {"__len", view_len}, {"__eq", view_eq},
    {"__pairs", view_pairs}, {"__tostring", view_tostring}, {NULL, NULL},
};

void view_open(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    luaL_newlib(L, metamethods);
    lua_pushliteral(L, "view");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    vm->view_meta = lua_topointer(L, -1);
    vm->view_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}
