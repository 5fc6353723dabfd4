/*
 * loop_internal: what loop.c, timer.c, worker.c, signal.c, process.c and dirwatch.c know of each other. Not for other units.
 */
#ifndef NET_LOOP_INTERNAL_H
#define NET_LOOP_INTERNAL_H

#include <uv.h>

#include "net/loop.h"

struct signal_watch {
    uv_signal_t uv;
    void (*handler)(int signum, void *arg);
    void *arg;
    struct signal_watch *next;
};

struct loop {
    uv_loop_t uv;
    uv_async_t keep;     /* always active: without it uv_run returns when nothing is registered */
    uv_timer_t deadline; /* of loop_run_until */
    uv_prepare_t gate;   /* of loop_run_until */
    const bool *awaited;
    struct signal_watch *signals;
    struct process *processes; /* those that were dropped may not have ended yet */
    bool stopped;
    bool expired;
};

/* Closes the handles; their memory goes in the close callbacks. */
void loop_signals_close(struct loop *loop);

/* Kills and reaps what still runs. */
void loop_processes_close(struct loop *loop);

/* Stores "what: reason" of a libuv error code; ERR_NOMEM, ERR_NOT_FOUND or ERR_IO. */
int loop_uv_error(struct err *err, int uv_code, const char *what);

#endif
