/*
 * view: what Lua sees of a document: a read-only userdata that borrows it.
 *
 * A view belongs to the frame that made it and is dead in any other; the frame (or its host) keeps the document alive. It shows what
 * the policy declared: a read of anything else is an error that names the field, whether or not it is there.
 */
#ifndef SCRIPT_VIEW_H
#define SCRIPT_VIEW_H

#include "script/vm.h"

struct view {
    struct doc_value value;             /* an array or an object */
    const struct projection_node *node; /* what may be read below */
    uint64_t generation;
};

/* Makes the metatable of views. May raise, as all below that take a state. */
void view_open(lua_State *L);

/* Pushes a value: a view of an array or object, nil for null and absent, else the scalar. */
void view_push(lua_State *L, struct doc_value v, const struct projection_node *node);

/* Pushes a whole document as the projection shows it; NULL: nil, or all of it. */
void view_push_doc(lua_State *L, const struct doc *doc, const struct projection *projection);

/* The view at a stack index: NULL when it is something else; raises when it is dead. */
struct view *view_at(lua_State *L, int index);

/* As view_at, of a whole document; raises otherwise. `what` is "ctx.parent". */
const struct doc *view_doc_at(lua_State *L, int index, const char *what);

/* The field of an object that may be read, or absent. Raises for one that was not declared. */
struct doc_value view_field(lua_State *L, const struct view *view, struct str key, const struct projection_node **node);

/*
 * k8sgpt.dig(value, key, ...): the value at a path, nil as soon as a part of it is missing. Through views it makes no view of what lies
 * between, which is what most of the work of an analyzer of a healthy object would be.
 */
int view_dig(lua_State *L);

/* Feeds what may be read of a value. */
void view_put(struct doc_builder *b, struct doc_value v, const struct projection_node *node);

/* Writes "status.conditions[].type" of a part of a document; searches for it. */
void view_path(struct doc_value part, char *out, size_t size);

#endif
