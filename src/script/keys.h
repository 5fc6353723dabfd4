/*
 * keys: the keys of a plain table in an order that never changes: numbers ascending, then strings bytewise, then booleans.
 *
 * Lua's own order depends on addresses and a seed; findings must not. Used by pairs, next and the converter.
 */
#ifndef SCRIPT_KEYS_H
#define SCRIPT_KEYS_H

#include "script/vm.h"

struct key {
    enum { KEY_INT, KEY_FLOAT, KEY_TEXT, KEY_BOOL } type;
    lua_Integer integer;
    lua_Number number; /* of both kinds of numbers */
    struct str text;   /* borrowed from the table */
};

/* Pushes a userdata that holds the sorted keys of the table and returns them. Raises for a key of another type. */
const struct key *keys_sorted(lua_State *L, int table, size_t *count);
void key_push(lua_State *L, const struct key *key);

/* True when the table's keys are exactly 1..n. */
bool keys_are_sequence(lua_State *L, int table, size_t *n);

/* Pushes the first key after the one at `index` (nil: the first of all), or nil at the end. */
void keys_next(lua_State *L, int table, int index);

#endif
