/* The end of the log of a container (Kubernetes API reference: Pod, "read log of the specified Pod"). */
#include <stdio.h>
#include <stdlib.h>

#include "kube/url.h"
#include "operator/ask_internal.h"

enum { DEFAULT_TAIL = 100, MAX_TAIL = 1000, MAX_LOG_BYTES = 128 * 1024 };

static int put_query(struct doc_value options, struct buf *path, struct err *err) {
    struct doc_value tail = doc_get(options, STR("tail"));
    int64_t lines = doc_type(tail) == DOC_INT ? doc_int(tail) : DEFAULT_TAIL;
    struct str container = doc_path_str(options, "container");
    if (lines < 1 || lines > MAX_TAIL) return err_set(err, ERR_INVALID, "tail of ctx.logs must be a number from 1 to %d", MAX_TAIL);
    int rc = buf_printf(path, err, "?tailLines=%lld&limitBytes=%d", (long long)lines, MAX_LOG_BYTES);
    if (!rc && container.n) rc = buf_puts(path, "&container=", err);
    if (!rc) rc = url_escape(container, path, err);
    if (!rc && doc_bool(doc_get(options, STR("previous")))) rc = buf_puts(path, "&previous=true", err);
    return rc;
}

static char *make_path(struct str ns, struct str pod, struct doc_value options, struct err *err) {
    const struct resource pods = {.gvk = gvk_parse(STR("v1/Pod"), err), .plural = "pods", .namespaced = true};
    struct buf path = buf_new(URL_MAX_BYTES);
    char *start = pods.gvk ? kube_path(&pods, ns, pod, "log") : NULL;
    int rc = start ? buf_puts(&path, start, err) : err_set(err, ERR_NOMEM, "no memory for a request");
    if (!rc) rc = put_query(options, &path, err);
    free(start);
    if (rc) buf_free(&path);
    return buf_take(&path, NULL);
}

/* A server that gives more than it was asked for is not heard any further. */
static int on_chunk(struct str chunk, void *arg, struct err *err) {
    struct ask *ask = arg;
    size_t left = MAX_LOG_BYTES - ask->text.len;
    int rc = buf_append(&ask->text, chunk.p, chunk.n < left ? chunk.n : left, err);
    ask->cut = !rc && chunk.n > left;
    return ask->cut ? err_set(err, ERR_LIMIT, "a log of more than %d bytes", MAX_LOG_BYTES) : rc;
}

/* A container that has yet to start, or has no earlier run, has no log: that is answered as a bad request. */
static bool says_there_is_none(const struct err *err) { return err->code == ERR_INVALID || err->code == ERR_NOT_FOUND; }

static void on_done(const struct err *err, void *arg) {
    struct ask *ask = arg;
    struct ask_answer answer = {.result = ASK_ANSWERED};
    struct err nomem = {0};
    ask->call = NULL;
    if (!err->code || ask->cut)
        ask_answered(&answer, ask_text((struct str){ask->text.data, ask->text.len}, &nomem), &nomem);
    else if (!says_there_is_none(err))
        ask_refused(ask->what, err, &answer);
    ask_end(ask, &answer);
    doc_unref(answer.doc);
}

static int send_request(struct kube_client *client, struct ask *ask, const char *path, int64_t timeout_ms, struct err *err) {
    const struct kube_stream_request request = {.path = path,
                                                .resource = "pods/log",
                                                .verb = "get",
                                                .form = KUBE_TEXT,
                                                .timeout_ms = timeout_ms,
                                                .on_chunk = on_chunk,
                                                .done = on_done,
                                                .arg = ask};
    return kube_stream(client, &request, &ask->call, err);
}

struct ask *ask_logs(const struct asks *all, struct doc_value args, int64_t timeout_ms, ask_done done, void *arg, struct ask_answer *now) {
    struct kube_client *client = cluster_client(all->cluster);
    struct str ns = doc_str(doc_at(args, 0)), pod = doc_str(doc_at(args, 1));
    struct doc_value options = doc_at(args, 2);
    struct err err;
    if (!client) return ask_withheld(now, "a snapshot has no logs of pods");
    struct ask *ask = ask_new(done, arg);
    char *path = make_path(ns, pod, options, &err);
    int rc = path && ask ? 0 : (int)err.code;
    if (!ask) rc = err_set(&err, ERR_NOMEM, "no memory for a request");
    if (!rc) snprintf(ask->what, sizeof ask->what, "the log of " STR_FMT "/" STR_FMT, STR_ARG(ns), STR_ARG(pod));
    if (!rc) rc = send_request(client, ask, path, timeout_ms, &err);
    free(path);
    if (!rc) return ask;
    ask_free(ask);
    return ask_failed(now, &err);
}
