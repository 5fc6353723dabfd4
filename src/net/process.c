#include "net/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utlist.h>

#include "base/buf.h"
#include "net/loop_internal.h"

enum { OUT, SAID, STREAMS };
enum { BLOCK_BYTES = 16 * 1024, REAP_TRIES = 100, REAP_PAUSE_US = 10 * 1000 };

struct stream {
    uv_pipe_t uv;
    struct buf bytes;
};

struct process {
    uv_process_t uv;
    struct loop *loop;
    struct process *prev, *next; /* in the loop's list */
    struct stream streams[STREAMS];
    struct timer *timer;
    struct err err; /* why it was killed */
    int64_t timeout_ms;
    bool exited;
    unsigned open_handles;
    void (*done)(const struct process_result *result, void *arg); /* NULL: told, or nobody wants to know */
    void *arg;
    char block[BLOCK_BYTES];
};

static void free_streams(struct process *p) {
    for (int i = 0; i < STREAMS; i++) {
        /* What it printed may be a credential. */
        if (p->streams[i].bytes.data) explicit_bzero(p->streams[i].bytes.data, p->streams[i].bytes.cap);
        buf_free(&p->streams[i].bytes);
    }
    explicit_bzero(p->block, sizeof p->block);
}

static void on_closed(uv_handle_t *handle) {
    struct process *p = handle->data;
    if (--p->open_handles) return;
    free_streams(p);
    free(p);
}

/* The streams and the timer end with the telling, the process with its own end. */
static void close_streams(struct process *p) {
    for (int i = 0; i < STREAMS; i++) {
        uv_handle_t *handle = (uv_handle_t *)&p->streams[i].uv;
        if (!uv_is_closing(handle)) uv_close(handle, on_closed);
    }
    timer_free(p->timer);
    p->timer = NULL;
}

static void release(struct process *p) {
    DL_DELETE(p->loop->processes, p);
    uv_close((uv_handle_t *)&p->uv, on_closed);
    close_streams(p);
}

static struct str first_line(const struct buf *bytes) {
    struct str rest = {bytes->data, bytes->len}, line;
    do {
        (void)str_cut(rest, '\n', &line, &rest);
        while (line.n && (unsigned char)*line.p <= ' ') line.p++, line.n--;
        while (line.n && (unsigned char)line.p[line.n - 1] <= ' ') line.n--;
    } while (!line.n && rest.n);
    return line;
}

static void tell(struct process *p) {
    void (*done)(const struct process_result *, void *) = p->done;
    const struct buf *out = &p->streams[OUT].bytes;
    const struct process_result result = {.out = {out->data, out->len}, .said = first_line(&p->streams[SAID].bytes), .err = p->err};
    p->done = NULL;
    if (done) done(&result, p->arg);
}

/* Once the leader is reaped, its number may be another's. */
static void kill_group(const struct process *p) {
    if (!p->exited) (void)kill(-p->uv.pid, SIGKILL);
}

/* Told at once: a process that hangs in the kernel may die late. */
static void end_by_force(struct process *p) {
    kill_group(p);
    tell(p);
    close_streams(p);
}

static void on_timeout(void *arg) {
    struct process *p = arg;
    err_set(&p->err, ERR_TIMEOUT, "it did not end within %lld ms", (long long)p->timeout_ms);
    end_by_force(p);
}

static bool keep(struct process *p, struct stream *s, size_t n) { return buf_append(&s->bytes, p->block, n, &p->err) == 0; }

static void refuse_more(struct process *p, const struct stream *s) {
    if (p->err.code == ERR_LIMIT) {
        err_set(&p->err, ERR_LIMIT, "it printed more than %zu KiB on its standard %s", s->bytes.max_bytes / 1024,
                s == &p->streams[OUT] ? "output" : "error");
    }
    end_by_force(p);
}

static void give_block(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    (void)suggested;
    struct process *p = handle->data;
    *out = uv_buf_init(p->block, sizeof p->block);
}

