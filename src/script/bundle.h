/*
 * bundle: all policies, every layer resolved: read, hashed, compiled, checked as a whole.
 *
 * A bundle never changes. The operator swaps one for the next in one step and drops the old one when the last call has
 * returned. The built-in policies share one Lua state, which bundles hand on; every file of a higher layer has its own, with a memory cap.
 *
 * A folder is read either as a tree (KIND/NAME/policy.lua, lib/NAME.lua) or as a mounted ConfigMap (KIND.NAME.lua, lib.NAME.lua; through
 * its
 * ..data link when there is one, so that a half-made swap is never seen). Test tables and testdata are not loaded.
 */
#ifndef SCRIPT_BUNDLE_H
#define SCRIPT_BUNDLE_H

#include "base/err.h"
#include "script/policy.h"

struct bundle;

struct bundle_source {
    const char *dir;
    enum policy_layer layer;
};

struct bundle_options {
    const char *lua_dir;                 /* where `require "k8sgpt.…"` finds its files */
    const struct bundle_source *sources; /* lowest layer first; within a layer later ones win over earlier */
    size_t source_count;
    unsigned kinds; /* those that are wanted, 1u << POLICY_… each: files of others are read, not compiled nor checked; 0: all kinds */
    bool brief; /* for a process that looks once and ends: garbage of built-in policies is seldom collected, which takes memory instead */
    bool tolerate; /* cold start: a broken file falls to the layer below and is listed as a problem, instead of refusing all */
    const struct bundle *before; /* its built-in layer is taken over as it is, its folders unread; NULL: they are read */
};

/* One thing wrong with one file: "PATH: what; what to do". `name` is "analyzers/Pod", or empty. */
struct bundle_problem {
    char *source;
    char *name;
    char *message;
};

struct bundle_problems {
    struct bundle_problem *items;
    size_t count;
};
void bundle_problems_free(struct bundle_problems *problems);

/*
 * NULL with *err (the first problem, and how many more) when it is refused; all of them in *problems either way. A built-in that
 * is broken refuses the bundle even when tolerant.
 */
struct bundle *bundle_load(const struct bundle_options *options, struct bundle_problems *problems, struct err *err) ERR_MUST_CHECK;

struct bundle *bundle_ref(struct bundle *b);
void bundle_unref(struct bundle *b);

const char *bundle_hash(const struct bundle *b); /* 64 hex digits over all files in use */

/* The effective policies of a kind, sorted by order (of correlate policies), then by name. */
size_t bundle_count(const struct bundle *b, enum policy_kind kind);
const struct policy *bundle_at(const struct bundle *b, enum policy_kind kind, size_t i);
const struct policy *bundle_find(const struct bundle *b, enum policy_kind kind, struct str name);

/* Calls back for each policy of a layer above built-in that is in effect or disables one ("disabled" true). */
void bundle_each_override(const struct bundle *b, void (*each)(const struct policy *p, bool disabled, void *arg), void *arg);

#endif
