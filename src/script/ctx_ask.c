#include "script/ctx.h"
#include "script/view.h"

/* What only remote analyzers can do: ask for what no cache holds. What they ask for they must have declared, as rights derive from it. */

static void need_declared(lua_State *L, bool declared, const char *field, const char *what) {
    const struct policy *p = ctx_frame(L)->policy;
    if (!declared) vm_raise(L, "%s is for analyzers that say %s = true, which %s does not", what, field, p->name);
}

static void push_str(lua_State *L, struct str s) { lua_pushlstring(L, s.n ? s.p : "", s.n); }

/* ctx.logs(pod, options): {namespace, name, options} is asked for. */
static int ctx_logs(lua_State *L) {
    static const char *const known[] = {"container", "previous", "tail", NULL};
    need_declared(L, ctx_frame(L)->policy->logs, "logs", "ctx.logs");
    struct doc_value pod = doc_root(view_doc_at(L, 1, "ctx.logs"));
    if (!str_is(doc_path_str(pod, "kind"), "Pod")) vm_raise(L, "ctx.logs wants a pod first");
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    ctx_check_fields(L, 2, "ctx.logs", known);
    push_str(L, doc_path_str(pod, "metadata.namespace"));
    lua_replace(L, 1);
    push_str(L, doc_path_str(pod, "metadata.name"));
    lua_insert(L, 2);
    return ctx_suspend(L, "logs");
}

static int ctx_secret_content(lua_State *L) {
    need_declared(L, ctx_frame(L)->policy->secret_content, "secret_content", "ctx.secret_content");
    for (int i = 1; i <= 3; i++)
        if (!ctx_opt_str(L, i, "an argument of ctx.secret_content").n)
            vm_raise(L, "ctx.secret_content wants a namespace, a name and a key");
    lua_settop(L, 3);
    return ctx_suspend(L, "secret_content");
}

/* ctx.aws(service, path) */
static int ctx_aws(lua_State *L) {
    need_declared(L, ctx_frame(L)->policy->aws, "aws", "ctx.aws");
    struct str service = ctx_opt_str(L, 1, "the service of ctx.aws"), path = ctx_opt_str(L, 2, "the path of ctx.aws");
    if (!service.n || !path.n || *path.p != '/') vm_raise(L, "ctx.aws wants a service and a path");
    lua_settop(L, 2);
    return ctx_suspend(L, "aws");
}

void ctx_ask_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"logs", ctx_logs}, {"secret_content", ctx_secret_content}, {"aws", ctx_aws}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
