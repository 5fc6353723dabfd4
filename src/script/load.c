#include "script/load.h"

#include <stdlib.h>

#include "script/convert.h"
#include "script/lib.h"

struct loading {
    const struct layer_file *file;
    struct policy_entry *entry;
};

static int run_file(lua_State *L) {
    struct loading *loading = lua_touserdata(L, 1);
    const struct layer_file *file = loading->file;
    sandbox_load(L, file->text, file->len, file->source);
    lua_call(L, 0, LUA_MULTRET);
    if (lua_gettop(L) != 2 || !lua_istable(L, 2)) vm_raise(L, "must return one table, the policy");
    convert_begin(L);
    convert_put_policy(L, 2);
    convert_finish(L);
    loading->entry->policy.table_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    loading->entry->table = vm_of(L)->scratch;
    vm_of(L)->scratch = NULL;
    return 0;
}

static int run_in(struct script_vm *vm, struct loading *loading, struct err *err) {
    struct fuel fuel;
    fuel_fill(&fuel, VM_LOAD_FUEL);
    struct frame f = {.fuel = &fuel};
    frame_note_file(&f, loading->file->source);
    frame_enter(&f, vm, vm->L);
    enum script_result result = vm_protect(&f, run_file, loading);
    frame_leave(&f);
    frame_clear(&f);
    if (result == SCRIPT_OK) return 0;
    *err = f.err;
    return (int)err->code;
}

struct policy_entry *policy_load(struct script_vm *vm, const struct layer_file *file, struct err *err) {
    struct policy_entry *e = calloc(1, sizeof *e);
    if (!e) {
        err_set(err, ERR_NOMEM, "no memory for a policy");
        return NULL;
    }
    e->file = file;
    e->policy.vm = vm;
    e->policy.kind = file->kind;
    e->policy.layer = file->layer;
    e->policy.source = file->source;
    e->policy.name = file->name;
    e->policy.table_ref = LUA_NOREF;
    struct loading loading = {file, e};
    if (run_in(vm, &loading, err) == 0 && policy_check(e, err) == 0) return e;
    policy_entry_free(e);
    return NULL;
}

static void free_parts(struct policy_entry *e) {
    struct policy *p = &e->policy;
    for (size_t i = 0; i < p->watch_count; i++) {
        projection_unref(p->watches[i].projection);
        for (size_t k = 0; k < p->watches[i].index_count; k++) free((char *)(uintptr_t)p->watches[i].indexes[k].p);
        free(p->watches[i].indexes);
    }
    free(p->watches);
    free(p->writes);
    free(p->follows);
    free(p->rules);
    doc_unref(e->table);
    if (e->owns_vm) vm_free(p->vm);
}

void policy_entry_free(struct policy_entry *e) {
    if (!e) return;
    struct policy *p = &e->policy;
    doc_unref(p->params);
    if (!e->lent) free_parts(e);
    free(e);
}

struct policy_entry *policy_lend(const struct policy_entry *e, struct err *err) {
    struct policy_entry *lent = malloc(sizeof *lent);
    if (!lent) {
        err_set(err, ERR_NOMEM, "no memory for a policy");
        return NULL;
    }
    *lent = *e;
    lent->lent = true;
    if (lent->policy.params) doc_ref(lent->policy.params);
    return lent;
}
