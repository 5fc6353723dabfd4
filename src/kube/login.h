/*
 * login: who we are and whom we trust at this moment, as files rotate and plugins answer. Of the client alone.
 *
 * Files (token, certificate authority, client certificate and key) are read again when they were last read a minute ago, and at once when
 * the server refuses us or a TLS handshake fails. What cannot be read or makes no sense leaves the last good content in use and
 * is warned of once. A credential plugin runs when there is no credential yet, shortly before one expires and after the server refused
 * one; never twice at once, and with growing pauses where it fails or the server goes on refusing.
 */
#ifndef KUBE_LOGIN_H
#define KUBE_LOGIN_H

#include "kube/config.h"

enum {
    LOGIN_FILE_AGE_US = 60 * 1000 * 1000, /* client-go's cached token source, too */
    LOGIN_EARLY_MS = 10 * 1000, /* a credential is renewed so long before it expires, one of less than 40 s earlier by a quarter of that; it
                                   serves meanwhile */
    LOGIN_AWAIT_MS = 5 * 1000,  /* a token that is refused while its file is missing or empty: how long another one may take */
};

/* What one request is sent with. It never changes; whoever sends with it keeps a reference while the request is under way. */
struct credential {
    unsigned refs;
    char *authorization; /* "Authorization: Bearer …", or NULL */
    struct http_tls tls; /* points into the texts below */
    char *ca_pem, *cert_pem, *key_pem, *server_name;
};
struct credential *credential_ref(struct credential *c);
void credential_unref(struct credential *c); /* NULL: nothing; the last one wipes it */

/* Somebody who waits for a credential. Zero but for `ready` and `arg`. */
struct login_wait {
    /* Once, from the loop: a credential (borrowed), or why there is none. It waits no longer. */
    void (*ready)(struct credential *credential, const struct err *err, void *arg);
    void *arg;
    struct login_wait **list; /* NULL: it does not wait */
    struct login_wait *prev, *next;
};

struct login;

/* Borrows the configuration and reads nothing yet. NULL without memory. */
struct login *login_new(struct loop *loop, const struct kube_config *config);

/* Nobody who waits is told any more. May be called from within `ready`. NULL: nothing. */
void login_free(struct login *l);

/* The credential of now, a reference in *out; or NULL there, and `wait` is told as soon as one is known. Else an error. */
int login_get(struct login *l, struct login_wait *wait, struct credential **out, struct err *err) ERR_MUST_CHECK;

enum login_refusal {
    LOGIN_UNAUTHORIZED, /* the server answered 401 */
    LOGIN_HANDSHAKE,    /* TLS could not be agreed on */
};

/* The server refused `credential`. True: another one may be accepted; it is in *out, or `wait` is told, as with login_get. */
bool login_renew(struct login *l, const struct credential *refused, enum login_refusal why, struct login_wait *wait,
                 struct credential **out);

/* The connection was lost, perhaps because a certificate was refused: the files are read again for the next request. */
void login_doubt(struct login *l);

/* It is not told any more. Also where it does not wait. */
void login_leave(struct login_wait *wait);

/* It is told ERR_CANCELLED, from the loop, instead of what it waits for. */
void login_cancel(struct login *l, struct login_wait *wait);

#endif
