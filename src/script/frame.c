#include <stdio.h>
#include <stdlib.h>

#include "script/vm.h"

void frame_enter(struct frame *f, struct script_vm *vm, lua_State *running) {
    f->vm = vm;
    f->outer = vm->frame;
    f->running = running;
    if (!f->generation) f->generation = ++vm->generation;
    vm->frame = f;
    vm->fuel = f->fuel;
    fuel_rearm(running);
}

static void drop_scratch(struct script_vm *vm) {
    doc_unref(vm->scratch);
    vm->scratch = NULL;
    free(vm->scratch_list);
    vm->scratch_list = NULL;
}

void frame_leave(struct frame *f) {
    struct script_vm *vm = f->vm;
    drop_scratch(vm);
    vm->frame = f->outer;
    vm->fuel = f->outer ? f->outer->fuel : NULL;
    if (f->outer) fuel_rearm(f->outer->running);
}

void frame_clear(struct frame *f) {
    for (size_t i = 0; i < f->kept_count; i++) doc_unref(f->kept[i]);
    free(f->kept);
    f->kept = NULL;
    f->kept_count = f->kept_cap = 0;
}

int frame_keep(struct frame *f, struct doc *doc, struct err *err) {
    if (f->kept_count == f->kept_cap) {
        size_t cap = f->kept_cap ? f->kept_cap * 2 : 8;
        struct doc **kept = realloc(f->kept, cap * sizeof *kept);
        if (!kept) {
            doc_unref(doc);
            return err_set(err, ERR_NOMEM, "no memory to keep a document");
        }
        f->kept = kept;
        f->kept_cap = cap;
    }
    f->kept[f->kept_count++] = doc;
    return 0;
}

void frame_note_file(struct frame *f, const char *path) {
    snprintf(f->path, sizeof f->path, "%s", path);
    f->line = 0;
}

void frame_note_where(struct frame *f, lua_State *L) {
    lua_Debug ar;
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0) continue;
        frame_note_file(f, *ar.source == '@' ? ar.source + 1 : ar.short_src);
        f->line = ar.currentline;
        return;
    }
}

void frame_stop(lua_State *L, enum script_result stop, const char *message) {
    struct frame *f = vm_of(L)->frame;
    if (f && f->stop == SCRIPT_OK) f->stop = stop;
    luaL_where(L, 0);
    if (lua_rawlen(L, -1) == 0) luaL_where(L, 1);
    lua_pushstring(L, message);
    lua_concat(L, 2);
    lua_error(L);
    abort(); /* lua_error never returns; only its prototype does not say so */
}

static enum err_code code_of(enum script_result result) {
    switch (result) {
    case SCRIPT_FUEL: return ERR_FUEL;
    case SCRIPT_MEMORY: return ERR_NOMEM;
    case SCRIPT_FORBIDDEN: return ERR_FORBIDDEN;
    case SCRIPT_NOT_READY: return ERR_TIMEOUT;
    default: return ERR_POLICY;
    }
}

/* One line whatever the policy put into it; cut where a line gets unreadable, not in the middle of a character. */
static void flatten(char *text) {
    enum { MAX = 800 };
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' ';
    if (strlen(text) <= MAX) return;
    size_t end = MAX;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) end--;
    memcpy(text + end, "...", 4);
}

/* Only strings are shown: turning another error object into text would run the policy's code here. */
static const char *message_of(lua_State *L, char *number, size_t size) {
    switch (lua_type(L, -1)) {
    case LUA_TSTRING: return lua_tostring(L, -1);
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1))
            snprintf(number, size, "%lld", lua_tointeger(L, -1));
        else
            snprintf(number, size, "%.14g", lua_tonumber(L, -1));
        return number;
    case LUA_TNIL: return "error without a message";
    default: snprintf(number, size, "the error object is a %s; raise a string", luaL_typename(L, -1)); return number;
    }
}

/* Lua shortens a long path to "...tail:LINE: what"; this finds where its tail ends, for the whole path to be put back. */
static const char *shortened_tail(const struct frame *f, const char *message) {
    const char *colon = strstr(message, ".lua:");
    if (strncmp(message, "...", 3) != 0 || !colon) return NULL;
    struct str tail = {message + 3, (size_t)(colon + 4 - (message + 3))};
    return str_ends(str_of(f->path), tail) ? colon + 4 : NULL;
}

static void say_where(struct frame *f, enum err_code code, const char *message) {
    const char *rest = shortened_tail(f, message);
    if (rest)
        err_set(&f->err, code, "%s%s", f->path, rest);
    else if (strstr(message, ".lua:") || !f->path[0])
        err_set(&f->err, code, "%s", message);
    else if (f->line)
        err_set(&f->err, code, "%s:%d: %s", f->path, f->line, message);
    else
        err_set(&f->err, code, "%s: %s", f->path, message);
}

static void describe(struct frame *f, lua_State *L, enum script_result result) {
    char number[64];
    if (!f->path[0] && f->policy) frame_note_file(f, f->policy->source); /* nothing is noted when memory runs out */
    say_where(f, code_of(result), result == SCRIPT_MEMORY ? "out of memory" : message_of(L, number, sizeof number));
    const struct policy *p = f->policy;
    if (p && !strstr(f->err.msg, p->name)) {
        size_t n = strlen(f->err.msg);
        snprintf(f->err.msg + n, sizeof f->err.msg - n, " (in %s/%s)", policy_kind_folder(p->kind), p->name);
    }
    flatten(f->err.msg);
}

enum script_result frame_result(struct frame *f, lua_State *L, int status) {
    enum script_result result = f->stop;
    if (status == LUA_ERRMEM && result == SCRIPT_OK) result = SCRIPT_MEMORY;
    if (status == LUA_OK && result == SCRIPT_OK) return SCRIPT_OK;
    if (result == SCRIPT_OK) result = SCRIPT_ERROR;
    f->stop = result;
    if (status == LUA_OK) lua_pushliteral(L, "went on after it was stopped");
    describe(f, L, result);
    lua_pop(L, 1);
    doc_unref(f->values);
    f->values = NULL;
    return result;
}
