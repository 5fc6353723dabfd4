/*
 * plugin: asks the credential plugin of a kubeconfig for a credential: one run, one answer. When to run it, login decides.
 *
 * The contract is client.authentication.k8s.io/v1 and v1beta1 (Kubernetes docs: "client-go credential plugins"). What the plugin prints
 * on its standard output never shows in a message; of its standard error the first line does.
 */
#ifndef KUBE_PLUGIN_H
#define KUBE_PLUGIN_H

#include "kube/config.h"
#include "net/process.h"

enum { PLUGIN_MAX_BYTES = 1024 * 1024 };

/* What a plugin answered. NULL members: not given; a token, or a certificate with its key, or all three are. */
struct plugin_answer {
    char *token;
    char *cert_pem, *key_pem;
    int64_t expires_ms; /* wall time; 0: it does not say */
};

/* Wipes and frees the texts. */
void plugin_answer_clear(struct plugin_answer *answer);

struct plugin;

/*
 * `done` is called from the loop after each run: with its answer, which is taken over by clearing the original, or with an error:
 * ERR_TIMEOUT after exec->timeout_ms, ERR_IO for everything else that went wrong, ERR_NOMEM. Borrows exec. NULL without memory.
 */
struct plugin *plugin_new(struct loop *loop, const struct kube_exec *exec,
                          void (*done)(struct plugin_answer *answer, const struct err *err, void *arg), void *arg);
void plugin_free(struct plugin *p); /* a run under way is killed; NULL: nothing */

/* Starts a run; not while one is under way. ERR_IO, ERR_NOMEM when it cannot be started: `done` is not called then. */
int plugin_start(struct plugin *p, struct err *err) ERR_MUST_CHECK;
bool plugin_is_running(const struct plugin *p);

/* The text that a plugin printed, read by the rules of `api_version`. ERR_INVALID, ERR_SYNTAX, ERR_NOMEM. */
int plugin_read_answer(struct str text, const char *api_version, struct plugin_answer *answer, struct err *err) ERR_MUST_CHECK;

#endif
