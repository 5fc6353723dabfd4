/* Programs that are run: what they get, what is taken of what they print, and that they always end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/process.h"
#include "support/figure.h"

enum { WAIT_MS = 20000, LONG_MS = 60000, MAX_BYTES = 64 * 1024 };

static struct loop *loop;

struct ended {
    bool done;
    int count;
    char out[4096], said[256];
    struct err err;
};

static void on_done(const struct process_result *result, void *arg) {
    struct ended *e = arg;
    e->done = true;
    e->count++;
    snprintf(e->out, sizeof e->out, STR_FMT, STR_ARG(result->out));
    snprintf(e->said, sizeof e->said, STR_FMT, STR_ARG(result->said));
    e->err = result->err;
}

static const char *const ENV[] = {"PATH=/usr/bin:/bin", "GREETING=hello  world", NULL};

static struct process *start(const char *script, int64_t timeout_ms, struct ended *e) {
    const char *const args[] = {"/bin/sh", "-c", script, "name", "$HOME `id`", NULL};
    const struct process_options options = {
        .args = args, .env = ENV, .max_bytes = MAX_BYTES, .timeout_ms = timeout_ms, .done = on_done, .arg = e};
    struct err err;
    *e = (struct ended){0};
    struct process *p = process_start(loop, &options, &err);
    if (!p) fail_msg("%s", err.msg);
    assert_false(e->done);
    return p;
}

static void run(const char *script, int64_t timeout_ms, struct ended *e) {
    (void)start(script, timeout_ms, e);
    if (!loop_run_until(loop, &e->done, WAIT_MS)) fail_msg("%s: did not end", script);
}

static int setup(void **state) {
    (void)state;
    struct err err;
    loop = loop_new(&err);
    return loop ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    loop_free(loop);
    return 0;
}

/* Waits for what no event tells: the end of a process that is not ours. */
static void await_end_of(pid_t pid) {
    char path[64], state = 'R';
    int64_t until_us = clock_mono_us() + (int64_t)WAIT_MS * 1000;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    while (state != 'Z' && clock_mono_us() < until_us) {
        FILE *file = fopen(path, "r");
        if (!file) return;
        if (fscanf(file, "%*d %*s %c", &state) != 1) state = 'Z';
        fclose(file);
        usleep(1000);
    }
    assert_int_equal(state, 'Z'); /* whoever inherited it may be slow to reap */
}

