#include "script/convert.h"
#include "script/ctx.h"
#include "script/task.h"
#include "script/view.h"

/*
 * ctx.next: the policy below, in its own state. Views go down as documents, seen as that policy declared them; plain values are
 * copied through documents both ways. Fuel is the caller's.
 */

static const struct projection *lower_projection(const struct policy *lower, const struct doc *doc) {
    struct doc_value root = doc_root(doc);
    const struct gvk *gvk = gvk_of(doc_path_str(root, "apiVersion"), doc_path_str(root, "kind"));
    const struct policy_watch *watch = gvk ? policy_watch(lower, gvk) : NULL;
    return watch ? watch->projection : NULL;
}

/* A whole object goes down as it is; one that this policy sees through a projection, with that of the policy below. */
static bool pass_object(lua_State *L, const struct policy *lower, int index, struct frame_arg *out) {
    const struct view *view = view_at(L, index);
    if (!view || doc_root(view->value.doc).word != view->value.word) return false;
    const struct doc *doc = view->value.doc;
    *out = (struct frame_arg){doc, projection_is_whole(view->node) ? NULL : lower_projection(lower, doc), false};
    return true;
}

static struct frame_arg pass_value(lua_State *L, struct frame *f, const struct policy *lower, int index) {
    struct frame_arg arg;
    if (pass_object(L, lower, index, &arg)) return arg;
    convert_begin(L);
    convert_put(L, index);
    struct doc *doc = convert_finish(L);
    f->vm->scratch = NULL;
    if (frame_keep(f, doc, &f->err)) ctx_host_failed(L, f, ERR_NOMEM);
    return (struct frame_arg){doc, NULL, true};
}

static void read_args(lua_State *L, struct frame *f, const struct policy *lower, struct frame *inner) {
    int given = lua_gettop(L);
    if (given > SCRIPT_MAX_ARGS) vm_raise(L, "ctx.next takes at most %d arguments", SCRIPT_MAX_ARGS);
    inner->arg_count = given ? (size_t)given : f->arg_count;
    for (int i = 0; i < given; i++) inner->args[i] = pass_value(L, f, lower, i + 1);
    for (size_t i = 0; i < f->arg_count && !given; i++) {
        inner->args[i] = f->args[i];
        if (f->args[i].projection) inner->args[i].projection = lower_projection(lower, f->args[i].doc);
    }
}

static int push_values(lua_State *L, struct frame *f, struct doc *values) {
    doc_unref(f->vm->scratch);
    f->vm->scratch = values;
    size_t n = doc_len(doc_root(values));
    luaL_checkstack(L, (int)n + 8, "too many values");
    for (size_t i = 0; i < n; i++) {
        struct doc_value v = doc_at(doc_root(values), i);
        if (doc_type(v) == DOC_NULL)
            lua_pushnil(L);
        else
            convert_push(L, v, projection_root(f->vm->whole));
    }
    return (int)n;
}

/* The inner run has ended: its values, or its error, as this policy's own. */
static int finish(lua_State *L, struct frame *f, enum script_result result, struct doc *values) {
    fuel_rearm(L);
    if (result == SCRIPT_OK) return push_values(L, f, values);
    if (result != SCRIPT_ERROR) f->stop = result;
    lua_pushstring(L, f->err.msg);
    return lua_error(L);
}

static int run_at_once(lua_State *L, struct frame *f, struct frame *inner) {
    enum script_result result = frame_run(inner);
    if (result != SCRIPT_OK) f->err = inner->err;
    return finish(L, f, result, inner->values);
}

static int go_on(lua_State *L, struct frame *f);

static int next_answered(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    struct frame *f = ctx_frame(L);
    f->task->inner->answer = f->task->answer;
    f->task->inner->failure = f->task->failure;
    return go_on(L, f);
}

/* Where the policy below asks for something, this one asks for the same and hands the answer down. */
static int go_on(lua_State *L, struct frame *f) {
    struct script_task *inner = f->task->inner;
    enum script_result result = task_go(inner);
    if (result == SCRIPT_SUSPENDED) {
        f->task->request = doc_ref(inner->request);
        return lua_yieldk(L, 0, 0, next_answered);
    }
    struct doc *values = inner->frame.values;
    inner->frame.values = NULL;
    if (result != SCRIPT_OK) f->err = inner->frame.err;
    task_free(inner);
    f->task->inner = NULL;
    return finish(L, f, result, values);
}

static int ctx_next(lua_State *L) {
    struct frame *f = ctx_frame(L);
    if (!f->policy->wraps || !f->policy->lower) vm_raise(L, "ctx.next is for policies with mode = \"wrap\"");
    const struct policy *lower = script_holder(f->policy->lower, f->function);
    if (!lower) vm_raise(L, "ctx.next: the policy below has no function %s", f->function);
    struct frame inner = {.vm = lower->vm,
                          .policy = lower,
                          .function = f->function,
                          .host = f->host,
                          .host_arg = f->host_arg,
                          .options = f->options,
                          .fuel = f->fuel,
                          .nested = true};
    read_args(L, f, lower, &inner);
    if (!f->task || !lua_isyieldable(L)) return run_at_once(L, f, &inner);
    if (f->task->inner) vm_raise(L, "ctx.next is running already");
    f->task->inner = task_new(&inner, 0, &f->err);
    if (!f->task->inner) ctx_host_failed(L, f, ERR_NOMEM);
    return go_on(L, f);
}

void ctx_next_open(lua_State *L) {
    lua_pushcfunction(L, ctx_next);
    lua_setfield(L, -2, "next");
}
