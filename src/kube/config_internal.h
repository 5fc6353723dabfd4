/*
 * config_internal: config.c looks where a configuration may be, kubeconfig.c reads its clusters and users, kubeconfig_exec.c their
 * credential plugins. Not for other units.
 */
#ifndef KUBE_CONFIG_INTERNAL_H
#define KUBE_CONFIG_INTERNAL_H

#include "base/buf.h"
#include "base/str.h"
#include "doc/doc.h"
#include "kube/config.h"

enum {
    CONFIG_MAX_FILE_BYTES = 1024 * 1024,
    CONFIG_MAX_FILES = 16, /* in $KUBECONFIG */
};

/* Reads the files (all exist; the first that has a name or a current context wins) and settles on one context. */
int kubeconfig_load(const char *const *paths, size_t count, bool from_env, const char *context, struct kube_config **out,
                    struct err *err) ERR_MUST_CHECK;

/* The content of a file as a NUL-terminated text in *out, which is replaced. */
int config_read_file(const char *path, char **out, struct err *err) ERR_MUST_CHECK;

/* Replaces *out by a copy of `text`. */
int config_copy(char **out, struct str text, struct err *err) ERR_MUST_CHECK;
int config_printf(char **out, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4))) ERR_MUST_CHECK;

/* A named entry of one of the lists of a kubeconfig, and the file it stands in, which its relative paths start from. */
struct config_entry {
    const char *kind; /* "cluster", "user", "context" */
    struct str name;
    const char *path; /* NULL: not found */
    struct doc_value value;
};

#define ENTRY_FMT "%s: %s \"" STR_FMT "\""
#define ENTRY_ARG(e) (e)->path, (e)->kind, STR_ARG((e)->name)

/* The string in a field of `object`, which is e's value or below it and is named `where` in messages; *out stays where there is none. */
int config_copy_field(const struct config_entry *e, struct doc_value object, const char *where, const char *field, char **out,
                      struct err *err) ERR_MUST_CHECK;

/* Makes a path that starts from the folder of e's file absolute. */
int config_resolve_path(const struct config_entry *e, char **path, struct err *err) ERR_MUST_CHECK;

/* The plugin of a user, who needs it; the cluster is known already. NULL in *out: the user has none. */
int kubeconfig_read_exec(const struct config_entry *user, const struct config_entry *cluster, const struct kube_config *config,
                         struct kube_exec **out, struct err *err) ERR_MUST_CHECK;
void kubeconfig_free_exec(struct kube_exec *exec);

/* Checks the server address, drops slashes at its end, and points `tls` at what was read. */
int config_finish(struct kube_config *config, struct err *err) ERR_MUST_CHECK;

#endif
