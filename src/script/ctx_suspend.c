#include "script/convert.h"
#include "script/ctx.h"
#include "script/task.h"

/* Requests: they suspend the task of a step or of a remote analyzer until the host has an answer. */

static int request_answered(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    struct script_task *task = ctx_frame(L)->task;
    if (task->failure) {
        lua_pushnil(L);
        lua_pushstring(L, task->failure->msg);
        return 2;
    }
    if (task->answer) {
        fuel_charge_bytes(L, doc_size_bytes(task->answer));
        convert_push_doc(L, task->answer);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

int ctx_suspend(lua_State *L, const char *op) {
    struct frame *f = ctx_frame(L);
    int args = lua_gettop(L);
    if (!f->task) vm_raise(L, "ctx.%s works where a policy may be suspended, and not in a call that runs to its end at once", op);
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
