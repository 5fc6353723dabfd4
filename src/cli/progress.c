#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { SILENT_US = 1000 * 1000, PAUSE_US = 10 * 1000 * 1000 };

struct progress progress_begin(const char *verb) {
    return (struct progress){.verb = verb, .started_us = clock_mono_us(), .terminal = isatty(STDERR_FILENO)};
}

void progress_say(struct progress *p, const char *what) {
    int64_t now_us = clock_mono_us(), seconds = (now_us - p->started_us) / 1000000;
    bool due = p->terminal || !p->told_us || now_us - p->told_us >= PAUSE_US;
    if (now_us - p->started_us < SILENT_US || !due) return;
    p->told_us = now_us;
    /* ECMA-48: carriage return, erase to the end of the line */
    fprintf(stderr, p->terminal ? "\r\033[K%s: %s (%lld s)" : "%s: %s (%lld s)\n", p->verb, what, (long long)seconds);
}

void progress_end(struct progress *p) {
    if (p->terminal && p->told_us) fputs("\r\033[K", stderr);
    p->told_us = 0;
}
