#include "cli/heap.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>

enum { GIVE_BACK_MS = 60 * 1000, LARGE_PIECE_BYTES = 16 * 1024 * 1024 };

struct heap {
    struct timer *timer;
};

static void give_back(void *arg) {
    struct heap *h = arg;
    malloc_trim(0);
    timer_start(h->timer, GIVE_BACK_MS);
}

struct heap *heap_new(struct loop *loop) {
    struct heap *h = calloc(1, sizeof *h);
    mallopt(M_ARENA_MAX, 1);
    if (h && (h->timer = timer_new(loop, give_back, h))) {
        timer_start(h->timer, GIVE_BACK_MS);
        return h;
    }
    free(h);
    return NULL;
}

void heap_free(struct heap *h) {
    if (!h) return;
    timer_free(h->timer);
    free(h);
}

void heap_of_one_look(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, LARGE_PIECE_BYTES);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
}
