#include "base/sha256.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "script/convert.h"
#include "script/lib.h"
#include "script/view.h"

/* The module k8sgpt; its contract is in lua/k8sgpt/meta.lua. */

_Noreturn static void raise_err(lua_State *L, const struct err *err) {
    if (err->code == ERR_NOMEM) frame_stop(L, SCRIPT_MEMORY, "out of memory");
    vm_raise(L, "%s", err->msg);
}

static int k8sgpt_array(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (convert_is_array(L, 1)) return 1;
    if (lua_getmetatable(L, 1)) vm_raise(L, "a table with a metatable cannot be marked as an array");
    convert_mark_array(L);
    return 1;
}

static struct str check_str(lua_State *L, int index) {
    struct str s;
    s.p = luaL_checklstring(L, index, &s.n);
    fuel_charge_bytes(L, s.n * 4);
    return s;
}

static int k8sgpt_sha256(lua_State *L) {
    char hex[SHA256_HEX_LEN + 1];
    struct err err = {0};
    int rc;
    if (lua_istable(L, 1)) {
        lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
        struct str *parts = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *parts, 0);
        for (lua_Integer i = 0; i < n; i++) {
            if (lua_rawgeti(L, 1, i + 1) != LUA_TSTRING) vm_raise(L, "sha256 wants a string or a list of strings");
            parts[i] = check_str(L, -1);
            lua_pop(L, 1);
        }
        rc = sha256_parts(parts, (size_t)n, hex, &err);
    } else {
        rc = sha256_bytes(check_str(L, 1), hex, &err);
    }
    if (rc) raise_err(L, &err);
    lua_pushstring(L, hex);
    return 1;
}

static int k8sgpt_hmac_sha256(lua_State *L) {
    struct str key = check_str(L, 1), message = check_str(L, 2);
    char hex[SHA256_HEX_LEN + 1];
    struct err err = {0};
    if (sha256_hmac(key, message, hex, &err)) raise_err(L, &err);
    lua_pushlstring(L, hex, SHA256_HEX_LEN);
    return 1;
}

static int k8sgpt_json_encode(lua_State *L) {
    static const char *const names[] = {"compact", "pretty", "go", NULL};
    static const enum json_style styles[] = {JSON_COMPACT, JSON_PRETTY, JSON_GO_COMPACT};
    luaL_checkany(L, 1);
    enum json_style style = styles[luaL_checkoption(L, 2, "compact", names)];
    struct buf *text = &vm_of(L)->text;
    struct err err = {0};
    convert_begin(L);
    convert_put(L, 1);
    struct doc *doc = convert_finish(L);
    buf_clear(text);
    if (json_write(doc_root(doc), style, text, &err)) raise_err(L, &err);
    fuel_charge_bytes(L, text->len);
    lua_pushlstring(L, text->data ? text->data : "", text->len);
    return 1;
}

static int k8sgpt_json_decode(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    struct str text = check_str(L, 1);
    struct err err = {0};
    convert_begin(L);
    doc_unref(vm->scratch);
    vm->scratch = json_decode(vm->builder, text, NULL, &err);
    if (!vm->scratch) {
        if (err.code == ERR_NOMEM) raise_err(L, &err);
        lua_pushnil(L);
        lua_pushstring(L, err.msg);
        return 2;
    }
    convert_push(L, doc_root(vm->scratch), projection_root(vm->whole));
    return 1;
}

static int keep_only(struct doc *doc, void *arg, struct err *err) {
    struct script_vm *vm = arg;
    if (vm->scratch) return err_set(err, ERR_INVALID, "more than one document");
    vm->scratch = doc_ref(doc);
    return 0;
}

static int k8sgpt_yaml_decode(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    struct str text = check_str(L, 1);
    struct err err = {0};
    doc_unref(vm->scratch);
    vm->scratch = NULL;
    int rc = yaml_read(text, keep_only, vm, &err);
    if (rc) {
        if (rc == ERR_NOMEM) raise_err(L, &err);
        lua_pushnil(L);
        lua_pushstring(L, err.msg);
        lua_pushboolean(L, rc == ERR_SYNTAX);
        return 3;
    }
    convert_push_doc(L, vm->scratch);
    return 1;
}

static int k8sgpt_copy(lua_State *L) {
    luaL_checkany(L, 1);
    struct view *view = view_at(L, 1);
    if (view) {
        convert_push(L, view->value, view->node);
        return 1;
    }
    struct script_vm *vm = vm_of(L);
    convert_begin(L);
    convert_put(L, 1);
    convert_push(L, doc_root(convert_finish(L)), projection_root(vm->whole));
    return 1;
}

static int k8sgpt_is_null(lua_State *L) {
    struct view *view = view_at(L, 1);
    const struct projection_node *node;
    struct doc_value v = DOC_NO_VALUE;
    if (view && lua_isinteger(L, 2)) {
        lua_Integer i = lua_tointeger(L, 2);
        if (i >= 1 && (size_t)i <= doc_len(view->value)) v = doc_at(view->value, (size_t)i - 1);
    } else if (view) {
        v = view_field(L, view, check_str(L, 2), &node);
    }
    lua_pushboolean(L, doc_type(v) == DOC_NULL);
    return 1;
}

static const char *table_type(lua_State *L, int index) {
    return convert_is_array(L, index) || lua_rawlen(L, index) > 0 ? "array" : "object";
}

static const char *userdata_type(lua_State *L, int index) {
    struct view *view = view_at(L, index);
    if (view) return doc_type(view->value) == DOC_ARRAY ? "array" : "object";
    return convert_is_null(L, index) ? "null" : "library";
}

static int k8sgpt_type(lua_State *L) {
    switch (lua_type(L, 1)) {
    case LUA_TNONE:
    case LUA_TNIL: lua_pushliteral(L, "null"); return 1;
    case LUA_TNUMBER: lua_pushstring(L, lua_isinteger(L, 1) ? "integer" : "float"); return 1;
    case LUA_TTABLE: lua_pushstring(L, table_type(L, 1)); return 1;
    case LUA_TUSERDATA: lua_pushstring(L, userdata_type(L, 1)); return 1;
    default: lua_pushstring(L, luaL_typename(L, 1)); return 1;
    }
}

void lib_k8sgpt_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"array", k8sgpt_array},
                                         {"sha256", k8sgpt_sha256},
                                         {"hmac_sha256", k8sgpt_hmac_sha256},
                                         {"json_encode", k8sgpt_json_encode},
                                         {"json_decode", k8sgpt_json_decode},
                                         {"yaml_decode", k8sgpt_yaml_decode},
                                         {"copy", k8sgpt_copy},
                                         {"dig", view_dig},
                                         {"is_null", k8sgpt_is_null},
                                         {"type", k8sgpt_type},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    lib_decode_open(L);
    lib_words_open(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->null_ref);
    lua_setfield(L, -2, "null");
}
