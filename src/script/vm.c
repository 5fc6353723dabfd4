#include "script/vm.h"

#include <stdio.h>
#include <stdlib.h>

#include "script/sandbox.h"

/*
 * Memory that a state gets is charged as fuel too: instructions like `..` move any number of bytes. A refusal costs what the
 * emergency collection costs that Lua starts then, so that living at the cap ends soon.
 */
static void charge_memory(struct script_vm *vm, size_t bytes) {
    if (!vm->fuel) return;
    vm->fuel->left -= 1 + (int64_t)(bytes / 32);
    if (vm->fuel->left > 0 || vm->armed <= 1 || !vm->frame) return;
    fuel_rearm(vm->frame->running);
}

static bool admit(struct script_vm *vm, size_t grow, bool is_string) {
    bool fits = vm->bytes <= vm->cap_bytes && grow <= vm->cap_bytes - vm->bytes && !(is_string && grow > VM_STRING_BYTES + 64);
    charge_memory(vm, fits ? grow : vm->bytes);
    return fits;
}

static void *allocate(void *arg, void *block, size_t old_size, size_t new_size) {
    struct script_vm *vm = arg;
    size_t old = block ? old_size : 0; /* for a new block Lua passes its type there */
    if (new_size == 0) {
        free(block);
        vm->bytes -= old;
        return NULL;
    }
    if (new_size > old && !admit(vm, new_size - old, !block && old_size == LUA_TSTRING)) return NULL;
    void *moved = realloc(block, new_size);
    if (!moved) return new_size <= old ? block : NULL; /* Lua counts on it that shrinking works */
    vm->bytes += new_size - old;
    return moved;
}

static int init_parts(struct script_vm *vm, struct err *err) {
    vm->builder = doc_builder_new();
    vm->whole = projection_whole();
    vm->metadata = projection_new();
    if (!vm->builder || !vm->whole || !vm->metadata) return err_set(err, ERR_NOMEM, "no memory for a Lua state");
    doc_begin_object(vm->builder);
    doc_end_object(vm->builder);
    vm->empty = doc_builder_finish(vm->builder, err);
    return vm->empty ? 0 : (int)err->code;
}

static int init_state(struct script_vm *vm, struct err *err) {
    vm->L = lua_newstate(allocate, vm);
    if (!vm->L) return err_set(err, ERR_NOMEM, "no memory for a Lua state");
    *(struct script_vm **)lua_getextraspace(vm->L) = vm;
    struct fuel fuel;
    fuel_fill(&fuel, VM_LOAD_FUEL);
    struct frame f = {.fuel = &fuel};
    frame_enter(&f, vm, vm->L);
    enum script_result result = vm_protect(&f, sandbox_open, NULL);
    frame_leave(&f);
    frame_clear(&f);
    if (result != SCRIPT_OK) *err = f.err;
    return result == SCRIPT_OK ? 0 : (int)err->code;
}

struct script_vm *vm_new(size_t cap_bytes, enum policy_layer layer, const struct layer_files *files, struct err *err) {
    struct script_vm *vm = calloc(1, sizeof *vm);
    if (!vm) {
        err_set(err, ERR_NOMEM, "no memory for a Lua state");
        return NULL;
    }
    vm->cap_bytes = cap_bytes;
    vm->layer = layer;
    vm->files = files;
    vm->text = buf_new(VM_STRING_BYTES);
    if (init_parts(vm, err) == 0 && init_state(vm, err) == 0) return vm;
    vm_free(vm);
    return NULL;
}

void vm_free(struct script_vm *vm) {
    if (!vm) return;
    if (vm->L) lua_close(vm->L);
    doc_builder_free(vm->builder);
    buf_free(&vm->text);
    doc_unref(vm->scratch);
    doc_unref(vm->empty);
    free(vm->scratch_list);
    projection_unref(vm->whole);
    projection_unref(vm->metadata);
    free(vm);
}

void vm_collect_rarely(struct script_vm *vm) {
    enum { PAUSE_PERCENT = 1000 };
    lua_gc(vm->L, LUA_GCINC, PAUSE_PERCENT, 0, 0);
}

/* lua_pcall's message handler: the stack still stands here, so the place can be told. */
static int note_error(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    if (vm->frame) frame_note_where(vm->frame, L);
    return 1;
}

enum script_result vm_protect(struct frame *f, lua_CFunction body, void *arg) {
    lua_State *L = f->vm->L;
    int base = lua_gettop(L);
    if (!lua_checkstack(L, 8)) {
        err_set(&f->err, ERR_NOMEM, "no memory for a Lua stack");
        return SCRIPT_MEMORY;
    }
    lua_pushcfunction(L, note_error);
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, arg);
    int status = lua_pcall(L, 1, 0, base + 1);
    enum script_result result = frame_result(f, L, status);
    lua_settop(L, base);
    return result;
}

void vm_raise(lua_State *L, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0) text[0] = '\0';
    va_end(args);
    luaL_error(L, "%s", text);
    abort(); /* luaL_error never returns; only its prototype does not say so */
}
