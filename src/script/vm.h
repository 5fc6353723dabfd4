/*
 * vm: one Lua state with a cap on its memory, and the frame of the call that runs in it.
 *
 * A frame is one call: its policy, its host, its fuel and the generation of its views. Whatever runs Lua enters a frame first
 * and leaves it afterwards. Fuel counts instructions (by a count hook) and the work that C does on a policy's behalf; a frame
 * shares it with the calls it makes through ctx.next. Used by script/ only.
 */
#ifndef SCRIPT_VM_H
#define SCRIPT_VM_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/buf.h"
#include "base/err.h"
#include "doc/builder.h"
#include "script/call.h"
#include "script/layers.h"

enum {
    VM_BUILTIN_BYTES = 64 * 1024 * 1024,
    VM_OVERRIDE_BYTES = 16 * 1024 * 1024,
    VM_STRING_BYTES = 1024 * 1024, /* the longest string: comparing and copying one costs a single instruction */
    VM_LOAD_FUEL = 2000000,
};

struct fuel {
    int64_t limit, left;
    int64_t deadline_us; /* a watchdog for work that no instruction stands for, far above what the fuel allows */
    int64_t work_us;     /* the same in processor time, from when the deadline passed first; 0: it did not */
};

struct frame_arg {
    const struct doc *doc;
    const struct projection *projection;
    bool plain; /* arrives as plain Lua values instead of a view */
};

struct frame {
    struct script_vm *vm;
    struct frame *outer; /* what it interrupts in the same state */
    lua_State *running;  /* the thread it runs on */
    uint64_t generation;
    struct fuel *fuel;
    enum script_result stop; /* what no policy can catch, once it happened; SCRIPT_OK before */

    const struct policy *policy; /* NULL while a file is loaded */
    const char *function;
    struct frame_arg args[SCRIPT_MAX_ARGS];
    size_t arg_count;
    const struct script_host *host;
    void *host_arg;
    const struct doc *options;
    struct script_task *task; /* NULL: cannot suspend */
    bool nested;              /* called by ctx.next: every value counts */

    struct doc *values; /* what was returned; owned */
    struct doc **kept;  /* documents that views of this frame need; owned references */
    size_t kept_count, kept_cap;
    char path[200]; /* where the last error was raised, "" where that is unknown */
    int line;
    struct err err;
};

enum { VM_MAX_REQUIRES = 16 }; /* modules that require each other, one inside the other */

struct script_vm {
    lua_State *L;
    size_t bytes, cap_bytes;
    struct frame *frame; /* NULL between calls */
    struct fuel *fuel;   /* of the frame */
    int armed;           /* instructions until the hook fires */
    uint64_t generation; /* of the last frame */

    enum policy_layer layer; /* libraries of this one or below can be required */
    const struct layer_files *files;
    const char *requiring[VM_MAX_REQUIRES];
    size_t requiring_count;

    struct projection *whole, *metadata;
    struct doc *empty;                         /* {} */
    const void *view_meta, *array_meta, *null; /* identities */
    int env_ref, view_ref, array_ref, null_ref, loaded_ref, ctx_ref, step_ctx_ref, remote_ctx_ref;

    /* What an error would otherwise lose; emptied at the next use and when the frame is left. */
    struct doc_builder *builder;
    struct buf text;
    struct doc *scratch;
    struct doc **scratch_list;
};

/* A sandboxed state (see sandbox.h). Borrows files for its life. NULL with *err. */
struct script_vm *vm_new(size_t cap_bytes, enum policy_layer layer, const struct layer_files *files, struct err *err) ERR_MUST_CHECK;
void vm_free(struct script_vm *vm);

/* Garbage is collected when the state holds ten times what was in use, not twice; and as ever when it meets its cap. */
void vm_collect_rarely(struct script_vm *vm);

static inline struct script_vm *vm_of(lua_State *L) { return *(struct script_vm **)lua_getextraspace(L); }

/* Between these two, Lua may run on `running`. */
void frame_enter(struct frame *f, struct script_vm *vm, lua_State *running);
void frame_leave(struct frame *f);
/* Releases what the frame holds but `values`. */
void frame_clear(struct frame *f);
/* Keeps a document alive until the frame is cleared; takes the reference over in any case. */
int frame_keep(struct frame *f, struct doc *doc, struct err *err) ERR_MUST_CHECK;

/* Runs body(L) with `arg` as light userdata, protected. The frame must be entered. Fills f->err but for SCRIPT_OK. */
enum script_result vm_protect(struct frame *f, lua_CFunction body, void *arg);
/* What a finished lua_pcall or lua_resume with this status means; its error object is on top of L and is popped. */
enum script_result frame_result(struct frame *f, lua_State *L, int status);
/* Notes the position of the innermost Lua function as the place of an error. Allocates nothing. */
void frame_note_where(struct frame *f, lua_State *L);
/* Notes a file as that place, before any function of it runs. */
void frame_note_file(struct frame *f, const char *path);

/* A tank of `limit` units, counted from now on; also winds up the watchdog. */
void fuel_fill(struct fuel *fuel, int64_t limit);
void fuel_wind(struct fuel *fuel);
/* Charges for work done by C: one unit stands for about one instruction. May raise. */
void fuel_charge(lua_State *L, int64_t units);
/* As fuel_charge, for moving so many bytes. */
void fuel_charge_bytes(lua_State *L, size_t bytes);
/* Sets the hook again after somebody else used the fuel. */
void fuel_rearm(lua_State *L);

/* Ends the run with something that no policy can catch: raises. */
_Noreturn void frame_stop(lua_State *L, enum script_result stop, const char *message);

/* luaL_error, which the compiler does not know to be final. */
_Noreturn void vm_raise(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
