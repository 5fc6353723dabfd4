/*
 * alloc_fault: makes the n-th allocation of a test fail.
 *
 * Include it in one file of a test binary: it stands before the C library's malloc, or the sanitizer's. Allocations of libraries
 * count too.
 *
 *     alloc_fault_after(3);   three succeed, the fourth fails, then all succeed
 *
 *     alloc_fault_own = true;    only allocations of the project's own code count, not those of libraries
 *     alloc_fault_for_us = 500;  all fail for so long
 *     alloc_fault_count          allocations that counted so far
 */
#ifndef SUPPORT_ALLOC_FAULT_H
#define SUPPORT_ALLOC_FAULT_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

static long alloc_fault_left = -1; /* allocations until the failing one; negative: none fails */
static bool alloc_fault_hit, alloc_fault_own;
static long alloc_fault_count;
static int64_t alloc_fault_for_us, alloc_fault_until_us; /* until then, all fail */

/* Set by the linker: the code of the executable, in which the project's archives are and no library is. */
extern const char __executable_start[], etext[];

/* Not inlined: the sanitizer allocates before it can watch over a local variable. */
__attribute__((noinline)) static int64_t alloc_fault_clock_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool alloc_fault_now(const void *caller) {
    if (alloc_fault_own && ((const char *)caller < __executable_start || (const char *)caller >= etext)) return false;
    alloc_fault_count++;
    if (alloc_fault_until_us && alloc_fault_clock_us() < alloc_fault_until_us) return true;
    alloc_fault_until_us = 0;
    if (alloc_fault_left < 0 || alloc_fault_left-- > 0) return false;
    alloc_fault_hit = true;
    if (alloc_fault_for_us) alloc_fault_until_us = alloc_fault_clock_us() + alloc_fault_for_us;
    return true;
}

/* The allocator that this one stands before. */
static void *alloc_fault_real(const char *name) { return dlsym(RTLD_NEXT, name); }

void *malloc(size_t n) {
    static void *(*real)(size_t);
    if (alloc_fault_now(__builtin_return_address(0))) return NULL;
    if (!real) real = (void *(*)(size_t))(uintptr_t)alloc_fault_real("malloc");
    return real(n);
}

void *calloc(size_t count, size_t n) {
    static void *(*real)(size_t, size_t);
    if (alloc_fault_now(__builtin_return_address(0))) return NULL;
    if (!real) real = (void *(*)(size_t, size_t))(uintptr_t)alloc_fault_real("calloc");
    return real(count, n);
}

void *realloc(void *p, size_t n) {
    static void *(*real)(void *, size_t);
    if (alloc_fault_now(__builtin_return_address(0))) return NULL;
    if (!real) real = (void *(*)(void *, size_t))(uintptr_t)alloc_fault_real("realloc");
    return real(p, n);
}

static inline void alloc_fault_after(long allocations) {
    alloc_fault_left = allocations;
    alloc_fault_until_us = 0;
    alloc_fault_hit = false;
}

/* Ends the injection; true when an allocation did fail. */
static inline bool alloc_fault_end(void) {
    alloc_fault_left = -1;
    alloc_fault_until_us = 0;
    return alloc_fault_hit;
}

#endif
