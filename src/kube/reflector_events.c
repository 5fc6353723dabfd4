#include "kube/reflector_internal.h"
#include "kube/status_internal.h"

static const struct metric_def EVENTS = {
    .name = "k8sgpt_watch_events_total",
    .help = "Events that watches brought, by resource and type.",
    .type = METRIC_COUNTER,
    .labels = {"resource", "type"},
};
static const struct metric_def RESTARTS = {
    .name = "k8sgpt_watch_restarts_total",
    .help = "Watches that were started again, by resource and reason: ended, gone, error, throttled, decode.",
    .type = METRIC_COUNTER,
    .labels = {"resource", "reason"},
};

void reflector_define_metrics(struct reflector *r, struct metrics *metrics) {
    r->events = metrics ? metrics_define(metrics, &EVENTS) : NULL;
    r->restarts = metrics ? metrics_define(metrics, &RESTARTS) : NULL;
}

int reflector_set_version(struct reflector *r, struct str version, struct err *err) {
    if (!version.n || version.n >= sizeof r->version)
        return err_set(err, ERR_SYNTAX, "%s: a resourceVersion of %zu bytes", r->plural, version.n);
    memcpy(r->version, version.p, version.n);
    r->version[version.n] = '\0';
    return 0;
}

static int on_item(struct doc *item, void *arg, struct err *err) {
    struct reflector *r = arg;
    return store_put(r->store, item, err);
}

/* The server says in the stream that it cannot go on; what it is goes to on_done as if the request itself had failed so. */
static int on_error_event(const struct doc *status, struct err *err) {
    kube_status_doc_error(0, status, err);
    return (int)err->code;
}

static int on_event(enum watch_type type, struct doc *object, void *arg, struct err *err) {
    static const char *const TYPES[] = {
        [WATCH_ADDED] = "ADDED",       [WATCH_MODIFIED] = "MODIFIED", [WATCH_DELETED] = "DELETED",
        [WATCH_BOOKMARK] = "BOOKMARK", [WATCH_ERROR] = "ERROR",
    };
    struct reflector *r = arg;
    metric_add(r->events, METRIC_LABELS(str_of(r->plural), str_of(TYPES[type])), 1);
    if (type == WATCH_ERROR) return on_error_event(object, err);
    struct doc_value metadata = doc_get(doc_root(object), STR("metadata"));
    int rc = 0;
    if (type == WATCH_ADDED || type == WATCH_MODIFIED) rc = store_put(r->store, object, err);
    if (type == WATCH_DELETED) store_delete(r->store, doc_path_str(metadata, "namespace"), doc_path_str(metadata, "name"));
    if (rc) return rc;
    r->progressed = true;
    return reflector_set_version(r, doc_path_str(metadata, "resourceVersion"), err);
}

int reflector_open_list(struct reflector *r, struct err *err) {
    const struct gvk *gvk = store_gvk(r->store);
    reflector_close(r);
    r->list = list_reader_new(str_of(gvk->api_version), str_of(gvk->kind), store_projection(r->store), on_item, r);
    return r->list ? 0 : err_set(err, ERR_NOMEM, "no memory to list %s", r->plural);
}

int reflector_open_watch(struct reflector *r, struct err *err) {
    reflector_close(r);
    r->watch = watch_reader_new(store_projection(r->store), on_event, r);
    return r->watch ? 0 : err_set(err, ERR_NOMEM, "no memory to watch %s", r->plural);
}

void reflector_close(struct reflector *r) {
    list_reader_free(r->list);
    watch_reader_free(r->watch);
    r->list = NULL;
    r->watch = NULL;
}
