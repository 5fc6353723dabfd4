/*
 * alloc_fault: makes the n-th allocation of a test fail.
 *
 * Include it in one file of a test binary: it stands before the C library's malloc, or the sanitizer's. Allocations of libraries
 * count too.
 *
 *     alloc_fault_after(3);   three succeed, the fourth fails, then all succeed
 *
 *     alloc_fault_own(libc);     from now on only the project's own allocations count, and, if wanted, the C library's
 *     alloc_fault_for_us = 500;  all fail for so long
 *     alloc_fault_count          allocations that counted so far
 */
#ifndef SUPPORT_ALLOC_FAULT_H
#define SUPPORT_ALLOC_FAULT_H

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

static long alloc_fault_left = -1; /* allocations until the failing one; negative: none fails */
static bool alloc_fault_hit;
static long alloc_fault_count;
static int64_t alloc_fault_for_us, alloc_fault_until_us; /* until then, all fail */

/* Whose allocations count: the code of the executable, in which the project's archives are, and that of the C library. */
static struct { uintptr_t from, to; } alloc_fault_code[2];

static int alloc_fault_object(struct dl_phdr_info *object, size_t size, void *arg) {
    (void)size;
    bool is_executable = !object->dlpi_name[0], is_libc = *(const bool *)arg && strstr(object->dlpi_name, "/libc.so") != NULL;
    for (int i = 0; (is_executable || is_libc) && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &object->dlpi_phdr[i];
        if (h->p_type != PT_LOAD || !(h->p_flags & PF_X)) continue;
        alloc_fault_code[is_libc].from = object->dlpi_addr + h->p_vaddr;
        alloc_fault_code[is_libc].to = object->dlpi_addr + h->p_vaddr + h->p_memsz;
    }
    return 0;
}

__attribute__((unused)) static void alloc_fault_own(bool libc) { dl_iterate_phdr(alloc_fault_object, &libc); }

/* The dynamic linker allocates before the sanitizer is ready. */
#define ALLOC_FAULT_EARLY __attribute__((no_sanitize_address, no_sanitize_undefined))

ALLOC_FAULT_EARLY static bool alloc_fault_counts(const void *caller) {
    uintptr_t at = (uintptr_t)caller;
    for (int i = 0; i < 2; i++)
        if (at >= alloc_fault_code[i].from && at < alloc_fault_code[i].to) return true;
    return !alloc_fault_code[0].to;
}

/* Not inlined: the sanitizer allocates before it can watch over a local variable. */
__attribute__((noinline)) ALLOC_FAULT_EARLY static int64_t alloc_fault_clock_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

ALLOC_FAULT_EARLY static bool alloc_fault_now(const void *caller) {
    if (!alloc_fault_counts(caller)) return false;
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
