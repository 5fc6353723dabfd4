/*
 * loop: the one event loop (libuv), timers, posted work and signals.
 *
 * Everything in the process runs on this loop and nothing blocks it. Callbacks get the `arg` they were registered with.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct timer;

/* Also makes the process ignore SIGPIPE: a peer that went away shows as an error of the write. */
struct loop *loop_new(struct err *err) ERR_MUST_CHECK;
void loop_free(
    struct loop *loop); /* after loop_run has returned; every other unit is closed before: a handle left open aborts. NULL: nothing */

/* Runs until loop_stop; returns then. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs until *flag is true, timeout_ms have passed or loop_stop was called; what *flag is then. For one-shot verbs and tests. */
bool loop_run_until(struct loop *loop, const bool *flag, int64_t timeout_ms);

/* The libuv handle, for units of net only. */
struct uv_loop_s *loop_uv(struct loop *loop);

/* A timer, stopped at birth. It must not be freed within loop_free. NULL without memory. */
struct timer *timer_new(struct loop *loop, void (*fire)(void *arg), void *arg);
void timer_start(struct timer *t, int64_t delay_ms); /* fires once, never early; starting again moves it */
void timer_stop(struct timer *t);
bool timer_active(const struct timer *t);
void timer_free(struct timer *t); /* NULL: nothing; safe inside its own callback */

/* `work` runs on each turn of the loop, after I/O, until it returns false (idle). It bounds its own time. */
struct worker;
struct worker *worker_new(struct loop *loop, bool (*work)(void *arg), void *arg);
void worker_wake(struct worker *w); /* call `work` again from the next turn on */
void worker_free(struct worker *w);

/* Calls back on SIGINT, SIGTERM, SIGHUP … ; one handler a signal. */
int loop_on_signal(struct loop *loop, int signum, void (*handler)(int signum, void *arg), void *arg, struct err *err) ERR_MUST_CHECK;

/* Calls back when something in a directory changes (inotify); bursts are reported at least once. */
struct dirwatch;
struct dirwatch *dirwatch_new(struct loop *loop, const char *dir, void (*changed)(void *arg), void *arg, struct err *err) ERR_MUST_CHECK;
void dirwatch_free(struct dirwatch *w);

#endif
