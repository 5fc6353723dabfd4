#include "support/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

pid_t program_start(const char *log, char *const *argv) {
    pid_t pid = fork();
    if (pid < 0) {
        perror("bench: fork");
        exit(1);
    }
    if (pid > 0) return pid;
    if (!freopen(log, "w", stdout) || dup2(1, 2) < 0) _exit(127);
    execv(argv[0], argv);
    _exit(127);
}

void program_stop(pid_t pid) {
    if (pid <= 0) return;
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

double program_cpu_s(pid_t pid) {
    clockid_t clock;
    struct timespec t = {0};
    if (!clock_getcpuclockid(pid, &clock)) clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* /proc/PID/stat from the state on (proc(5)): the name before it may hold anything. */
static const char *read_stat(pid_t pid, char line[1024]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    const char *after = f && fgets(line, 1024, f) ? strrchr(line, ')') : NULL;
    if (f) fclose(f);
    return after ? after + 2 : "";
}

double program_system_s(pid_t pid) {
    char line[1024];
    unsigned long ticks = 0;
    (void)sscanf(read_stat(pid, line), "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %lu", &ticks);
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

bool program_is_running(pid_t pid) {
    char line[1024];
    return *read_stat(pid, line) == 'R';
}

double program_memory_mb(pid_t pid, const char *field) {
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, field, strlen(field))) kb = strtol(line + strlen(field) + 1, NULL, 10);
    if (f) fclose(f);
    return (double)kb / 1024;
}
