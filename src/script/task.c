#include "script/task.h"

#include <stdlib.h>

#include "script/convert.h"
#include "script/ctx.h"
#include "script/view.h"

void frame_of_call(struct frame *f, const struct script_call *call, struct fuel *fuel) {
    const struct policy *having = call->policy->wraps ? script_holder(call->policy, call->function) : NULL;
    f->policy = having ? having : call->policy;
    f->vm = f->policy->vm;
    f->function = call->function;
    f->host = call->host;
    f->host_arg = call->host_arg;
    f->options = call->options;
    f->fuel = fuel;
    f->arg_count = call->arg_count < SCRIPT_MAX_ARGS ? call->arg_count : SCRIPT_MAX_ARGS;
    for (size_t i = 0; i < f->arg_count; i++) f->args[i] = (struct frame_arg){call->args[i].doc, call->args[i].projection, false};
}

/* Nothing worth a document: what a healthy object makes of almost every call. */
static bool is_nothing(lua_State *L, int index) {
    if (!lua_toboolean(L, index)) return true;
    if (!lua_istable(L, index)) return false;
    lua_pushnil(L);
    if (!lua_next(L, index)) return true;
    lua_pop(L, 2);
    return false;
}

static int frame_returned(lua_State *L, int status, lua_KContext first) {
    (void)status;
    struct frame *f = vm_of(L)->frame;
    int from = (int)first, last = lua_gettop(L);
    while (last >= from && lua_isnil(L, last)) last--;
    if (!f->nested && (last < from || (last == from && is_nothing(L, from)))) return 0;
    struct doc_builder *b = convert_begin(L);
    doc_begin_array(b);
    for (int i = from; i <= last; i++) convert_put(L, i);
    doc_end_array(b);
    f->values = convert_finish(L);
    f->vm->scratch = NULL;
    return 0;
}

static void push_arg(lua_State *L, const struct frame_arg *arg) {
    if (arg->plain)
        convert_push_doc(L, arg->doc);
    else
        view_push_doc(L, arg->doc, arg->projection);
}

int frame_body(lua_State *L) {
    struct frame *f = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, f->policy->table_ref);
    lua_pushstring(L, f->function);
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        vm_raise(L, "%s/%s has no function %s", policy_kind_folder(f->policy->kind), f->policy->name, f->function);
    lua_replace(L, 1);
    lua_settop(L, 1);
    ctx_push(L, f->policy);
    for (size_t i = 0; i < f->arg_count; i++) push_arg(L, &f->args[i]);
    lua_callk(L, 1 + (int)f->arg_count, LUA_MULTRET, 1, frame_returned);
    return frame_returned(L, LUA_OK, 1);
}

enum script_result frame_run(struct frame *f) {
    frame_enter(f, f->vm, f->vm->L);
    enum script_result result = vm_protect(f, frame_body, f);
    frame_leave(f);
    frame_clear(f);
    return result;
}

static int make_coroutine(lua_State *L) {
    struct script_task *task = lua_touserdata(L, 1);
    task->co = lua_newthread(L);
    task->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

struct script_task *task_new(const struct frame *frame, int64_t fuel, struct err *err) {
    struct script_task *task = calloc(1, sizeof *task);
    if (!task) {
        err_set(err, ERR_NOMEM, "no memory for a call");
        return NULL;
    }
    task->frame = *frame;
    task->frame.task = task;
    task->co_ref = LUA_NOREF;
    if (!task->frame.fuel) {
        fuel_fill(&task->fuel, fuel);
        task->frame.fuel = &task->fuel;
    }
    struct frame *f = &task->frame;
    int rc = 0;
    for (size_t i = 0; i < f->arg_count && !rc; i++)
        if (f->args[i].doc) rc = frame_keep(f, doc_ref(f->args[i].doc), err);
    if (!rc) {
        frame_enter(f, f->vm, f->vm->L);
        if (vm_protect(f, make_coroutine, task) != SCRIPT_OK) rc = (*err = f->err).code;
        frame_leave(f);
    }
    if (!rc) return task;
    task_free(task);
    return NULL;
}

static int resume(struct script_task *task) {
    int args = 0, results = 0;
    if (lua_status(task->co) == LUA_OK) {
        lua_pushcfunction(task->co, frame_body);
        lua_pushlightuserdata(task->co, &task->frame);
        args = 1;
    }
    int status = lua_resume(task->co, NULL, args, &results);
    if (status == LUA_YIELD) lua_pop(task->co, results);
    return status;
}

enum script_result task_go(struct script_task *task) {
    struct frame *f = &task->frame;
    doc_unref(task->request);
    task->request = NULL;
    fuel_wind(f->fuel);
    frame_enter(f, f->vm, task->co);
    int status = resume(task);
    enum script_result result = SCRIPT_SUSPENDED;
    if (status != LUA_YIELD || f->stop != SCRIPT_OK) {
        if (status != LUA_OK && status != LUA_YIELD) frame_note_where(f, task->co);
        result = frame_result(f, task->co, status == LUA_YIELD ? LUA_OK : status);
    }
    frame_leave(f);
    return result;
}

void task_free(struct script_task *task) {
    if (!task) return;
    task_free(task->inner);
    if (task->co_ref != LUA_NOREF) luaL_unref(task->frame.vm->L, LUA_REGISTRYINDEX, task->co_ref);
    doc_unref(task->request);
    doc_unref(task->frame.values);
    frame_clear(&task->frame);
    free(task);
}
