/*
 * heap: keeps what the process holds near to what it uses. One thread allocates, so there is one arena; and every minute glibc gives back
 * what lies free between things in use: it does so of itself only at the end of the heap, and lists that come and go leave gaps that add up
 * for days. Used by run; analyze has other needs.
 */
#ifndef CLI_HEAP_H
#define CLI_HEAP_H

#include "net/loop.h"

struct heap;

/* NULL without memory. */
struct heap *heap_new(struct loop *loop);
void heap_free(struct heap *h);

/* For a process that works once and ends: memory comes in large pieces, of huge pages where the kernel has them, and nothing of it is given
 * back before. Before the first thread. */
void heap_of_one_look(void);

#endif
