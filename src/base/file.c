#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct err *err, const char *verb, const char *path) {
    int number = errno;
    return err_set(err, number == ENOENT || number == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, "cannot %s %s: %s", verb, path,
                   strerrordesc_np(number));
}

static int read_all(int fd, const char *path, struct buf *out, struct err *err) {
    char block[16 * 1024];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(err, "read", path);
        if (n == 0) return 0;
        int rc = buf_append(out, block, (size_t)n, err);
        if (rc) {
            err_prefix(err, "%s", path);
            return rc;
        }
    }
}

int file_read(const char *path, struct buf *out, struct err *err) {
    if (strcmp(path, "-") == 0) return read_all(STDIN_FILENO, "standard input", out, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(err, "open", path);
    int rc = read_all(fd, path, out, err);
    close(fd);
    return rc;
}

static bool write_all(int fd, struct str content) {
    while (content.n) {
        ssize_t n = write(fd, content.p, content.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        content.p += n;
        content.n -= (size_t)n;
    }
    return true;
}

/* The content must be on the disk before the name points to it, or a crash leaves an empty file under the good name. */
static bool fill(int fd, struct str content, unsigned mode) {
    bool ok = write_all(fd, content) && fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0;
    int number = errno;
    if (close(fd) != 0 && ok) return false;
    errno = number;
    return ok;
}

int file_write(const char *path, struct str content, unsigned mode, struct err *err) {
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) return err_set(err, ERR_NOMEM, "no memory to write %s", path);
    int rc = 0;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        rc = fail(err, "write beside", path);
    } else if (!fill(fd, content, mode) || rename(temporary, path) != 0) {
        rc = fail(err, "write", path);
        unlink(temporary);
    }
    free(temporary);
    return rc;
}
