/*
 * progress: tells whoever waits for a verb what for, on standard error, once it has taken over a second.
 *
 * On a terminal one line that is written over, elsewhere a line at most every ten seconds.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *verb;
    int64_t started_us, told_us; /* told_us 0: nothing yet */
    bool terminal;
};

struct progress progress_begin(const char *verb);
void progress_say(struct progress *p, const char *what);
void progress_end(struct progress *p); /* takes the line away; more may follow */

#endif
