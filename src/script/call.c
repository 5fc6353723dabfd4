#include "script/call.h"

#include "base/clock.h"
#include "script/task.h"

enum { FUEL_STEP = 20000000, FUEL_OTHER = 2000000 };

const char *script_result_name(enum script_result result) {
    static const char *const names[] = {
        [SCRIPT_OK] = "ok",
        [SCRIPT_SUSPENDED] = "suspended",
        [SCRIPT_ERROR] = "error",
        [SCRIPT_FUEL] = "fuel",
        [SCRIPT_UNANSWERED] = "unanswered",
        [SCRIPT_MEMORY] = "memory",
        [SCRIPT_FORBIDDEN] = "forbidden",
        [SCRIPT_NOT_READY] = "not_ready",
    };
    return names[result];
}

static int64_t fuel_of(const struct script_call *call) {
    if (call->fuel > 0) return call->fuel;
    return call->policy->kind == POLICY_STEP ? FUEL_STEP : FUEL_OTHER;
}

struct question {
    int table_ref;
    const char *function;
    bool there;
};

static int ask_function(lua_State *L) {
    struct question *q = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, q->table_ref);
    lua_pushstring(L, q->function);
    q->there = lua_rawget(L, -2) == LUA_TFUNCTION;
    return 0;
}

static bool has_function(const struct policy *p, const char *function) {
    struct question q = {p->table_ref, function, false};
    struct fuel fuel;
    fuel_fill(&fuel, VM_LOAD_FUEL);
    struct frame f = {.fuel = &fuel};
    frame_enter(&f, p->vm, p->vm->L);
    enum script_result result = vm_protect(&f, ask_function, &q);
    frame_leave(&f);
    return result == SCRIPT_OK && q.there;
}

const struct policy *script_holder(const struct policy *policy, const char *function) {
    while (policy && !has_function(policy, function)) policy = policy->wraps ? policy->lower : NULL;
    return policy;
}

bool script_has(const struct policy *policy, const char *function) { return script_holder(policy, function) != NULL; }

static int64_t spent(const struct fuel *fuel) { return fuel->left > 0 ? fuel->limit - fuel->left : fuel->limit; }

void script_run(const struct script_call *call, struct script_outcome *out) {
    int64_t began = clock_mono_us();
    struct fuel fuel;
    fuel_fill(&fuel, fuel_of(call));
    struct frame f = {0};
    frame_of_call(&f, call, &fuel);
    out->result = frame_run(&f);
    out->values = f.values;
    if (out->result == SCRIPT_OK)
        out->err = (struct err){0};
    else
        out->err = f.err;
    out->fuel = spent(&fuel);
    out->duration_us = clock_mono_us() - began;
}

/* Runs on; a task that has ended is freed. */
static void go(struct script_task **task, struct script_outcome *out) {
    struct script_task *t = *task;
    int64_t began = clock_mono_us();
    *out = (struct script_outcome){.result = task_go(t)};
    out->fuel = spent(t->frame.fuel);
    out->duration_us = clock_mono_us() - began;
    if (out->result == SCRIPT_SUSPENDED) return;
    if (out->result != SCRIPT_OK) out->err = t->frame.err;
    out->values = t->frame.values;
    t->frame.values = NULL;
    task_free(t);
    *task = NULL;
}

void script_start(const struct script_call *call, struct script_task **task, struct script_outcome *out) {
    struct frame f = {0};
    struct err err = {0};
    frame_of_call(&f, call, NULL);
    *task = task_new(&f, fuel_of(call), &err);
    if (*task)
        go(task, out);
    else
        *out = (struct script_outcome){.result = SCRIPT_MEMORY, .err = err};
}

struct doc_value script_request(const struct script_task *task) {
    return doc_root(task->request);
}

void script_resume(struct script_task **task, const struct doc *answer, const struct err *failure, struct script_outcome *out) {
    (*task)->answer = answer;
    (*task)->failure = failure;
    go(task, out);
}

void script_grant(struct script_task *task, int64_t fuel) {
    task->frame.fuel->limit += fuel;
    task->frame.fuel->left += fuel;
}

void script_drop(struct script_task *task) { task_free(task); }
