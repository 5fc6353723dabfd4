/*
 * task: running a frame: to its end, or in a coroutine that waits for answers.
 */
#ifndef SCRIPT_TASK_H
#define SCRIPT_TASK_H

#include "script/vm.h"

struct script_task {
    struct frame frame;
    struct fuel fuel; /* its own, where it is not the inner task of another */
    lua_State *co;
    int co_ref;
    struct doc *request;       /* while it is suspended; owned */
    const struct doc *answer;  /* while it is resumed */
    const struct err *failure; /* the same, instead of an answer */
    struct script_task *inner; /* the wrapped policy that asked */
};

/* What a call says, as a frame that draws on `fuel`. */
void frame_of_call(struct frame *f, const struct script_call *call, struct fuel *fuel);

/* Runs to the end. On SCRIPT_OK f->values is what was returned; else f->err says what happened. */
enum script_result frame_run(struct frame *f);

/* The Lua function that both run: calls the policy's function and collects what it returns. */
int frame_body(lua_State *L);

/* A task that is to run this frame (copied; its fuel: that of the frame, or the task's own where that is NULL). NULL with *err. */
struct script_task *task_new(const struct frame *frame, int64_t fuel, struct err *err) ERR_MUST_CHECK;
/* Starts or resumes it. SCRIPT_SUSPENDED: `request` is set. Anything else: it has ended, see frame_run. */
enum script_result task_go(struct script_task *task);
void task_free(struct script_task *task);

#endif
