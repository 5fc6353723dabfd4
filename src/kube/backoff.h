/*
 * backoff: how long to wait before the next attempt: 0.8 s to 30 s, doubling, with jitter; from the start again after 2 good minutes.
 *
 * The numbers are those of client-go's reflector. The jitter (up to half as long again) keeps the watches of a process, and
 * the replicas of an operator, from coming back to a restarted API server at once.
 */
#ifndef KUBE_BACKOFF_H
#define KUBE_BACKOFF_H

#include <stdint.h>

#include "base/err.h"

enum { BACKOFF_FIRST_MS = 800, BACKOFF_LAST_MS = 30 * 1000, BACKOFF_GOOD_US = 120 * 1000 * 1000 };

struct backoff {
    int64_t delay_ms;      /* of the last wait, without jitter; 0: there was none */
    int64_t good_since_us; /* 0: it is not good */
};

/* The connection works. Calling it again changes nothing. */
void backoff_good(struct backoff *b, int64_t now_us);

/* It failed; the ms to wait. */
int64_t backoff_next(struct backoff *b, int64_t now_us);

/* The same, but no earlier than a Retry-After of the failure asks for. */
int64_t backoff_after(struct backoff *b, int64_t now_us, const struct err *failure);

#endif