static void no_child_is_left(void) {
    const bool never = false;
    int64_t until_us = clock_mono_us() + (int64_t)WAIT_MS * 1000;
    siginfo_t info;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && clock_mono_us() < until_us) (void)loop_run_until(loop, &never, 1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static size_t open_descriptors(void) {
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

/* Of our own descriptors a program gets those that whoever started us wanted inherited. */
static int inherited_descriptors(void) {
    int count = 0;
    for (int fd = 3; fd < 1024; fd++) count += fcntl(fd, F_GETFD) == 0;
    return count;
}

static void a_program_gets_its_arguments_and_environment_and_nothing_else(void **state) {
    (void)state;
    struct ended e;
    char expected[64];
    run("cat; echo \"$1|$GREETING|$#\"; env | wc -l; ls /proc/self/fd | wc -l; echo; echo ' said ' >&2; echo more >&2", LONG_MS, &e);
    if (e.err.code) fail_msg("%s", e.err.msg);
    /* The shell adds PWD; ls opens the folder that it lists. */
    snprintf(expected, sizeof expected, "$HOME `id`|hello  world|1\n3\n%d\n\n", inherited_descriptors() + 4);
    assert_string_equal(e.out, expected);
    assert_string_equal(e.said, "said");
    no_child_is_left();
}

static void how_it_ended_is_told(void **state) {
    (void)state;
    struct ended e;
    run("echo; echo 'no login: run setup' >&2; exit 3", LONG_MS, &e);
    assert_int_equal(e.err.code, ERR_IO);
    assert_string_equal(e.err.msg, "exit status 3");
    assert_string_equal(e.said, "no login: run setup");
    run("kill -TERM $$", LONG_MS, &e);
    assert_int_equal(e.err.code, ERR_IO);
    assert_string_equal(e.err.msg, "it was ended by signal 15 (Terminated)");
    assert_string_equal(e.said, "");
    no_child_is_left();
}

static void all_that_it_printed_is_there(void **state) {
    (void)state;
    struct ended e;
    for (int i = 0; i < 20; i++) {
        run("head -c 60000 /dev/zero | tr '\\0' x | tail -c 4000", LONG_MS, &e);
        assert_int_equal(strlen(e.out), 4000);
    }
}

static void a_hanging_program_ends_with_all_its_children(void **state) {
    (void)state;
    struct ended e;
    int64_t start_us = clock_mono_us();
    run("trap '' TERM; sleep 1000 & echo $!; while :; do sleep 1000; done", 300, &e);
    double late_s = (double)(clock_mono_us() - start_us) / 1e6 - 0.3;
    assert_int_equal(e.err.code, ERR_TIMEOUT);
    assert_string_equal(e.err.msg, "it did not end within 300 ms");
    assert_true(late_s >= 0);
    await_end_of((pid_t)strtol(e.out, NULL, 10));
    no_child_is_left();
    figure_record("login", "time that a hanging plugin goes on after its deadline", late_s, "s");
}

static void a_noisy_program_is_ended(void **state) {
    (void)state;
    struct ended e;
    int64_t start_us = clock_mono_us();
    run("yes token", LONG_MS, &e);
    assert_int_equal(e.err.code, ERR_LIMIT);
    assert_string_equal(e.err.msg, "it printed more than 64 KiB on its standard output");
    run("yes 'still waiting' >&2", LONG_MS, &e);
    assert_int_equal(e.err.code, ERR_LIMIT);
    assert_string_equal(e.err.msg, "it printed more than 64 KiB on its standard error");
    assert_string_equal(e.said, "still waiting");
    assert_int_equal(e.count, 1);
    run("head -c 70000 /dev/zero", LONG_MS, &e); /* it may end by itself before it is read */
    assert_int_equal(e.err.code, ERR_LIMIT);
    no_child_is_left();
    figure_record("login", "time until two noisy plugins are refused", (double)(clock_mono_us() - start_us) / 1e6, "s");
}

static void a_child_left_behind_holds_nothing_up(void **state) {
    (void)state;
    struct ended e;
    run("sleep 1000 & echo $!", LONG_MS, &e);
    assert_int_equal(e.err.code, ERR_NONE);
    pid_t child = (pid_t)strtol(e.out, NULL, 10);
    assert_true(child > 0);
    assert_int_equal(kill(child, SIGKILL), 0); /* it was left alone: a plugin may start an agent */
    no_child_is_left();
}

static void a_dropped_one_is_killed_and_silent(void **state) {
    (void)state;
    struct ended e;
    size_t before = open_descriptors();
    process_drop(start("sleep 1000", LONG_MS, &e));
    process_drop(NULL);
    no_child_is_left();
    assert_false(e.done);
    (void)start("sleep 1000", LONG_MS, &e);
    assert_true(open_descriptors() > before);
    loop_free(loop); /* what still runs ends with the loop */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_false(e.done);
    assert_int_equal(setup(NULL), 0);
}

static void nothing_leaks(void **state) {
    (void)state;
    struct ended e;
    run("echo", LONG_MS, &e); /* the loop's own descriptors for SIGCHLD */
    size_t before = open_descriptors();
    for (int i = 0; i < 50; i++) run(i % 2 ? "echo x" : "exit 1", LONG_MS, &e);
    no_child_is_left();
    assert_int_equal(open_descriptors(), before);
}

static void what_cannot_be_run_is_an_error(void **state) {
    (void)state;
    const char *const args[][2] = {{"/nowhere/at/all", NULL}, {"/etc/passwd", NULL}};
    const enum err_code codes[] = {ERR_NOT_FOUND, ERR_IO};
    struct ended e = {0};
    for (size_t i = 0; i < 2; i++) {
        const struct process_options options = {
            .args = args[i], .env = ENV, .max_bytes = 1, .timeout_ms = LONG_MS, .done = on_done, .arg = &e};
        struct err err;
        assert_null(process_start(loop, &options, &err));
        assert_int_equal(err.code, codes[i]);
        assert_non_null(strstr(err.msg, args[i][0]));
    }
    no_child_is_left();
    assert_false(e.done);
}

static void programs_are_found_by_absolute_folders_of_the_path(void **state) {
    (void)state;
    char dir[] = "/tmp/process_test.XXXXXX", path[64], list[128], old[4096];
    snprintf(old, sizeof old, "%s", getenv("PATH"));
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/thing", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    snprintf(list, sizeof list, "::.:/nowhere:%s", dir);
    setenv("PATH", list, 1);
    assert_null(process_find("thing")); /* not executable */
    assert_int_equal(chmod(path, 0700), 0);
    char *found = process_find("thing");
    assert_string_equal(found, path);
    free(found);
    assert_int_equal(chdir(dir), 0);
    setenv("PATH", ".:", 1);
    assert_null(process_find("thing"));
    setenv("PATH", old, 1);
    assert_int_equal(chdir("/"), 0);
    unlink(path);
    rmdir(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_program_gets_its_arguments_and_environment_and_nothing_else),
        TEST(how_it_ended_is_told),
        TEST(all_that_it_printed_is_there),
        TEST(a_hanging_program_ends_with_all_its_children),
        TEST(a_noisy_program_is_ended),
        TEST(a_child_left_behind_holds_nothing_up),
        TEST(a_dropped_one_is_killed_and_silent),
        TEST(nothing_leaks),
        TEST(what_cannot_be_run_is_an_error),
        cmocka_unit_test(programs_are_found_by_absolute_folders_of_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
