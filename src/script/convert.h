/*
 * convert: between Lua values and documents.
 *
 * Out of Lua: strings, booleans, integers (64 bits), finite floats, k8sgpt.null, views (what may be read of them), lists (keys exactly
 * 1..n, or marked by k8sgpt.array) and objects (string keys only, written sorted). An empty table that is not marked is an object.
 * Anything else raises an error that names the place. Into Lua: plain tables, arrays marked so that they stay arrays.
 */
#ifndef SCRIPT_CONVERT_H
#define SCRIPT_CONVERT_H

#include "script/vm.h"

enum { CONVERT_MAX_DEPTH = 64 };

/* Makes k8sgpt.null and the mark of arrays. */
void convert_open(lua_State *L);

/* Feeds the value at a stack index to the state's builder. Raises; then the builder holds a part and is to be reset. */
void convert_put(lua_State *L, int index);

/*
 * As convert_put, for the table that a policy file returns: functions at the top become true, and a list with names beside
 * ({"v1/Event", fields = …}) an object with the keys "1", "2" ….
 */
void convert_put_policy(lua_State *L, int index);

/* The state's builder, emptied: what an earlier error left there is dropped. */
struct doc_builder *convert_begin(lua_State *L);

/* The document built since; raises when it is not whole. The state owns it (vm->scratch) until the next one; take it by setting that to
 * NULL. */
struct doc *convert_finish(lua_State *L);

/* Pushes a deep copy of a value; null becomes k8sgpt.null. As far as `node` lets it be read. */
void convert_push(lua_State *L, struct doc_value v, const struct projection_node *node);

/* As convert_push of a whole document; null at the top and NULL become nil. */
void convert_push_doc(lua_State *L, const struct doc *doc);

/* Marks the table at the top of the stack as an array. */
void convert_mark_array(lua_State *L);
bool convert_is_array(lua_State *L, int index); /* marked */
bool convert_is_null(lua_State *L, int index);

#endif
