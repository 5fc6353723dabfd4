/*
 * program: the programs that a bench starts, and what they cost.
 */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/* Starts argv[0]; what it prints goes into the file `log`. Ends the bench where it cannot. */
pid_t program_start(const char *log, char *const *argv);
void program_stop(pid_t pid); /* SIGTERM, and waits */

/* CPU of all its threads since its start; the second one: of that, in the kernel (to 10 ms). */
double program_cpu_s(pid_t pid);
double program_system_s(pid_t pid);

bool program_is_running(pid_t pid); /* or wants to */

/* A field of /proc/PID/status: VmRSS, VmHWM, RssAnon. */
double program_memory_mb(pid_t pid, const char *field);

#endif
