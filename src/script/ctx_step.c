#include <math.h>

#include "script/ctx.h"

/* What only steps can do: requests, which suspend them until the host has an answer, and the ways to end. */

/* Upvalue 1: the name of the request. */
static int ctx_request(lua_State *L) { return ctx_suspend(L, lua_tostring(L, lua_upvalueindex(1))); }

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
    static const char *const requests[] = {"apply",     "patch",  "delete",   "choose", "diagnosis", "findings", "publish",
                                           "condition", "status", "event",    "render", "managed",   "fetch",    "poll",
                                           "answer",    "report", "reported", "count",  "scrape",    "call",     NULL};
    static const luaL_Reg functions[] = {{"requeue", ctx_requeue}, {"stop", ctx_stop}, {NULL, NULL}};
    for (int i = 0; requests[i]; i++) {
        lua_pushstring(L, requests[i]);
        lua_pushcclosure(L, ctx_request, 1);
        lua_setfield(L, -2, requests[i]);
    }
    luaL_setfuncs(L, functions, 0);
}
