/*
 * memory: allocations that cannot fail. The fault proxy is a tool of tests: without memory it ends, and the test fails.
 */
#ifndef FAULTPROXY_MEMORY_H
#define FAULTPROXY_MEMORY_H

#include <stdlib.h>

#include "base/str.h"

static inline void *memory_or_end(void *p) {
    if (!p) abort();
    return p;
}

static inline void *memory_new(size_t bytes) { return memory_or_end(calloc(1, bytes)); }
static inline char *memory_text(struct str text) { return memory_or_end(str_dup(text)); }

#endif