static void on_bytes(uv_stream_t *handle, ssize_t n, const uv_buf_t *block) {
    (void)block;
    struct process *p = handle->data;
    struct stream *s = (struct stream *)handle;
    if (n < 0)
        (void)uv_read_stop(handle);
    else if (!keep(p, s, (size_t)n))
        refuse_more(p, s);
}

static void judge(struct process *p, int64_t status, int signum) {
    if (p->err.code || (!status && !signum)) return;
    if (signum)
        err_set(&p->err, ERR_IO, "it was ended by signal %d (%s)", signum, strsignal(signum));
    else
        err_set(&p->err, ERR_IO, "exit status %lld", (long long)status);
}

/* libuv looks after signals last in a turn: what it printed has been read by now. Children that it left behind may go on printing; that
 * does not count. */
static void on_end(uv_process_t *handle, int64_t status, int signum) {
    struct process *p = handle->data;
    p->exited = true;
    judge(p, status, signum);
    tell(p);
    release(p);
}

static struct process *process_new(struct loop *loop, const struct process_options *options) {
    struct process *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->timer = timer_new(loop, on_timeout, p);
    if (!p->timer) {
        free(p);
        return NULL;
    }
    p->loop = loop;
    p->timeout_ms = options->timeout_ms;
    p->done = options->done;
    p->arg = options->arg;
    p->uv.data = p;
    p->open_handles = 1 + STREAMS;
    for (int i = 0; i < STREAMS; i++) {
        (void)uv_pipe_init(&loop->uv, &p->streams[i].uv, 0);
        p->streams[i].uv.data = p;
        p->streams[i].bytes = buf_new(options->max_bytes);
    }
    return p;
}

static int spawn(struct process *p, const struct process_options *options) {
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->streams[OUT].uv},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->streams[SAID].uv},
    };
    /* uv_spawn takes char ** and changes nothing. Detached: a session of its own, so that its children are found by its group. */
    const uv_process_options_t how = {
        .file = options->args[0],
        .args = (char **)(uintptr_t)options->args,
        .env = (char **)(uintptr_t)options->env,
        .flags = UV_PROCESS_DETACHED,
        .exit_cb = on_end,
        .stdio = stdio,
        .stdio_count = sizeof stdio / sizeof *stdio,
    };
    return uv_spawn(&p->loop->uv, &p->uv, &how);
}

struct process *process_start(struct loop *loop, const struct process_options *options, struct err *err) {
    struct process *p = process_new(loop, options);
    if (!p) {
        err_set(err, ERR_NOMEM, "no memory to run %s", options->args[0]);
        return NULL;
    }
    DL_APPEND(loop->processes, p);
    int rc = spawn(p, options);
    if (rc) {
        loop_uv_error(err, rc, options->args[0]);
        release(p);
        return NULL;
    }
    for (int i = 0; i < STREAMS; i++) (void)uv_read_start((uv_stream_t *)&p->streams[i].uv, give_block, on_bytes);
    timer_start(p->timer, options->timeout_ms);
    return p;
}

void process_drop(struct process *p) {
    if (!p) return;
    p->done = NULL;
    end_by_force(p);
}

/* SIGKILL takes a moment; one that hangs in the kernel is left to init. */
static void reap(const struct process *p) {
    for (int tries = 0; tries < REAP_TRIES && waitpid(p->uv.pid, NULL, WNOHANG) == 0; tries++) usleep(REAP_PAUSE_US);
}

void loop_processes_close(struct loop *loop) {
    while (loop->processes) {
        struct process *p = loop->processes;
        kill_group(p);
        reap(p);
        p->done = NULL;
        release(p);
    }
}

static bool is_program(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *process_find(const char *name) {
    struct str rest = str_of(getenv("PATH")), folder;
    while (rest.n) {
        char *path = NULL;
        (void)str_cut(rest, ':', &folder, &rest);
        if (!str_starts(folder, STR("/")) || asprintf(&path, STR_FMT "/%s", STR_ARG(folder), name) < 0) continue;
        if (is_program(path)) return path;
        free(path);
    }
    return NULL;
}
