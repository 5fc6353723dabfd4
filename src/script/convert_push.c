#include "script/convert.h"
#include "script/view.h"

static void push_object(lua_State *L, struct doc_value v, const struct projection_node *node) {
    size_t n = doc_len(v);
    lua_createtable(L, 0, (int)n);
    for (size_t i = 0; i < n; i++) {
        struct str key;
        uint32_t id;
        struct doc_value field = doc_pair(v, i, &key, &id);
        const struct projection_node *child = projection_child(node, id, key);
        if (!child) continue;
        lua_pushlstring(L, key.p ? key.p : "", key.n);
        convert_push(L, field, child);
        lua_rawset(L, -3);
    }
}

static void push_array(lua_State *L, struct doc_value v, const struct projection_node *node) {
    size_t n = doc_len(v);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        convert_push(L, doc_at(v, i), node);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    convert_mark_array(L);
}

void convert_push(lua_State *L, struct doc_value v, const struct projection_node *node) {
    luaL_checkstack(L, 8, "a value is nested too deeply");
    fuel_charge_bytes(L, 16 + doc_str(v).n);
    switch (doc_type(v)) {
    case DOC_NULL: lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->null_ref); return;
    case DOC_OBJECT: push_object(L, v, node); return;
    case DOC_ARRAY: push_array(L, v, node); return;
    default: view_push(L, v, node);
    }
}

void convert_push_doc(lua_State *L, const struct doc *doc) {
    struct doc_value root = doc_root(doc);
    if (doc_type(root) == DOC_NULL)
        lua_pushnil(L);
    else
        convert_push(L, root, projection_root(vm_of(L)->whole));
}

void convert_mark_array(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->array_ref);
    lua_setmetatable(L, -2);
}

bool convert_is_array(lua_State *L, int index) {
    if (!lua_istable(L, index) || !lua_getmetatable(L, index)) return false;
    bool marked = lua_topointer(L, -1) == vm_of(L)->array_meta;
    lua_pop(L, 1);
    return marked;
}

bool convert_is_null(lua_State *L, int index) { return lua_touserdata(L, index) == vm_of(L)->null && vm_of(L)->null; }

static int null_tostring(lua_State *L) {
    lua_pushliteral(L, "null");
    return 1;
}

static int null_newindex(lua_State *L) { vm_raise(L, "null has no fields"); }

/* A metatable that policies can neither read nor replace. */
static void push_locked(lua_State *L, const char *name) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

void convert_open(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    push_locked(L, "array");
    vm->array_meta = lua_topointer(L, -1);
    vm->array_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    vm->null = lua_newuserdatauv(L, 1, 0);
    push_locked(L, "null");
    lua_pushcfunction(L, null_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, null_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
    vm->null_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}
