/*
 * ask_internal: what ask.c (which requests there are) and the units that answer them share: ask_logs.c, ask_secret.c, ask_aws.c.
 */
#ifndef OPERATOR_ASK_INTERNAL_H
#define OPERATOR_ASK_INTERNAL_H

#include "base/buf.h"
#include "operator/ask.h"

struct ask {
    ask_done done;
    void *arg;
    struct kube_call *call;
    struct aws_call *aws;
    char what[400];  /* for messages: "the log of shop/web, container app" */
    struct buf text; /* what came of a log */
    bool cut;        /* and no more was wanted */
    char *key;       /* of a Secret */
};

/* A request that is to be started; ask_free where that fails. NULL without memory. */
struct ask *ask_new(ask_done done, void *arg);
void ask_free(struct ask *ask);

/* Ends it with this answer: tells, frees. */
void ask_end(struct ask *ask, const struct ask_answer *answer);

/* Fills *now and returns NULL: with a failure; with what is withheld; with a document (taken) or the error that kept it from being made. */
struct ask *ask_failed(struct ask_answer *now, const struct err *err);
struct ask *ask_withheld(struct ask_answer *now, const char *why);
struct ask *ask_answered(struct ask_answer *now, struct doc *doc, const struct err *err);

/* A string as a document of its own. NULL with *err. */
struct doc *ask_text(struct str text, struct err *err);

/* What an error of the API server means for who asked for `what`: nothing is there, or a failure that says so. */
void ask_refused(const char *what, const struct err *err, struct ask_answer *answer);

/* {namespace, pod, {container, previous, tail}}: the end of a log as a string. */
struct ask *ask_logs(const struct asks *all, struct doc_value args, int64_t timeout_ms, ask_done done, void *arg, struct ask_answer *now);

/* {namespace, name, key}: the bytes under one key of a Secret. */
struct ask *ask_secret(const struct asks *all, struct doc_value args, int64_t timeout_ms, ask_done done, void *arg, struct ask_answer *now);

/* {service, path}: what a GET of an API of AWS answers. */
struct ask *ask_aws(const struct asks *all, struct doc_value args, int64_t timeout_ms, ask_done done, void *arg, struct ask_answer *now);

#endif
