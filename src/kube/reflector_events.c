#include "kube/reflector_internal.h"
#include "kube/status_internal.h"
#include "kube/version.h"

static const struct metric_def EVENTS = {
    .name = "k8sgpt_watch_events_total",
    .help = "Events that watches brought, by resource and type; those that stand for a list left out.",
    .type = METRIC_COUNTER,
    .labels = {"resource", "type"},
};
static const struct metric_def RESTARTS = {
    .name = "k8sgpt_watch_restarts_total",
    .help = "Watches that were started again, by resource and reason: ended, gone, behind, error, throttled, decode.",
    .type = METRIC_COUNTER,
    .labels = {"resource", "reason"},
};
static const struct metric_def LISTS = {
    .name = "k8sgpt_lists_total",
    .help = "Complete lists of a resource, by the way they came: stream (the beginning of a watch), pages.",
    .type = METRIC_COUNTER,
    .labels = {"resource", "by"},
};

void reflector_define_metrics(struct reflector *r, struct metrics *metrics) {
    r->events = metrics ? metrics_define(metrics, &EVENTS) : NULL;
    r->restarts = metrics ? metrics_define(metrics, &RESTARTS) : NULL;
    r->lists = metrics ? metrics_define(metrics, &LISTS) : NULL;
}

static void keep_version(char kept[REFLECTOR_VERSION_BYTES], struct str version) {
    memcpy(kept, version.p, version.n);
    kept[version.n] = '\0';
}

int reflector_check_version(const struct reflector *r, struct str version, struct err *err) {
    if (!version_is_older(version, str_of(r->newest))) return 0;
    return err_set(err, ERR_BEHIND, "a list of %s of resourceVersion " STR_FMT ", older than %s, which was seen already", r->plural,
                   STR_ARG(version), r->newest);
}

int reflector_set_version(struct reflector *r, struct str version, struct err *err) {
    if (!version.n || version.n >= sizeof r->version)
        return err_set(err, ERR_SYNTAX, "%s: a resourceVersion of %zu bytes", r->plural, version.n);
    if (!version_is_older(version, str_of(r->version))) keep_version(r->version, version);
    if (!version_is_older(version, str_of(r->newest))) keep_version(r->newest, version);
    return 0;
}

static struct str version_of(const struct doc *object) { return doc_path_str(doc_root(object), "metadata.resourceVersion"); }

/* The object of that name, where it is newer than this one. */
static struct doc *newer_than(const struct reflector *r, const struct doc *object) {
    struct doc_value metadata = doc_get(doc_root(object), STR("metadata"));
    if (!r->newest[0]) return NULL;
    struct doc *known = store_get(r->store, doc_path_str(metadata, "namespace"), doc_path_str(metadata, "name"));
    return known && version_is_older(version_of(object), version_of(known)) ? known : NULL;
}

/* The newer one is put again: it is part of a list that has an older one. */
static int put(struct reflector *r, struct doc *object, struct err *err) {
    struct doc *newer = newer_than(r, object);
    return store_put(r->store, newer ? newer : object, err);
}

static void drop(struct reflector *r, const struct doc *object) {
    struct doc_value metadata = doc_get(doc_root(object), STR("metadata"));
    if (newer_than(r, object)) return;
    store_delete(r->store, doc_path_str(metadata, "namespace"), doc_path_str(metadata, "name"));
}

/* API servers send the metadata of a list first: one that is too old is refused before it changes anything. */
static int on_item(struct doc *item, void *arg, struct err *err) {
    struct reflector *r = arg;
    int rc = reflector_check_version(r, list_reader_resource_version(r->list), err);
    return rc ? rc : put(r, item, err);
}

/* The server says in the stream that it cannot go on; what it is goes to on_done as if the request itself had failed so. */
static int on_error_event(const struct doc *status, struct err *err) {
    kube_status_doc_error(0, status, err);
    return (int)err->code;
}

/* KEP-3157: a bookmark with this annotation ends the list. Only then is known of what it is the state, and what has vanished. */
static int on_initial_event(struct reflector *r, enum watch_type type, struct doc_value metadata, struct err *err) {
    struct doc_value annotations = doc_get(metadata, STR("annotations"));
    bool ends = str_is(doc_str(doc_get(annotations, STR("k8s.io/initial-events-end"))), "true");
    if (type != WATCH_BOOKMARK || !ends) return 0;
    struct str version = doc_path_str(metadata, "resourceVersion");
    int rc = reflector_check_version(r, version, err);
    if (!rc) rc = reflector_set_version(r, version, err);
    if (rc) return rc;
    store_replace_end(r->store, str_of(r->ns));
    r->initial = false;
    r->completed = true;
    return 0;
}

static int on_event(enum watch_type type, struct doc *object, void *arg, struct err *err) {
    static const char *const TYPES[] = {
        [WATCH_ADDED] = "ADDED",       [WATCH_MODIFIED] = "MODIFIED", [WATCH_DELETED] = "DELETED",
        [WATCH_BOOKMARK] = "BOOKMARK", [WATCH_ERROR] = "ERROR",
    };
    struct reflector *r = arg;
    if (!r->initial) metric_add(r->events, METRIC_LABELS(str_of(r->plural), str_of(TYPES[type])), 1);
    if (type == WATCH_ERROR) return on_error_event(object, err);
    struct doc_value metadata = doc_get(doc_root(object), STR("metadata"));
    int rc = type == WATCH_ADDED || type == WATCH_MODIFIED ? put(r, object, err) : 0;
    if (type == WATCH_DELETED) drop(r, object);
    if (rc) return rc;
    r->applied++;
    if (r->initial) return on_initial_event(r, type, metadata, err);
    r->progressed = true;
    r->behind_since_us = 0;
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
