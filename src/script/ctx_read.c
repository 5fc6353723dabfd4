#include <math.h>

#include "base/clock.h"
#include "script/ctx.h"
#include "script/view.h"

enum { READ_UNITS = 20 }; /* what a look-up in a cache costs, in instructions */

static int ctx_get(lua_State *L) {
    struct frame *f = ctx_frame(L);
    ctx_need(L, f->host->get, "ctx.get");
    const struct policy_watch *watch = ctx_watch(L, 1, "ctx.get");
    struct str ns = ctx_opt_str(L, 2, "the namespace of ctx.get"), name = ctx_opt_str(L, 3, "the name of ctx.get");
    const struct doc *doc = NULL;
    fuel_charge(L, READ_UNITS);
    if (!name.n) {
        lua_pushnil(L);
        return 1;
    }
    int rc = f->host->get(f->host_arg, watch->gvk, ns, name, &doc, &f->err);
    if (rc) ctx_host_failed(L, f, rc);
    ctx_push_doc(L, f, doc, watch->projection);
    return 1;
}

static int ctx_exists(lua_State *L) {
    struct frame *f = ctx_frame(L);
    ctx_need(L, f->host->exists, "ctx.exists");
    const struct policy_watch *watch = ctx_watch(L, 1, "ctx.exists");
    struct str ns = ctx_opt_str(L, 2, "the namespace of ctx.exists"), name = ctx_opt_str(L, 3, "the name of ctx.exists");
    bool exists = false;
    fuel_charge(L, READ_UNITS);
    int rc = name.n ? f->host->exists(f->host_arg, watch->gvk, ns, name, &exists, &f->err) : 0;
    if (rc) ctx_host_failed(L, f, rc);
    lua_pushboolean(L, exists);
    return 1;
}

static int ctx_parent(lua_State *L) {
    struct frame *f = ctx_frame(L);
    ctx_need(L, f->host->parent, "ctx.parent");
    const struct doc *object = view_doc_at(L, 1, "ctx.parent"), *parent = NULL;
    fuel_charge(L, READ_UNITS);
    int rc = f->host->parent(f->host_arg, object, &parent, &f->err);
    if (rc) ctx_host_failed(L, f, rc);
    ctx_push_doc(L, f, parent, f->vm->metadata);
    return 1;
}

static int ctx_readable(lua_State *L) {
    struct frame *f = ctx_frame(L);
    ctx_need(L, f->host->readable, "ctx.readable");
    const struct policy_watch *watch = ctx_watch(L, 1, "ctx.readable");
    struct str ns = ctx_opt_str(L, 2, "the namespace of ctx.readable");
    fuel_charge(L, READ_UNITS);
    lua_pushboolean(L, f->host->readable(f->host_arg, watch->gvk, ns));
    return 1;
}

static int64_t now_ms(const struct frame *f) { return f->host->now_ms ? f->host->now_ms(f->host_arg) : clock_wall_ms(); }

/* False for nil and for what is no time. */
static bool time_at(lua_State *L, int index, int64_t *wall_ms) {
    if (lua_type(L, index) != LUA_TSTRING) return false;
    struct str text;
    text.p = lua_tolstring(L, index, &text.n);
    return clock_parse(text, wall_ms);
}

static int ctx_age(lua_State *L) {
    struct frame *f = ctx_frame(L);
    int64_t t, now = now_ms(f);
    if (time_at(L, 1, &t))
        lua_pushinteger(L, now > t ? (now - t) / 1000 : 0);
    else
        lua_pushnil(L);
    return 1;
}

static int ctx_after(lua_State *L) {
    enum { MAX_SECONDS = 1000000000 };
    struct frame *f = ctx_frame(L);
    lua_Number seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, fabs(seconds) <= MAX_SECONDS, 1, "seconds after the time");
    int64_t t;
    bool is_time = time_at(L, 2, &t), reached = false;
    if (is_time) {
        int64_t due = t + (int64_t)(seconds * 1000);
        reached = now_ms(f) >= due;
        if (!reached && f->host->again_at) f->host->again_at(f->host_arg, due);
    }
    lua_pushboolean(L, reached);
    return 1;
}

void ctx_read_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"get", ctx_get},
                                         {"exists", ctx_exists},
                                         {"parent", ctx_parent},
                                         {"readable", ctx_readable},
                                         {"age", ctx_age},
                                         {"after", ctx_after},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
