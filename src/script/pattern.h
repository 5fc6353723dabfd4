/*
 * pattern: Lua 5.4 patterns (reference manual, section 6.4.1), matched within a budget of steps.
 *
 * The matcher of Lua's own library backtracks without end on a hostile pattern and no hook interrupts it; this one stops when its
 * budget is used up. It knows nothing of Lua states. Used by lib_pattern.c.
 */
#ifndef SCRIPT_PATTERN_H
#define SCRIPT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { PATTERN_MAX_CAPTURES = 32, PATTERN_MAX_DEPTH = 200 };

enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 }; /* instead of a length */

struct capture {
    const char *start;
    ptrdiff_t len;
};

struct matcher {
    struct str subject, pattern;
    int64_t budget;    /* steps left; the match ends without result when there are none */
    const char *error; /* what is wrong with the pattern; NULL: nothing so far */
    int depth;
    int level; /* captures in use */
    struct capture captures[PATTERN_MAX_CAPTURES];
};

/* Matches the pattern from its offset `p` (past an anchor) exactly at s. The end of the match, or NULL: no match, error or no budget. */
const char *pattern_match(struct matcher *m, const char *s, size_t p);

/* True when nothing in it is special, so that a plain search does. */
bool pattern_is_plain(struct str pattern);

#endif
