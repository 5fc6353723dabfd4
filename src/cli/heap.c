#include "cli/heap.h"

#include <malloc.h>
#include <stdlib.h>

enum { GIVE_BACK_MS = 60 * 1000 };

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
