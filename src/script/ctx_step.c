#include <math.h>

#include "script/convert.h"
#include "script/ctx.h"
#include "script/task.h"

/* What only steps can do: requests, which suspend them until the host has an answer, and the ways to end. */

static int request_answered(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    struct script_task *task = ctx_frame(L)->task;
    if (task->failure) {
        lua_pushnil(L);
        lua_pushstring(L, task->failure->msg);
        return 2;
    }
    if (task->answer)
        convert_push_doc(L, task->answer);
    else
        lua_pushnil(L);
    return 1;
}

/* Upvalue 1: the name of the request. */
static int ctx_request(lua_State *L) {
    struct frame *f = ctx_frame(L);
    const char *op = lua_tostring(L, lua_upvalueindex(1));
    int args = lua_gettop(L);
    if (!f->task) vm_raise(L, "ctx.%s is for steps, and not for a call that runs to its end at once", op);
    if (!lua_isyieldable(L)) vm_raise(L, "ctx.%s cannot be called inside a callback of sort or gsub, a metamethod or a module", op);
    struct doc_builder *b = convert_begin(L);
    doc_begin_object(b);
    doc_pair_str(b, "op", str_of(op));
    doc_key(b, STR("args"));
    doc_begin_array(b);
    for (int i = 1; i <= args; i++) convert_put(L, i);
    doc_end_array(b);
    doc_end_object(b);
    f->task->request = convert_finish(L);
    f->vm->scratch = NULL;
    return lua_yieldk(L, 0, 0, request_answered);
}

static int ctx_requeue(lua_State *L) {
    lua_Number seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, isfinite(seconds) && seconds >= 0, 1, "seconds from now");
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "requeue");
    return 1;
}

static int ctx_stop(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "stop");
    return 1;
}

void ctx_step_open(lua_State *L) {
    static const char *const requests[] = {"apply",   "patch",     "delete", "choose", "diagnosis", "findings",
                                           "publish", "condition", "status", "event",  NULL};
    static const luaL_Reg functions[] = {{"requeue", ctx_requeue}, {"stop", ctx_stop}, {NULL, NULL}};
    for (int i = 0; requests[i]; i++) {
        lua_pushstring(L, requests[i]);
        lua_pushcclosure(L, ctx_request, 1);
        lua_setfield(L, -2, requests[i]);
    }
    luaL_setfuncs(L, functions, 0);
}
