/*
 * builtins: the built-in layer, which bundles hand on to the next.
 *
 * Its files are read once and compiled once, each when a bundle asks for it first, into one Lua state that all bundles share. So a change
 * of an override costs that override, and does not hold up the loop for what stayed the same. Nothing in it ever changes but that more of
 * it is compiled. Used by bundle only.
 */
#ifndef SCRIPT_BUILTINS_H
#define SCRIPT_BUILTINS_H

#include "script/load.h"

struct builtins;

/* Reads the folders of that layer. What is wrong with single files goes to *problems. NULL with *err. */
struct builtins *builtins_read(const struct bundle_options *options, struct bundle_problems *problems, struct err *err) ERR_MUST_CHECK;
struct builtins *builtins_ref(struct builtins *b);
void builtins_unref(struct builtins *b);

const struct layer_files *builtins_files(const struct builtins *b);

/* The policy of such a file, lent: for whoever holds a reference to `b`. NULL with *err ("PATH:LINE: what"). */
struct policy_entry *builtins_policy(struct builtins *b, const struct layer_file *file, struct err *err) ERR_MUST_CHECK;

#endif
