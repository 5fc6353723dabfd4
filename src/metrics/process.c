#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "metrics/registry.h"

/* Fields of /proc/self/stat (proc(5)) from the third on; the second, the command, may hold spaces and brackets. */
struct proc_stat {
    uint64_t user_ticks, system_ticks, start_ticks, virtual_bytes, resident_pages;
};

static bool read_stat(struct proc_stat *out) {
    struct buf text = buf_new(4096);
    bool ok = false;
    if (file_read("/proc/self/stat", &text, NULL) == 0 && text.len) {
        const char *after = strrchr(text.data, ')');
        ok = after && sscanf(after,
                             ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d %*d %*d %" SCNu64
                             " %" SCNu64 " %" SCNu64,
                             &out->user_ticks, &out->system_ticks, &out->start_ticks, &out->virtual_bytes, &out->resident_pages) == 5;
    }
    buf_free(&text);
    return ok;
}

static double count_fds(void) {
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return 0;
    double count = 0;
    while (readdir(dir)) count++;
    closedir(dir);
    return count - 3; /* ".", ".." and the directory itself */
}

/* /proc/self/stat counts from boot; the boot time is in /proc/stat. */
static double start_time_s(uint64_t start_ticks, double ticks_per_s) {
    struct buf text = buf_new(4 * 1024 * 1024);
    double boot = 0;
    if (file_read("/proc/stat", &text, NULL) == 0 && text.len) {
        const char *line = strstr(text.data, "\nbtime ");
        if (line) boot = strtod(line + 7, NULL);
    }
    buf_free(&text);
    return boot + (double)start_ticks / ticks_per_s;
}

static void collect(void *arg) {
    struct metrics *m = arg;
    struct proc_stat stat = {0};
    double ticks_per_s = (double)sysconf(_SC_CLK_TCK);
    if (read_stat(&stat)) {
        double cpu_s = (double)(stat.user_ticks + stat.system_ticks) / ticks_per_s;
        metric_add(m->process.cpu, NULL, cpu_s - metric_value(m->process.cpu, NULL));
        metric_set(m->process.virtual, NULL, (double)stat.virtual_bytes);
        metric_set(m->process.resident, NULL, (double)stat.resident_pages * (double)sysconf(_SC_PAGESIZE));
        if (metric_value(m->process.start, NULL) == 0) metric_set(m->process.start, NULL, start_time_s(stat.start_ticks, ticks_per_s));
    }
    struct mallinfo2 heap = mallinfo2();
    metric_set(m->process.heap, NULL, (double)(heap.uordblks + heap.hblkhd));
    metric_set(m->process.fds, NULL, count_fds());
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) metric_set(m->process.max_fds, NULL, (double)limit.rlim_cur);
}

static struct metric *define(struct metrics *m, const char *name, const char *help, enum metric_type type) {
    return metrics_define(m, &(struct metric_def){.name = name, .help = help, .type = type});
}

void metrics_define_process(struct metrics *m) {
    m->process.cpu = define(m, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", METRIC_COUNTER);
    m->process.resident = define(m, "process_resident_memory_bytes", "Resident memory size in bytes.", METRIC_GAUGE);
    m->process.virtual = define(m, "process_virtual_memory_bytes", "Virtual memory size in bytes.", METRIC_GAUGE);
    m->process.heap = define(m, "process_heap_bytes", "Bytes of the heap in use.", METRIC_GAUGE);
    m->process.fds = define(m, "process_open_fds", "Number of open file descriptors.", METRIC_GAUGE);
    m->process.max_fds = define(m, "process_max_fds", "Maximum number of open file descriptors.", METRIC_GAUGE);
    m->process.start = define(m, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", METRIC_GAUGE);
    metrics_on_collect(m, collect, m);
}
