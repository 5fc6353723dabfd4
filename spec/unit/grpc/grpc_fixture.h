/*
 * grpc_fixture: a loop, a client, and a call that keeps what comes back. For the tests of this folder.
 */
#ifndef GRPC_FIXTURE_H
#define GRPC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "doc/builder.h"
#include "doc/json.h"
#include "grpc/call.h"
#include "support/peer.h"

enum { WAIT_MS = 60000 };

struct got {
    bool done;
    struct err err;
    bool retry;
    int status;
    struct message message;
    struct grpc_call *call;
};

static struct loop *loop;
static struct http_client *client;
static char python[512];

static inline void on_answer(struct grpc_answer *a, void *arg) {
    struct got *g = arg;
    assert_false(g->done);
    *g = (struct got){true, a->err, a->retry, a->status, a->message, g->call};
    a->message = (struct message){0};
}

static inline struct doc *json(const char *text) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    doc_builder_free(b);
    if (!doc) fail_msg("%s", err.msg);
    return doc;
}

static inline struct grpc_request request_to(const char *target, const char *method, struct got *g) {
    *g = (struct got){0};
    return (struct grpc_request){
        .target = target, .method = grpc_method(str_of(method)), .timeout_ms = WAIT_MS, .done = on_answer, .arg = g};
}

static inline void exchange(const struct grpc_request *r, struct got *g) {
    struct err err = {0};
    g->call = grpc_send(client, r, &err);
    if (!g->call) fail_msg("%s", err.msg);
    assert_false(g->done);
    assert_true(loop_run_until(loop, &g->done, WAIT_MS));
}

static inline int client_setup(void **state) {
    (void)state;
    struct err err = {0};
    loop = loop_new(&err);
    client = loop ? http_client_new(loop, "spec/1", &err) : NULL;
    return client ? 0 : -1;
}

static inline int client_teardown(void **state) {
    (void)state;
    http_client_free(client);
    loop_free(loop);
    return 0;
}

#endif
