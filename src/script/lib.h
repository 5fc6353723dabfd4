/*
 * lib: the libraries of the sandbox, each in a file of its own. Each function leaves a table of functions on the stack; may raise.
 */
#ifndef SCRIPT_LIB_H
#define SCRIPT_LIB_H

#include "script/vm.h"

void lib_base_open(lua_State *L);    /* adds to the table at the top: pcall, pairs, tostring … */
void lib_pattern_open(lua_State *L); /* adds to the table at the top: find, match, gmatch, gsub */
void lib_string_open(lua_State *L);  /* string */
void lib_table_open(lua_State *L);   /* table */
void lib_k8sgpt_open(lua_State *L);  /* the module k8sgpt */
void lib_decode_open(lua_State *L);  /* adds to the table at the top: gunzip, certificate */
void lib_words_open(lua_State *L);   /* adds to the table at the top: replace, names_with */
int lib_require(lua_State *L);       /* require */

/* Puts function `name` of the library at `from` into the table at the top, behind `with`, which finds it in upvalue 1. */
void lib_wrap(lua_State *L, int from, const char *name, lua_CFunction with);
/* For lib_wrap: runs the function, charged for the bytes of all strings it is given. */
int lib_charged(lua_State *L);
/* Pushes a library of Lua's own. */
void lib_open_original(lua_State *L, const char *name, lua_CFunction open);

/* Text of any value without an address: as tostring, but "table" and "function" for those. Pushes it. */
void lib_push_text(lua_State *L, int index);

/* Loads a chunk of text with the sandbox as its environment and pushes it. Raises what is wrong with it. */
void sandbox_load(lua_State *L, const char *text, size_t len, const char *source);

/* Pushes a read-only library over the table at the top, in place of it. Reading what is not there raises, naming it as `what`. */
void sandbox_lock(lua_State *L, const char *what);

#endif
