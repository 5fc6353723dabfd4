/*
 * client_internal: the parts of the client. client.c keeps the calls under way, request.c turns a kube_request into one, answer.c
 * makes objects and errors of what came back; login knows who we are. Not for other units, but for kube_client_loop.
 */
#ifndef KUBE_CLIENT_INTERNAL_H
#define KUBE_CLIENT_INTERNAL_H

#include "base/buf.h"
#include "doc/builder.h"
#include "kube/client.h"
#include "kube/link.h"
#include "kube/lists.h"
#include "kube/login.h"

enum { KUBE_LABEL_BYTES = 64 };

struct kube_client {
    struct loop *loop;
    struct http_client *http, *writes;
    const struct kube_config *config; /* a share */
    struct login *login;
    struct doc_builder *builder;
    struct metric *requests, *duration; /* NULL without metrics */
    struct kube_call *calls;
    struct kube_link link;
    struct kube_lists lists;
};

struct kube_call {
    struct kube_client *client; /* NULL: cancelled, only waits for http to let go of it */
    struct kube_call *prev, *next;
    struct http_call *http;           /* NULL: it waits for a credential */
    const struct kube_config *config; /* a share: what it was started with */
    struct login_wait wait;
    struct credential *credential; /* what it was sent with */
    const char *method;
    const char *accept;
    const char *content_type; /* NULL: no body */
    char *url;
    char *body;
    size_t body_len;
    int64_t timeout_ms;
    char verb[KUBE_LABEL_BYTES], resource[KUBE_LABEL_BYTES]; /* for metrics */
    bool streamed;
    bool needs_leave; /* it goes by client->writes */
    bool opened;      /* a 2xx status has arrived */
    bool retried;     /* with another credential, after the server refused the first */
    bool dead;        /* ended because its link is */
    bool measured;    /* link_list_begins was called */
    union {
        void (*object)(struct doc *object, const struct err *err, void *arg);
        void (*stream)(const struct err *err, void *arg);
    } done;
    int (*on_chunk)(struct str chunk, void *arg, struct err *err);
    bool (*is_whole)(void *arg);
    void (*on_open)(void *arg);
    void *arg;
};

struct loop *kube_client_loop(const struct kube_client *c);

/* request.c: the parts of a call that say what is asked; the caller frees the call on an error too. */
int kube_call_fill(struct kube_call *call, const struct kube_request *request, struct err *err) ERR_MUST_CHECK;
int kube_call_fill_stream(struct kube_call *call, const struct kube_stream_request *request, struct err *err) ERR_MUST_CHECK;

/* answer.c: the object of an answer (a reference; NULL where it has none), or *err. */
struct doc *kube_answer_object(struct kube_call *call, const struct http_response *response, struct err *err);
int kube_answer_error(const struct kube_call *call, const struct http_response *response, struct err *err);

#endif
