#include <stdlib.h>

#include "operator/question.h"
#include "operator/requests_internal.h"

/* One question to a peer, for whose answer a step waits. */
struct asking {
    struct wait wait; /* first: drop() casts */
    struct grpc_call *call;
    const struct grpc_method *method;
};

static void asking_drop(struct wait *w) {
    struct asking *a = (struct asking *)w;
    grpc_drop(a->call);
    free(a);
}

static void answered(struct grpc_answer *answer, void *arg) {
    struct asking *a = arg;
    struct run *r = a->wait.run;
    telemetry_asked(run_tenant(r)->op->telemetry, a->method->name, "step", &answer->err);
    free(a);
    run_answer(r, answer->message.head, answer->err.code ? &answer->err : NULL);
}

static int check(struct doc_value question, struct err *err) {
    int rc = question_check(question, "ctx.call", err);
    if (rc) return rc;
    const struct grpc_method *method = grpc_method(doc_path_str(question, "method"));
    return method->items ? err_set(err, ERR_INVALID, "ctx.call: %s is answered in parts: ask by ctx.poll", method->name) : 0;
}

static struct asking *ask(struct run *r, struct doc_value question, struct err *err) {
    if (check(question, err)) return NULL;
    struct asking *a = calloc(1, sizeof *a);
    if (!a) {
        err_set(err, ERR_NOMEM, "no memory for a call");
        return NULL;
    }
    struct grpc_request request = question_request(question);
    request.done = answered;
    request.arg = a;
    *a = (struct asking){.wait.drop = asking_drop, .method = request.method};
    a->call = grpc_send(run_tenant(r)->op->options.writes, &request, err);
    if (a->call) return a;
    free(a);
    return NULL;
}

void request_call(struct run *r, struct doc_value args) {
    struct err err;
    struct asking *a = ask(r, doc_at(args, 0), &err);
    if (a)
        run_wait(r, &a->wait);
    else
        run_answer(r, NULL, &err);
}
