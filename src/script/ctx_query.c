#include <stdlib.h>

#include "script/ctx.h"
#include "script/keys.h"
#include "script/view.h"

/* ctx.list, ctx.events and ctx.findings_of: reads that answer with a list. */

static void add_label(lua_State *L, struct store_query *q, struct str key, struct str value) {
    if (q->label_count == STORE_QUERY_MAX_LABELS) vm_raise(L, "ctx.list takes at most %d labels", STORE_QUERY_MAX_LABELS);
    q->labels[q->label_count].key = key;
    q->labels[q->label_count++].value = value;
}

static void labels_of_view(lua_State *L, const struct view *view, struct store_query *q) {
    for (size_t i = 0; i < doc_len(view->value); i++) {
        struct str key;
        uint32_t id;
        struct doc_value v = doc_pair(view->value, i, &key, &id);
        if (doc_type(v) != DOC_STRING) vm_raise(L, "labels of ctx.list must map names to strings");
        if (projection_child(view->node, id, key)) add_label(L, q, key, doc_str(v));
    }
}

/* The strings stay in the table, which stays on the stack, as long as the query lives. */
static void labels_of_table(lua_State *L, int table, struct store_query *q) {
    size_t n;
    const struct key *keys = keys_sorted(L, table, &n);
    for (size_t i = 0; i < n; i++) {
        key_push(L, &keys[i]);
        if (lua_rawget(L, table) != LUA_TSTRING || keys[i].type != KEY_TEXT) vm_raise(L, "labels of ctx.list must map names to strings");
        add_label(L, q, keys[i].text, ctx_opt_str(L, -1, "a label"));
        lua_pop(L, 1);
    }
}

static void read_labels(lua_State *L, struct store_query *q) {
    if (lua_getfield(L, 2, "labels") == LUA_TNIL) return;
    int at = lua_gettop(L);
    struct view *view = view_at(L, at);
    if (view && doc_type(view->value) == DOC_OBJECT)
        labels_of_view(L, view, q);
    else if (lua_istable(L, at))
        labels_of_table(L, at, q);
    else
        vm_raise(L, "labels of ctx.list must map names to strings");
}

static bool declares_index(const struct policy_watch *watch, struct str path) {
    for (size_t i = 0; i < watch->index_count; i++)
        if (str_eq(watch->indexes[i], path)) return true;
    return false;
}

static void read_index(lua_State *L, const struct policy_watch *watch, struct store_query *q) {
    if (lua_getfield(L, 2, "index") == LUA_TNIL) return;
    if (!lua_istable(L, -1)) vm_raise(L, "index of ctx.list must be {path, value}");
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    q->index_path = ctx_opt_str(L, -2, "the path of an index");
    q->index_value = ctx_opt_str(L, -1, "the value of an index");
    if (!q->index_path.n || lua_isnil(L, -1)) vm_raise(L, "index of ctx.list must be {path, value}");
    if (!declares_index(watch, q->index_path))
        vm_raise(L, "ctx.list by %s of %s, which is not declared; add it to indexes", q->index_path.p, watch->gvk->text);
}

static size_t read_limit(lua_State *L) {
    int is_integer = 0, type = lua_getfield(L, 2, "limit");
    lua_Integer limit = lua_tointegerx(L, -1, &is_integer);
    lua_pop(L, 1);
    if (type == LUA_TNIL) return 0;
    if (type != LUA_TNUMBER || !is_integer || limit < 1) vm_raise(L, "limit of ctx.list must be a whole number above 0");
    return (size_t)limit;
}

/* Leaves on the stack what the query borrows. */
static void read_query(lua_State *L, const struct policy_watch *watch, struct store_query *q) {
    static const char *const known[] = {"ns", "labels", "owner", "index", "limit", NULL};
    ctx_check_fields(L, 2, "ctx.list", known);
    lua_getfield(L, 2, "ns");
    q->ns = ctx_opt_str(L, -1, "ns of ctx.list");
    lua_getfield(L, 2, "owner");
    q->owner_uid = ctx_opt_str(L, -1, "owner of ctx.list");
    read_labels(L, q);
    read_index(L, watch, q);
    q->limit = read_limit(L);
    if (!q->ns.n && !q->owner_uid.n && !q->label_count && !q->index_path.n)
        vm_raise(L, "ctx.list needs at least one of ns, labels, owner and index, and it must not be empty");
}

