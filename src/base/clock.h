/*
 * clock: the clocks, and RFC 3339.
 *
 * Durations are measured on the monotonic clock; what a process may do until others take its place is measured on the boot clock. Wall
 * time serves only to compare with times that objects carry, and can be fixed for tests (run --now). No other unit reads a clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { CLOCK_TEXT_LEN = 32 }; /* bytes for a formatted time, NUL included */

int64_t clock_mono_us(void);
int64_t clock_boot_us(void); /* as the monotonic clock, but goes on while the machine is suspended (CLOCK_BOOTTIME) */
int64_t clock_work_us(void); /* processor time of this thread */
int64_t clock_wall_ms(void); /* since the Unix epoch */

/* Fixes wall time; the monotonic clock goes on. */
void clock_fix_wall(int64_t wall_ms);
bool clock_is_fixed(void);

/* RFC 3339 with any offset and up to 9 fraction digits, to ms since the epoch. False when malformed. */
bool clock_parse(struct str text, int64_t *wall_ms);

/* "2026-03-01T10:10:00Z" (as metav1.Time) and "2026-03-01T10:10:00.123Z". Returns out. */
char *clock_format_s(int64_t wall_ms, char out[CLOCK_TEXT_LEN]);
char *clock_format_ms(int64_t wall_ms, char out[CLOCK_TEXT_LEN]);

/* This moment as metav1.MicroTime, "2026-03-01T10:10:00.123456Z", also where wall time is fixed: for what others take for a sign of life.
 */
char *clock_micro_time(char out[CLOCK_TEXT_LEN]);

#endif
