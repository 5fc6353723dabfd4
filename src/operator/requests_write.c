#include <stdlib.h>

#include "doc/builder.h"
#include "doc/copy.h"
#include "operator/apply.h"
#include "operator/managed.h"
#include "operator/requests_internal.h"

/* One request to the API server on behalf of a step. */
struct send {
    struct wait wait; /* first: drop() casts */
    struct apply *apply;
    struct kube_request request; /* of patch and delete */
    struct doc *body;
    char *ns, *name;
    bool dropped;
};

static void send_free(struct send *s) {
    doc_unref(s->body);
    free(s->ns);
    free(s->name);
    free(s);
}

static void send_drop(struct wait *w) {
    struct send *s = (struct send *)w;
    if (!s->apply) return; /* its answer frees it */
    apply_abandon(s->apply);
    send_free(s);
}

static struct send *send_new(struct run *r) {
    struct send *s = calloc(1, sizeof *s);
    if (!s) {
        run_answer(r, NULL, &(struct err){.code = ERR_NOMEM, .msg = "no memory for a request"});
        return NULL;
    }
    s->wait.drop = send_drop;
    return s;
}

static void send_done(const struct doc *object, const struct err *err, void *arg) {
    struct send *s = arg;
    struct run *r = s->wait.run;
    bool gone_is_fine = s->request.verb == KUBE_DELETE && err && err->code == ERR_NOT_FOUND;
    bool failed = err && err->code != ERR_NONE && !gone_is_fine;
    bool wants_true = s->request.verb == KUBE_DELETE;
    struct err copy = failed ? *err : (struct err){0};
    if (r && s->apply && object) managed_applied(run_tenant(r)->op->managed, run_tenant(r), object);
    doc_ref(object);
    send_free(s);
    if (r && failed)
        run_answer(r, NULL, &copy);
    else if (r && (wants_true || !object))
        request_answer_true(r);
    else if (r)
        run_answer(r, object, NULL);
    doc_unref(object);
}

static void send_answered(struct doc *object, const struct err *err, void *arg) { send_done(object, err, arg); }

static void send_resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct send *s = arg;
    struct err local;
    if (!resource || !s->wait.run) {
        send_done(NULL, err, s);
        return;
    }
    s->request.resource = resource;
    s->request.ns = str_of(s->ns);
    s->request.name = str_of(s->name);
    s->request.body = doc_root(s->body);
    s->request.done = send_answered;
    s->request.arg = s;
    if (kube_send(cluster_client(run_tenant(s->wait.run)->op->cluster), &s->request, NULL, &local)) send_done(NULL, &local, s);
}

static const char *subresource_of(struct doc_value options) {
    return str_is(doc_path_str(options, "subresource"), "status") ? "status" : NULL;
}

void request_apply(struct run *r, struct doc_value args) {
    struct doc_value object = doc_at(args, 0), options = doc_at(args, 1);
    struct tenant *t = run_tenant(r);
    struct err err;
    if (!subresource_of(options) && managed_need(t->op->managed, t, object) != MANAGED_APPLY) {
        request_answer_true(r);
        return;
    }
    struct send *s = send_new(r);
    if (!s) return;
    s->apply = apply_start(t->op->cluster, object, subresource_of(options), doc_bool(doc_path(options, "force")), NULL, send_done, s, &err);
    if (s->apply) {
        run_wait(r, &s->wait);
        return;
    }
    send_free(s);
    if (err.code)
        run_answer(r, NULL, &err);
    else
        request_answer_true(r);
}

static void send_by_reference(struct run *r, struct doc_value reference, struct doc *body, enum kube_verb verb, const char *subresource) {
    struct send *s = send_new(r);
    if (!s) {
        doc_unref(body);
        return;
    }
    const struct gvk *gvk = gvk_of(doc_path_str(reference, "apiVersion"), doc_path_str(reference, "kind"));
    s->body = body;
    s->ns = str_dup(doc_path_str(reference, "metadata.namespace"));
    s->name = str_dup(doc_path_str(reference, "metadata.name"));
    s->request = (struct kube_request){.verb = verb, .subresource = subresource};
    struct err err = {0};
    if (!s->ns || !s->name)
        err_set(&err, ERR_NOMEM, "no memory for a request");
    else if (!gvk || !*s->name)
        err_set(&err, ERR_INVALID, "a reference needs apiVersion, kind and metadata.name");
    if (err.code) {
        send_free(s);
        run_answer(r, NULL, &err);
        return;
    }
    run_wait(r, &s->wait);
    discovery_resolve(cluster_discovery(run_tenant(r)->op->cluster), gvk, send_resolved, s);
}

void request_patch(struct run *r, struct doc_value args) {
    struct err err;
    struct doc *body = doc_copy(doc_at(args, 1), &err);
    if (!body)
        run_answer(r, NULL, &err);
    else
        send_by_reference(r, doc_at(args, 0), body, KUBE_MERGE_PATCH, subresource_of(doc_at(args, 2)));
}

/* Only the object that was meant: another one of the same name has another uid, one that somebody changed another resourceVersion. */
static struct doc *preconditions(struct doc_value reference, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    struct str uid = doc_path_str(reference, "metadata.uid"), version = doc_path_str(reference, "metadata.resourceVersion");
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a request");
        return NULL;
    }
    doc_begin_object(b);
    if (uid.n) doc_pair_str(b, "uid", uid);
    if (version.n) doc_pair_str(b, "resourceVersion", version);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

void request_delete(struct run *r, struct doc_value args) {
    struct err err;
    struct doc *body = preconditions(doc_at(args, 0), &err);
    managed_deleted(run_tenant(r)->op->managed, run_tenant(r), doc_at(args, 0));
    if (!body)
        run_answer(r, NULL, &err);
    else
        send_by_reference(r, doc_at(args, 0), body, KUBE_DELETE, NULL);
}

void request_fetch(struct run *r, struct doc_value args) { send_by_reference(r, doc_at(args, 0), NULL, KUBE_GET, NULL); }
