#include "cli/paths.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LEVELS = 3 }; /* build/k8sgpt-operator, build/asan/k8sgpt-operator */

static bool is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* True when `root` has both folders; then *out has their paths. */
static bool take(const char *root, struct paths *out) {
    paths_free(out);
    if (asprintf(&out->policies, "%s/policies", root) < 0) out->policies = NULL;
    if (asprintf(&out->lua, "%s/lua", root) < 0) out->lua = NULL;
    return out->policies && out->lua && is_dir(out->policies) && is_dir(out->lua);
}

static bool up(char *path) {
    char *slash = strrchr(path, '/');
    if (!slash || slash == path) return false;
    *slash = '\0';
    return true;
}

static bool find(char *dir, struct paths *out) {
    char share[PATH_MAX + 64];
    snprintf(share, sizeof share, "%s/../share/k8sgpt-operator", dir);
    if (take(share, out)) return true;
    for (int level = 0; level < MAX_LEVELS && up(dir); level++)
        if (take(dir, out)) return true;
    return false;
}

int paths_find(const char *builtin, struct paths *out, struct err *err) {
    char exe[PATH_MAX], above[PATH_MAX];
    *out = (struct paths){0};
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n < 0) return err_set(err, ERR_IO, "cannot tell where this executable is: /proc is not mounted?");
    exe[n] = '\0';
    up(exe);
    snprintf(above, sizeof above, "%s", exe);
    bool found = find(above, out);
    if (!found) {
        paths_free(out);
        return err_set(err, ERR_NOT_FOUND, "no built-in policies at %s/../share/k8sgpt-operator nor in a checkout above it", exe);
    }
    if (!builtin) return 0;
    free(out->policies);
    out->policies = strdup(builtin);
    if (!out->policies) return err_set(err, ERR_NOMEM, "no memory");
    return is_dir(builtin) ? 0 : err_set(err, ERR_NOT_FOUND, "--builtin-policies %s: no such folder", builtin);
}

void paths_free(struct paths *p) {
    free(p->policies);
    free(p->lua);
    *p = (struct paths){0};
}