static int ctx_list(lua_State *L) {
    struct frame *f = ctx_frame(L);
    ctx_need(L, f->host->list, "ctx.list");
    const struct policy_watch *watch = ctx_watch(L, 1, "ctx.list");
    luaL_checktype(L, 2, LUA_TTABLE);
    struct store_query query = {0};
    read_query(L, watch, &query);
    size_t count = 0;
    free(f->vm->scratch_list);
    f->vm->scratch_list = NULL;
    int rc = f->host->list(f->host_arg, watch->gvk, &query, &f->vm->scratch_list, &count, &f->err);
    if (rc) ctx_host_failed(L, f, rc);
    fuel_charge(L, 50 + 10 * (int64_t)count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        ctx_push_doc(L, f, f->vm->scratch_list[i], watch->projection);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

struct event_query {
    struct str type;
    struct str reasons[32];
    size_t reason_count;
    bool by_reason;
};

static void read_reasons(lua_State *L, struct event_query *q) {
    if (lua_getfield(L, 2, "reasons") == LUA_TNIL) return;
    int at = lua_gettop(L);
    if (!lua_istable(L, at)) vm_raise(L, "reasons of ctx.events must be a list of strings");
    q->by_reason = true;
    size_t n = lua_rawlen(L, at), max = sizeof q->reasons / sizeof *q->reasons;
    if (n > max) vm_raise(L, "ctx.events takes at most %zu reasons", max);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        q->reasons[q->reason_count++] = ctx_opt_str(L, -1, "a reason of ctx.events");
        lua_pop(L, 1);
    }
}

static bool event_matches(const struct event_query *q, const struct doc *event) {
    struct doc_value root = doc_root(event);
    if (q->type.n && !str_eq(q->type, doc_path_str(root, "type"))) return false;
    struct str reason = doc_path_str(root, "reason");
    for (size_t i = 0; i < q->reason_count; i++)
        if (str_eq(q->reasons[i], reason)) return true;
    return !q->by_reason;
}

static int ctx_events(lua_State *L) {
    static const char *const known[] = {"type", "reasons", NULL};
    struct frame *f = ctx_frame(L);
    ctx_need(L, f->host->events, "ctx.events");
    lua_settop(L, 2);
    lua_pushliteral(L, "v1/Event");
    const struct policy_watch *watch = ctx_watch(L, 3, "ctx.events");
    const struct doc *object = view_doc_at(L, 1, "ctx.events");
    struct event_query query = {0};
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        ctx_check_fields(L, 2, "ctx.events", known);
        lua_getfield(L, 2, "type");
        query.type = ctx_opt_str(L, -1, "type of ctx.events");
        read_reasons(L, &query);
    }
    size_t count = 0, kept = 0;
    free(f->vm->scratch_list);
    f->vm->scratch_list = NULL;
    int rc = f->host->events(f->host_arg, object, &f->vm->scratch_list, &count, &f->err);
    if (rc) ctx_host_failed(L, f, rc);
    fuel_charge(L, 50 + 10 * (int64_t)count);
    lua_createtable(L, 0, 0);
    for (size_t i = 0; i < count; i++) {
        if (!event_matches(&query, f->vm->scratch_list[i])) continue;
        ctx_push_doc(L, f, f->vm->scratch_list[i], watch->projection);
        lua_rawseti(L, -2, (lua_Integer)++kept);
    }
    return 1;
}

static int ctx_findings_of(lua_State *L) {
    struct frame *f = ctx_frame(L);
    ctx_need(L, f->host->findings_of, "ctx.findings_of");
    struct str kind = ctx_opt_str(L, 1, "the kind of ctx.findings_of"), ns = ctx_opt_str(L, 2, "the namespace of ctx.findings_of"),
               name = ctx_opt_str(L, 3, "the name of ctx.findings_of");
    struct doc *found = NULL;
    if (!kind.n || memchr(kind.p, '/', kind.n)) vm_raise(L, "ctx.findings_of wants a kind such as \"Pod\" first");
    fuel_charge(L, 50);
    if (!name.n) {
        lua_createtable(L, 0, 0);
        return 1;
    }
    int rc = f->host->findings_of(f->host_arg, kind, ns, name, &found, &f->err);
    if (!rc) rc = frame_keep(f, found, &f->err);
    if (rc) ctx_host_failed(L, f, rc);
    fuel_charge(L, 10 * (int64_t)doc_len(doc_root(found)));
    view_push_doc(L, found, NULL);
    return 1;
}

void ctx_query_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"list", ctx_list}, {"events", ctx_events}, {"findings_of", ctx_findings_of}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
