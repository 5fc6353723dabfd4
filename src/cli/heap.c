#include "cli/heap.h"

#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    GIVE_BACK_MS = 60 * 1000,
    LARGE_PIECE_BYTES = 16 * 1024 * 1024,
    BLOCK_BYTES = 100 * 1024, /* two are more than glibc begins with; one is less than what it would map apart */
    HUGE_PAGE_BYTES = 2 * 1024 * 1024,
};

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

/* Huge pages where the kernel has them (madvise(2)): thousands of small ones would each cost a fault, and their addresses a look-up. */
static void ask_for_huge_pages(char *from, char *to) {
    uintptr_t first = ((uintptr_t)from + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    if (first < (uintptr_t)to) (void)madvise((void *)first, (uintptr_t)to - first, MADV_HUGEPAGE);
}

void heap_of_one_look(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, LARGE_PIECE_BYTES);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    char *end = sbrk(0);
    void *volatile blocks[] = {malloc(BLOCK_BYTES), malloc(BLOCK_BYTES)}; /* volatile: else the compiler leaves both out */
    ask_for_huge_pages(end, sbrk(0));
    free(blocks[0]);
    free(blocks[1]);
}
