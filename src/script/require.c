#include <stdio.h>

#include "script/lib.h"

/*
 * require reaches "k8sgpt", which is C, "k8sgpt.NAME" and "lib.NAME", each loaded once a state. Modules come out read-only, because
 * all policies of a state share them.
 */

static bool find_file(struct script_vm *vm, struct str name, const struct layer_file **out) {
    struct str family, rest;
    if (!str_cut(name, '.', &family, &rest)) return false;
    bool is_lib = str_is(family, "lib");
    if (!is_lib && !str_is(family, "k8sgpt")) return false;
    *out = vm->files ? layers_library(vm->files, is_lib ? FILE_LIB : FILE_MODULE, rest, vm->layer) : NULL;
    return *out != NULL;
}

_Noreturn static void raise_cycle(lua_State *L, const struct script_vm *vm, const char *name) {
    char path[300];
    size_t n = 0;
    for (size_t i = 0; i < vm->requiring_count && n < sizeof path - 1; i++) {
        int wrote = snprintf(path + n, sizeof path - n, "%s requires ", vm->requiring[i]);
        n += wrote > 0 ? (size_t)wrote : 0;
    }
    vm_raise(L, "a cycle: %s%s", n ? path : "", name);
}

/* Stack: 1 name. Runs the file; leaves its value, or raises. */
static void run_file(lua_State *L, const struct layer_file *file) {
    struct script_vm *vm = vm_of(L);
    const char *name = lua_tostring(L, 1);
    for (size_t i = 0; i < vm->requiring_count; i++)
        if (strcmp(vm->requiring[i], name) == 0) raise_cycle(L, vm, name);
    if (vm->requiring_count == VM_MAX_REQUIRES) vm_raise(L, "modules require each other too deeply at %s", name);
    sandbox_load(L, file->text, file->len, file->source);
    vm->requiring[vm->requiring_count++] = name;
    int status = lua_pcall(L, 0, 1, 0);
    vm->requiring_count--;
    if (status == LUA_ERRMEM) frame_stop(L, SCRIPT_MEMORY, "out of memory");
    if (status != LUA_OK) lua_error(L);
    if (lua_isnil(L, -1)) vm_raise(L, "%s returns nothing", name);
    if (lua_istable(L, -1)) sandbox_lock(L, name);
}

int lib_require(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    struct str name;
    name.p = luaL_checklstring(L, 1, &name.n);
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->loaded_ref);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, 2) != LUA_TNIL) return 1;
    const struct layer_file *file;
    if (str_is(name, "k8sgpt")) {
        lib_k8sgpt_open(L);
        sandbox_lock(L, "k8sgpt");
    } else if (find_file(vm, name, &file)) {
        run_file(L, file);
    } else {
        vm_raise(L, "there is no module %s; there are k8sgpt, k8sgpt.NAME and lib.NAME of this layer or below", name.p);
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}
