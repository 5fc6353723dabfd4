/*
 * process: runs a program without a shell and collects what it prints, on the loop.
 *
 * For kubeconfig's credential plugins (kube/plugin). The program has no input and no terminal, and leads a process group of its own: when
 * its time is up, when it prints too much or when nobody waits for it any more, the whole group is killed. It is always reaped.
 */
#ifndef NET_PROCESS_H
#define NET_PROCESS_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

struct process;

struct process_result {
    struct str out;  /* standard output; valid while `done` runs */
    struct str said; /* the first line of standard error that is not blank; as `out` */
    /*
     * code ERR_NONE: it ended by itself with status 0. ERR_TIMEOUT, ERR_LIMIT: it was killed. ERR_IO: another status, or a signal. The
     * message says which, without naming the program: "exit status 3".
     */
    struct err err;
};

struct process_options {
    const char *const *args; /* the program first: a path; NULL-terminated */
    const char *const *env;  /* its whole environment, "NAME=value", NULL-terminated */
    size_t max_bytes;        /* of each of its two streams */
    int64_t timeout_ms;
    void (*done)(const struct process_result *result, void *arg); /* once, never from within process_start; the process is gone then */
    void *arg;
};

/* What the options point to is copied. NULL with *err when it cannot be started (ERR_NOT_FOUND, ERR_IO, ERR_NOMEM): `done` is not called.
 */
struct process *process_start(struct loop *loop, const struct process_options *options, struct err *err) ERR_MUST_CHECK;

/* Kills it; `done` is not called any more. NULL: nothing. */
void process_drop(struct process *p);

/* The absolute path of the program that `name` (without a slash) means by PATH; only absolute folders of it count. The caller frees it;
 * NULL where there is none. */
char *process_find(const char *name);

#endif
