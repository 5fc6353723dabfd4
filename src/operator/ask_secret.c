/* What is in a Secret: one key of it, so that no policy sees more than it named. */
#include <stdio.h>
#include <stdlib.h>

#include "kube/base64.h"
#include "operator/ask_internal.h"

static const char WITHHELD[] = "what is in Secrets is not read: --secret-content permits it";
static const char BLIND[] = "what is in Secrets is not in this snapshot";

/* The value under a key as bytes; NULL without error: there is none. */
static struct doc *content(struct doc_value secret, struct str key, struct err *err) {
    struct doc_value value = doc_get(doc_path(secret, "data"), key);
    size_t n = 0;
    *err = (struct err){0};
    if (doc_type(value) != DOC_STRING) return NULL;
    char *bytes = base64_decode(doc_str(value), &n);
    struct doc *doc = bytes ? ask_text((struct str){bytes, n}, err) : NULL;
    if (!bytes) err_set(err, ERR_SERVER, "data[" STR_FMT "] is not base64", STR_ARG(key));
    free(bytes);
    return doc;
}

static void on_done(struct doc *object, const struct err *err, void *arg) {
    struct ask *ask = arg;
    struct ask_answer answer;
    struct err why;
    ask->call = NULL;
    if (err)
        ask_refused(ask->what, err, &answer);
    else
        ask_answered(&answer, content(doc_root(object), str_of(ask->key), &why), &why);
    ask_end(ask, &answer);
    doc_unref(answer.doc);
}

/* Of a snapshot: written by the verb snapshot, its Secrets have no data. */
static struct ask *look_up(const struct asks *all, const struct gvk *gvk, struct doc_value args, struct ask_answer *now) {
    const struct store *store = cluster_store(all->cluster, gvk);
    struct doc *secret = store ? store_get(store, doc_str(doc_at(args, 0)), doc_str(doc_at(args, 1))) : NULL;
    struct err err;
    if (secret && doc_type(doc_path(doc_root(secret), "data")) == DOC_ABSENT) return ask_withheld(now, BLIND);
    return ask_answered(now, content(doc_root(secret), doc_str(doc_at(args, 2)), &err), &err);
}

static int send_request(struct kube_client *client, struct ask *ask, const struct gvk *gvk, struct doc_value args, int64_t timeout_ms,
                        struct err *err) {
    const struct resource secrets = {.gvk = gvk, .plural = "secrets", .namespaced = true};
    const struct kube_request request = {.verb = KUBE_GET,
                                         .resource = &secrets,
                                         .ns = doc_str(doc_at(args, 0)),
                                         .name = doc_str(doc_at(args, 1)),
                                         .timeout_ms = timeout_ms,
                                         .done = on_done,
                                         .arg = ask};
    snprintf(ask->what, sizeof ask->what, "v1/Secret " STR_FMT "/" STR_FMT, STR_ARG(request.ns), STR_ARG(request.name));
    return kube_send(client, &request, &ask->call, err);
}

struct ask *ask_secret(const struct asks *all, struct doc_value args, int64_t timeout_ms, ask_done done, void *arg,
                       struct ask_answer *now) {
    struct err err;
    struct kube_client *client = cluster_client(all->cluster);
    const struct gvk *gvk = gvk_parse(STR("v1/Secret"), &err);
    if (!gvk) return ask_failed(now, &err);
    if (!client) return look_up(all, gvk, args, now);
    if (!all->secret_content) return ask_withheld(now, WITHHELD);
    struct ask *ask = ask_new(done, arg);
    if (ask) ask->key = str_dup(doc_str(doc_at(args, 2)));
    int rc = ask && ask->key ? send_request(client, ask, gvk, args, timeout_ms, &err) : err_set(&err, ERR_NOMEM, "no memory for a request");
    if (!rc) return ask;
    ask_free(ask);
    return ask_failed(now, &err);
}
