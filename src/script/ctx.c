#include "script/ctx.h"

#include <math.h>

#include "script/convert.h"
#include "script/keys.h"
#include "script/lib.h"
#include "script/view.h"

struct frame *ctx_frame(lua_State *L) {
    struct frame *f = vm_of(L)->frame;
    if (!f || !f->policy || !f->host) vm_raise(L, "ctx works only while a policy's function is called");
    return f;
}

void ctx_host_failed(lua_State *L, struct frame *f, int rc) {
    const char *message = f->err.msg;
    if (rc == ERR_FORBIDDEN) frame_stop(L, SCRIPT_FORBIDDEN, message);
    if (rc == ERR_TIMEOUT) frame_stop(L, SCRIPT_NOT_READY, message);
    if (rc == ERR_NOMEM) frame_stop(L, SCRIPT_MEMORY, message);
    vm_raise(L, "%s", message);
}

void ctx_need(lua_State *L, bool there, const char *what) {
    struct frame *f = ctx_frame(L);
    if (!there) vm_raise(L, "%s is not there for the kind %s", what, policy_kind_name(f->policy->kind));
}

const struct policy_watch *ctx_watch(lua_State *L, int index, const char *what) {
    const struct policy *p = ctx_frame(L)->policy;
    if (lua_type(L, index) != LUA_TSTRING) vm_raise(L, "%s wants a GVK such as \"v1/Pod\" first", what);
    struct str text;
    text.p = lua_tolstring(L, index, &text.n);
    for (size_t i = 0; i < p->watch_count; i++)
        if (str_is(text, p->watches[i].gvk->text)) return &p->watches[i];
    vm_raise(L, "%s of %s, which %s/%s does not watch; add it to watches", what, text.p, policy_kind_folder(p->kind), p->name);
}

void ctx_push_doc(lua_State *L, struct frame *f, const struct doc *doc, const struct projection *projection) {
    if (doc && f->task && frame_keep(f, doc_ref(doc), &f->err)) ctx_host_failed(L, f, ERR_NOMEM);
    view_push_doc(L, doc, projection);
}

struct str ctx_opt_str(lua_State *L, int index, const char *what) {
    struct str s = {0};
    if (lua_isnoneornil(L, index)) return s;
    if (lua_type(L, index) != LUA_TSTRING) vm_raise(L, "%s must be a string, is a %s", what, luaL_typename(L, index));
    s.p = lua_tolstring(L, index, &s.n);
    return s;
}

void ctx_check_fields(lua_State *L, int table, const char *what, const char *const *known) {
    size_t n;
    const struct key *keys = keys_sorted(L, table, &n);
    for (size_t i = 0; i < n; i++) {
        bool ok = false;
        for (const char *const *name = known; *name && !ok; name++) ok = keys[i].type == KEY_TEXT && str_is(keys[i].text, *name);
        if (!ok) vm_raise(L, "%s does not know a field " STR_FMT, what, STR_ARG(keys[i].text));
    }
    lua_pop(L, 1);
}

enum { LOG_UNITS = 500 }; /* so that no call floods the log */

static int ctx_log(lua_State *L) {
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    struct frame *f = ctx_frame(L);
    const char *level = levels[luaL_checkoption(L, 1, NULL, levels)];
    struct str message;
    message.p = luaL_checklstring(L, 2, &message.n);
    fuel_charge(L, LOG_UNITS);
    fuel_charge_bytes(L, message.n);
    if (f->host->log) f->host->log(f->host_arg, str_of(level), message);
    return 0;
}

static int ctx_trace(lua_State *L) {
    struct frame *f = ctx_frame(L);
    struct str message;
    message.p = luaL_checklstring(L, 1, &message.n);
    fuel_charge_bytes(L, message.n);
    if (f->host->trace) f->host->trace(f->host_arg, message);
    return 0;
}

/* Stack: 1 the seconds or null, 2 the message. Leaves {failed = {retry = …, message = …}}. */
static int push_failed(lua_State *L) {
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "retry");
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "message");
    lua_setfield(L, -2, "failed");
    return 1;
}

static int ctx_retry(lua_State *L) {
    lua_Number seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, isfinite(seconds) && seconds >= 0, 1, "seconds from now");
    luaL_checkstring(L, 2);
    return push_failed(L);
}

static int ctx_permanent(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->null_ref);
    lua_insert(L, 1);
    return push_failed(L);
}

/* What is no function: params and options, which differ from call to call. */
static int ctx_field(lua_State *L) {
    struct frame *f = ctx_frame(L);
    struct str name = ctx_opt_str(L, 2, "a field of ctx");
    const struct doc *doc = NULL;
    if (str_is(name, "params"))
        doc = f->policy->params;
    else if (str_is(name, "options"))
        doc = f->options;
    else
        vm_raise(L, "ctx." STR_FMT " is not there for the kind %s%s", STR_ARG(name), policy_kind_name(f->policy->kind),
                 f->policy->kind == POLICY_ANALYZER && !f->policy->remote ? " without remote = true" : "");
    view_push_doc(L, doc ? doc : f->vm->empty, NULL);
    return 1;
}

static int ctx_write(lua_State *L) { vm_raise(L, "ctx is read-only"); }

/* Replaces the functions at the top by the object that offers them; returns its reference. */
static int make_ctx(lua_State *L) {
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, ctx_field);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_newuserdatauv(L, 1, 0);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, ctx_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "ctx");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pop(L, 1);
    return ref;
}

static void push_common(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"log", ctx_log}, {"trace", ctx_trace}, {"retry", ctx_retry}, {"permanent", ctx_permanent}, {NULL, NULL}};
    luaL_newlib(L, functions);
    ctx_next_open(L);
    ctx_read_open(L);
    ctx_query_open(L);
}

void ctx_open(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    push_common(L);
    vm->ctx_ref = make_ctx(L);
    push_common(L);
    ctx_step_open(L);
    vm->step_ctx_ref = make_ctx(L);
    push_common(L);
    ctx_ask_open(L);
    vm->remote_ctx_ref = make_ctx(L);
}

void ctx_push(lua_State *L, const struct policy *policy) {
    const struct script_vm *vm = vm_of(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, policy->kind == POLICY_STEP ? vm->step_ctx_ref : policy->remote ? vm->remote_ctx_ref : vm->ctx_ref);
}
