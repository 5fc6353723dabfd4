/*
 * alloc_fault: makes the n-th allocation of a test fail.
 *
 * Include it in one file of a test binary: it stands before the C library's malloc, or the sanitizer's. Allocations of libraries
 * count too.
 *
 *     alloc_fault_after(3);   three succeed, the fourth fails, then all succeed
 */
#ifndef SUPPORT_ALLOC_FAULT_H
#define SUPPORT_ALLOC_FAULT_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static long alloc_fault_left = -1; /* allocations until the failing one; negative: none fails */
static bool alloc_fault_hit;

void *malloc(size_t n);
void *calloc(size_t count, size_t n);
void *realloc(void *p, size_t n);

static bool alloc_fault_now(void) {
    if (alloc_fault_left < 0 || alloc_fault_left-- > 0) return false;
    alloc_fault_hit = true;
    return true;
}

/* The allocator that this one stands before. */
static void *alloc_fault_real(const char *name) { return dlsym(RTLD_NEXT, name); }

void *malloc(size_t n) {
    static void *(*real)(size_t);
    if (alloc_fault_now()) return NULL;
    if (!real) real = (void *(*)(size_t))(uintptr_t)alloc_fault_real("malloc");
    return real(n);
}

void *calloc(size_t count, size_t n) {
    static void *(*real)(size_t, size_t);
    if (alloc_fault_now()) return NULL;
    if (!real) real = (void *(*)(size_t, size_t))(uintptr_t)alloc_fault_real("calloc");
    return real(count, n);
}

void *realloc(void *p, size_t n) {
    static void *(*real)(void *, size_t);
    if (alloc_fault_now()) return NULL;
    if (!real) real = (void *(*)(void *, size_t))(uintptr_t)alloc_fault_real("realloc");
    return real(p, n);
}

static inline void alloc_fault_after(long allocations) {
    alloc_fault_left = allocations;
    alloc_fault_hit = false;
}

/* Ends the injection; true when an allocation did fail. */
static inline bool alloc_fault_end(void) {
    alloc_fault_left = -1;
    return alloc_fault_hit;
}

#endif
