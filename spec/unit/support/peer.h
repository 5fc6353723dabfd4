/*
 * peer: a gRPC server in a process of its own: a program of spec/engine, run by the Python that spec/engine/install.sh prepared.
 */
#ifndef SUPPORT_PEER_H
#define SUPPORT_PEER_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer {
    pid_t pid;
    FILE *output;
};

/* Where Python with grpcio is; false: it is not installed (make test does that, where it can). */
static inline bool peer_python(char *path, size_t size) {
    FILE *pipe = popen("spec/engine/install.sh --there", "r");
    bool ok = pipe && fgets(path, (int)size, pipe);
    ok = pipe && pclose(pipe) == 0 && ok;
    if (ok) path[strcspn(path, "\n")] = '\0';
    return ok;
}

/* Starts `spec/engine/PROGRAM [arguments]` and reads its first line. */
static inline bool peer_start(struct peer *p, const char *python, const char *program, const char *script, const char *log, char *line,
                              int size) {
    int out[2];
    char path[256];
    if (pipe(out)) return false;
    (void)snprintf(path, sizeof path, "spec/engine/%s", program);
    p->pid = fork();
    if (p->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that crashes takes it along */
        (void)dup2(out[1], 1);
        for (int fd = 3; fd < 256; fd++) (void)close(fd);
        (void)execl(python, python, path, script, log, (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    p->output = fdopen(out[0], "r");
    return p->pid > 0 && p->output && fgets(line, size, p->output);
}

static inline void peer_stop(struct peer *p) {
    int status;
    (void)kill(p->pid, SIGTERM);
    (void)waitpid(p->pid, &status, 0);
    (void)fclose(p->output);
}

#endif
