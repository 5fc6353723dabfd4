#include "operator/takeover.h"

#include <stdlib.h>

#include "base/log.h"
#include "doc/stream.h"
#include "kube/url.h"
#include "operator/poll.h"
#include "operator/run.h"
#include "operator/scrape.h"

enum { PAGE_TIMEOUT_MS = 30 * 1000 };

struct takeover {
    struct tenant *tenant;
    struct resource resource; /* its texts are discovery's */
    struct kube_call *call;
    struct list_reader *list;
    struct err failure; /* of an item */
    char *page;         /* continue token, or NULL: the first page */
    int64_t adopted;
};

void takeover_drop(struct takeover *k) {
    if (!k) return;
    discovery_forget(cluster_discovery(k->tenant->op->cluster), k);
    kube_drop(k->call);
    list_reader_free(k->list);
    free(k->page);
    k->tenant->takeover = NULL;
    free(k);
}

static void end(struct takeover *k, const struct err *failure) {
    struct tenant *t = k->tenant;
    struct err copy = failure ? *failure : (struct err){0};
    if (!failure) log_info("operator", "took over", LOG_S("k8sgpt", t->key), LOG_I("results", k->adopted));
    takeover_drop(k);
    if (failure) err_prefix(&copy, "cannot read the Results of the leader before");
    takeover_ended(t, failure ? &copy : NULL);
}

/* What is not understood is left alone, as tenant_adopt_results does. */
static int adopt(struct doc *item, void *arg, struct err *err) {
    struct takeover *k = arg;
    struct tenant *t = k->tenant;
    struct str name = doc_path_str(doc_root(item), "metadata.name");
    int rc = findings_adopt(t->findings, item, err);
    if (rc == ERR_NOMEM) return rc;
    if (rc) log_warn("operator", "a Result was not understood and is left alone", LOG_T("result", name), LOG_S("error", err->msg));
    struct group *g = rc ? NULL : findings_by_result(t->findings, name);
    k->adopted += g != NULL;
    if (g) diagnosis_retell(t->op->diagnosis, str_of(g->analyzer), str_of(g->kind), str_of(g->ns), str_of(g->name));
    return 0;
}

static int on_chunk(struct str chunk, void *arg, struct err *err) {
    struct takeover *k = arg;
    int rc = list_reader_feed(k->list, chunk, &k->failure);
    return rc ? err_set(err, k->failure.code, "%s", k->failure.msg) : 0;
}

static bool is_whole(void *arg) {
    const struct takeover *k = arg;
    return list_reader_is_whole(k->list);
}

static void read_page(struct takeover *k);

static void on_page(const struct err *err, void *arg) {
    struct takeover *k = arg;
    struct err local = k->failure.code ? k->failure : *err;
    k->call = NULL;
    if (!local.code && list_reader_end(k->list, &local)) {
        end(k, &local);
        return;
    }
    struct str token = local.code ? (struct str){0} : list_reader_continue(k->list);
    if (local.code)
        end(k, &local);
    else if (token.n == 0)
        end(k, NULL);
    else if (!str_replace(&k->page, token))
        end(k, &(struct err){.code = ERR_NOMEM, .msg = "no memory for a page"});
    else
        read_page(k);
}

/* Our own label says whose a Result is; the namespace is the tenant's. */
static int put_path(const struct takeover *k, struct buf *out, struct err *err) {
    const struct tenant *t = k->tenant;
    char *path = kube_path(&k->resource, str_of(t->ns), STR(""), NULL);
    int rc = path ? buf_printf(out, err, "%s?limit=500&labelSelector=k8sgpts.k8sgpt.ai%%2Fname%%3D", path)
                  : err_set(err, ERR_NOMEM, "no memory for a request");
    free(path);
    if (!rc) rc = url_escape(str_of(t->name), out, err);
    if (!rc) rc = buf_puts(out, "%2Ck8sgpts.k8sgpt.ai%2Fnamespace%3D", err);
    if (!rc) rc = url_escape(str_of(t->ns), out, err);
    if (!rc && k->page) rc = buf_puts(out, "&continue=", err);
    return rc || !k->page ? rc : url_escape(str_of(k->page), out, err);
}

static int open_list(struct takeover *k) {
    const struct gvk *gvk = k->resource.gvk;
    struct projection *whole = projection_object();
    list_reader_free(k->list);
    k->list = whole ? list_reader_new(str_of(gvk->api_version), str_of(gvk->kind), whole, adopt, k) : NULL;
    projection_unref(whole);
    return k->list ? 0 : ERR_NOMEM;
}

static void read_page(struct takeover *k) {
    struct buf path = buf_new(URL_MAX_BYTES);
    struct err err;
    int rc = open_list(k) ? err_set(&err, ERR_NOMEM, "no memory for a list") : put_path(k, &path, &err);
    struct kube_stream_request request = {.path = path.data,
                                          .resource = k->resource.plural,
                                          .verb = "list",
                                          .timeout_ms = PAGE_TIMEOUT_MS,
                                          .on_chunk = on_chunk,
                                          .is_whole = is_whole,
                                          .done = on_page,
                                          .arg = k};
    if (!rc) rc = kube_stream(cluster_client(k->tenant->op->cluster), &request, &k->call, &err);
    buf_free(&path);
    if (rc) end(k, &err);
}

/* Where there is no such kind there is nothing to adopt. */
static void resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct takeover *k = arg;
    if (resource) {
        k->resource = *resource;
        read_page(k);
    } else {
        end(k, err->code == ERR_NOT_FOUND ? NULL : err);
    }
}

int takeover_start(struct tenant *t, struct err *err) {
    const struct gvk *gvk = gvk_parse(str_of(RESULT_GVK), err);
    struct takeover *k = calloc(1, sizeof *k);
    if (!k || !gvk) {
        free(k);
        return err_set(err, ERR_NOMEM, "no memory to take over");
    }
    k->tenant = t;
    t->takeover = k;
    discovery_resolve(cluster_discovery(t->op->cluster), gvk, resolved, k);
    return 0;
}

int takeover_prepare(struct tenant *t, struct err *err) {
    bool changed;
    int rc = tenant_choose(t, &changed, err);
    if (!rc && changed) operator_replan(t->op);
    return rc;
}

void takeover_stand_by(struct tenant *t) {
    run_drop(t->run);
    takeover_drop(t->takeover);
    polls_stop(t->polls);
    scrapes_stop(t->scrapes);
    if (t->work.running) work_done(&t->work, -1);
    notify_forget(t->op->notifier, t);
    findings_forget_results(t->findings);
    t->taken_over = t->unrecorded = false;
}
