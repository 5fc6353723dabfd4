/*
 * policies: the bundle that is wanted, from the folders it is read from, as they change.
 *
 * The built-in layer is read once, at the start. A change in a folder above it is read, checked as a whole, and announced; a bundle that
 * does not load is refused with its reasons, and the one in use goes on.
 */
#ifndef OPERATOR_POLICIES_H
#define OPERATOR_POLICIES_H

#include "metrics/metrics.h"
#include "net/loop.h"
#include "script/bundle.h"

struct policies;

struct policies_options {
    struct loop *loop;
    struct metrics *metrics;
    const char *builtin_dir, *lua_dir;
    const char *const *dirs; /* cluster layer */
    size_t dir_count;
    void (*loaded)(struct bundle *bundle, void *arg); /* another bundle is wanted */
    void (*refused)(const char *why, void *arg);      /* a change was refused */
    void *arg;
};

/* Loads the first bundle, tolerating broken overrides. It is not announced; see policies_bundle. */
struct policies *policies_new(const struct policies_options *options, struct err *err) ERR_MUST_CHECK;
void policies_free(struct policies *p);

struct bundle *policies_bundle(const struct policies *p); /* the last that loaded; borrowed */
const char *policies_problem(const struct policies *p); /* why what is in the folders now is not in use, whole or in part; "" when it is */
bool policies_problem_is_partial(
    const struct policies *p); /* the bundle in use lacks broken files (cold start); else it is the last good one */

/* Reads the folders again now (also called by inotify). */
void policies_reload(struct policies *p);

#endif
