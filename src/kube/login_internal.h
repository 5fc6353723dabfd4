/*
 * login_internal: login.c decides what is used and who waits, login_files.c reads what rotates, credential.c makes the snapshot that
 * requests are sent with. Not for other units.
 */
#ifndef KUBE_LOGIN_INTERNAL_H
#define KUBE_LOGIN_INTERNAL_H

#include "kube/backoff.h"
#include "kube/login.h"
#include "kube/plugin.h"

/* The last good content of the files; NULL: there is no such file, or nothing good was read yet. */
struct login_files {
    char *token;
    char *ca_pem, *cert_pem, *key_pem;
    int64_t due_us;                   /* to be read again from then on */
    bool token_bad, ca_bad, pair_bad; /* as it was last read; warned of when it came to be so */
    struct err token_err;             /* while token_bad */
};

/* Reads the files of the configuration; true when any content is another than before. */
bool login_files_read(struct login_files *f, const struct kube_config *config);
void login_files_free(struct login_files *f);

/* The plugin and what it last gave. */
struct login_plugin {
    struct plugin *plugin; /* NULL: the configuration has none */
    struct plugin_answer answer;
    bool answered;         /* `answer` is one */
    bool refused;          /* by the server */
    int64_t early_ms;      /* so long before it expires it is renewed */
    struct err failure;    /* of the last run; code ERR_NONE: it went well */
    int64_t not_before_us; /* no run before */
    struct backoff backoff;
};

struct login {
    struct loop *loop;
    const struct kube_config *config;
    struct login_files files;
    struct login_plugin plugin;
    struct credential *current; /* NULL: made with the next request */
    struct login_wait *waiting, *cancelled;
    struct timer *timer;    /* for those who wait for a token file, and for the cancelled */
    int64_t await_until_us; /* of the token file; 0: nobody waits for it */
    bool telling, freed;
};

/* What requests are sent with now. NULL with *err. */
struct credential *credential_new(const struct login *l, struct err *err) ERR_MUST_CHECK;
bool credential_equal(const struct credential *a, const struct credential *b);

#endif
