#include "operator/ask.h"

#include <stdlib.h>

#include "doc/builder.h"
#include "operator/ask_internal.h"
#include "operator/aws.h"

enum { MAX_TEXT_BYTES = 256 * 1024 };

static const struct {
    const char *op;
    struct ask *(*start)(const struct asks *all, struct doc_value args, int64_t timeout_ms, ask_done done, void *arg,
                         struct ask_answer *now);
} OPS[] = {{"logs", ask_logs}, {"secret_content", ask_secret}, {"aws", ask_aws}};

const char *asks_lack(const struct asks *all, const struct policy *policy) {
    bool connected = cluster_client(all->cluster) != NULL;
    if (policy->logs && !connected) return "logs of pods are not in a snapshot";
    if (!policy->aws) return NULL;
    return all->aws ? aws_lacks(all->aws) : "AWS cannot be asked about a snapshot";
}

struct ask *ask_start(const struct asks *all, struct doc_value request, int64_t timeout_ms, ask_done done, void *arg,
                      struct ask_answer *now) {
    struct str op = doc_path_str(request, "op");
    *now = (struct ask_answer){0};
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++)
        if (str_is(op, OPS[i].op)) return OPS[i].start(all, doc_path(request, "args"), timeout_ms, done, arg, now);
    struct err err;
    err_set(&err, ERR_UNSUPPORTED, "ctx." STR_FMT " is not something an analyzer can ask for", STR_ARG(op));
    return ask_failed(now, &err);
}

struct ask *ask_new(ask_done done, void *arg) {
    struct ask *ask = calloc(1, sizeof *ask);
    if (!ask) return NULL;
    ask->done = done;
    ask->arg = arg;
    ask->text = buf_new(MAX_TEXT_BYTES);
    return ask;
}

void ask_free(struct ask *ask) {
    if (!ask) return;
    buf_free(&ask->text);
    free(ask->key);
    free(ask);
}

void ask_drop(struct ask *ask) {
    if (!ask) return;
    kube_drop(ask->call);
    if (ask->aws) aws_drop(ask->aws);
    ask_free(ask);
}

void ask_end(struct ask *ask, const struct ask_answer *answer) {
    ask_done done = ask->done;
    void *arg = ask->arg;
    ask_free(ask);
    done(answer, arg);
}

struct ask *ask_failed(struct ask_answer *now, const struct err *err) {
    *now = (struct ask_answer){.result = ASK_FAILED, .err = *err};
    return NULL;
}

struct ask *ask_withheld(struct ask_answer *now, const char *why) {
    *now = (struct ask_answer){.result = ASK_WITHHELD};
    err_set(&now->err, ERR_UNSUPPORTED, "%s", why);
    return NULL;
}

struct ask *ask_answered(struct ask_answer *now, struct doc *doc, const struct err *err) {
    if (!doc && err->code) return ask_failed(now, err);
    *now = (struct ask_answer){.result = ASK_ANSWERED, .doc = doc};
    return NULL;
}

struct doc *ask_text(struct str text, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for an answer");
        return NULL;
    }
    doc_put_str(b, text);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

void ask_refused(const char *what, const struct err *err, struct ask_answer *answer) {
    *answer = (struct ask_answer){.result = ASK_ANSWERED};
    if (err->code == ERR_NOT_FOUND) return;
    ask_failed(answer, err);
    err_prefix(&answer->err, "%s", what);
}
