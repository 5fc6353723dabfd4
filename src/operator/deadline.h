/*
 * deadline: things that must be looked at again at a moment of wall time (grace, settle, ctx.after), any number of them on one timer.
 *
 * A deadline is embedded in what it belongs to and costs nothing while unset. With a fixed clock (run --now) time stands still and
 * only what is due already fires.
 */
#ifndef OPERATOR_DEADLINE_H
#define OPERATOR_DEADLINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/loop.h"

struct deadline {
    int64_t due_ms;
    size_t slot;                      /* place in the heap, from 1; 0: unset */
    void (*fire)(struct deadline *d); /* called once, unset; may set it again */
};

struct deadlines;

/* NULL without memory. */
struct deadlines *deadlines_new(struct loop *loop);
void deadlines_free(struct deadlines *all); /* what is still set is forgotten */

/* Sets or moves d. ERR_NOMEM leaves it unset. */
int deadline_set(struct deadlines *all, struct deadline *d, int64_t due_wall_ms, struct err *err) ERR_MUST_CHECK;
void deadline_clear(struct deadlines *all, struct deadline *d);

#endif
