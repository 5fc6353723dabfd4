/*
 * ctx: the object a policy's functions get first: its only door to the world. The contract is in lua/k8sgpt/meta.lua.
 *
 * There are three of them a state: what every policy can do, and that with what steps and remote analyzers can do besides. Which call they
 * serve is the frame's business.
 */
#ifndef SCRIPT_CTX_H
#define SCRIPT_CTX_H

#include "script/vm.h"

void ctx_open(lua_State *L);
void ctx_push(lua_State *L, const struct policy *policy);

/* The parts: each adds functions to the table at the top. */
void ctx_read_open(lua_State *L);  /* get, exists, list, events, parent, readable, age, after */
void ctx_query_open(lua_State *L); /* list, events, findings_of */
void ctx_step_open(lua_State *L);  /* apply, patch … requeue, stop */
void ctx_ask_open(lua_State *L);   /* logs, secret_content, aws */
void ctx_next_open(lua_State *L);  /* next */

/* The frame of the call; raises outside of one. */
struct frame *ctx_frame(lua_State *L);

/* Raises what the host answered to a read. */
_Noreturn void ctx_host_failed(lua_State *L, struct frame *f, int rc);
/* Raises where the host has no such call. */
void ctx_need(lua_State *L, bool there, const char *what);

/* The watch for the GVK at a stack index; raises when the policy has none. */
const struct policy_watch *ctx_watch(lua_State *L, int index, const char *what);

/* Pushes a document of the host as the watch shows it, alive as long as the call. */
void ctx_push_doc(lua_State *L, struct frame *f, const struct doc *doc, const struct projection *projection);

/* An optional string argument: nil is empty. */
struct str ctx_opt_str(lua_State *L, int index, const char *what);

/* Suspends the task with {op, args}: all that is on the stack. Returns to Lua with the answer, or nil and a message. Raises where the
 * call cannot be suspended. */
int ctx_suspend(lua_State *L, const char *op);

/* Raises for a field of the table that is not among these. */
void ctx_check_fields(lua_State *L, int table, const char *what, const char *const *known);

#endif
