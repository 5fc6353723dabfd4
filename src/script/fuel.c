#include "base/clock.h"
#include "script/vm.h"

enum {
    HOOK_INSTRUCTIONS = 1000,
    WATCHDOG_BASE_US = 1000000,
    WATCHDOG_WORK_US = 250000,
    UNITS_PER_US = 4,
    BYTES_PER_UNIT = 16,
};

static const char EXHAUSTED[] = "used up its instructions (an endless loop, or too much work for one call)";

void fuel_wind(struct fuel *fuel) {
    fuel->deadline_us = clock_mono_us() + WATCHDOG_BASE_US + fuel->limit / UNITS_PER_US;
    fuel->work_us = 0;
}

void fuel_fill(struct fuel *fuel, int64_t limit) {
    fuel->limit = fuel->left = limit;
    fuel_wind(fuel);
}

/* The monotonic clock is cheap to ask, but runs on while a busy machine works for others: then processor time decides. */
static bool is_late(struct fuel *fuel) {
    int64_t now_us = clock_mono_us(), left_us;
    if (now_us <= fuel->deadline_us) return false;
    if (!fuel->work_us) fuel->work_us = clock_work_us() + WATCHDOG_WORK_US + fuel->limit / UNITS_PER_US;
    left_us = fuel->work_us - clock_work_us();
    fuel->deadline_us = now_us + left_us;
    return left_us <= 0;
}

static void on_count(lua_State *L, lua_Debug *ar) {
    (void)ar;
    struct script_vm *vm = vm_of(L);
    if (!vm->fuel) return;
    vm->fuel->left -= vm->armed;
    bool late = is_late(vm->fuel);
    if (late) vm->fuel->left = 0;
    if (vm->fuel->left <= 0) frame_stop(L, SCRIPT_FUEL, late ? "ran far longer than its instructions should take" : EXHAUSTED);
    fuel_rearm(L);
}

/* Once the tank is empty the hook fires at every instruction, so that handlers and callers of pcall end too. */
void fuel_rearm(lua_State *L) {
    struct script_vm *vm = vm_of(L);
    int64_t left = vm->fuel->left;
    vm->armed = left >= HOOK_INSTRUCTIONS ? HOOK_INSTRUCTIONS : left > 1 ? (int)left : 1;
    lua_sethook(L, on_count, LUA_MASKCOUNT, vm->armed);
}

void fuel_charge(lua_State *L, int64_t units) {
    struct script_vm *vm = vm_of(L);
    if (!vm->fuel) return;
    vm->fuel->left -= units;
    if (vm->fuel->left <= 0) frame_stop(L, SCRIPT_FUEL, EXHAUSTED);
    if (vm->fuel->left < vm->armed) fuel_rearm(L);
}

void fuel_charge_bytes(lua_State *L, size_t bytes) { fuel_charge(L, 1 + (int64_t)(bytes / BYTES_PER_UNIT)); }
