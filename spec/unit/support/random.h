/*
 * random: numbers that look like chance and are the same in every run (Knuth's linear congruence), for tests of properties.
 */
#ifndef SUPPORT_RANDOM_H
#define SUPPORT_RANDOM_H

#include <stdint.h>

static uint64_t rnd_seed = 20260301;

/* 0 to n - 1. */
static inline unsigned rnd(unsigned n) {
    rnd_seed = rnd_seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(rnd_seed >> 33) % n;
}

#endif
