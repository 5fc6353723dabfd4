#include "kube/backoff.h"

#include <stdlib.h>

void backoff_good(struct backoff *b, int64_t now_us) {
    if (!b->good_since_us) b->good_since_us = now_us;
}

int64_t backoff_next(struct backoff *b, int64_t now_us) {
    if (b->good_since_us && now_us - b->good_since_us >= BACKOFF_GOOD_US) b->delay_ms = 0;
    b->good_since_us = 0;
    b->delay_ms = b->delay_ms ? b->delay_ms * 2 : BACKOFF_FIRST_MS;
    if (b->delay_ms > BACKOFF_LAST_MS) b->delay_ms = BACKOFF_LAST_MS;
    return b->delay_ms + arc4random_uniform((uint32_t)b->delay_ms / 2);
}

int64_t backoff_after(struct backoff *b, int64_t now_us, const struct err *failure) {
    int64_t delay_ms = backoff_next(b, now_us), asked_ms = (int64_t)failure->retry_after_s * 1000;
    return delay_ms > asked_ms ? delay_ms : asked_ms;
}
