#include "kube/reflector_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/url.h"

enum {
    PAGE_ITEMS = 500,
    PAGE_TIMEOUT_MS = 60 * 1000,
    WHOLE_LIST_TIMEOUT_MS = 5 * 60 * 1000,
    WATCH_MIN_S = 300,
    WATCH_SPREAD_S = 300,
    WATCH_GRACE_MS = 30 * 1000,       /* the server ends a watch itself; one that outlives this hangs */
    SHORT_WATCH_US = 1000 * 1000,     /* ended sooner and without an event, it counts as failed */
    FRESH_LIST_US = 30 * 1000 * 1000, /* a version of such a list cannot have expired: a 410 is a fault of the server */
};

static void set_state(struct reflector *r, enum reflector_state state, const struct err *err) {
    enum err_code code = err ? err->code : ERR_NONE;
    if (state == r->state && code == r->last_err.code) return;
    r->state = state;
    r->last_err = err ? *err : (struct err){0};
    if (r->changed) r->changed(r, state, code ? &r->last_err : NULL, r->changed_arg);
}

static const char *reason_of(enum err_code code) {
    switch (code) {
    case ERR_NONE: return "ended";
    case ERR_GONE: return "gone";
    case ERR_THROTTLED: return "throttled";
    case ERR_SYNTAX:
    case ERR_LIMIT:
    case ERR_INVALID: return "decode";
    default: return "error";
    }
}

/* What a failure says of the kind. A lost connection says nothing: whoever was synced stays so, and denied stays denied. */
static void tell_failure(struct reflector *r, const struct err *err) {
    if (err->code == ERR_UNAUTHORIZED || err->code == ERR_FORBIDDEN)
        set_state(r, REFLECTOR_DENIED, err);
    else if (err->code == ERR_NOT_FOUND)
        set_state(r, REFLECTOR_MISSING, err);
    else if (r->state == REFLECTOR_SYNCING)
        set_state(r, REFLECTOR_SYNCING, err);
}

static void list_anew(struct reflector *r, bool unpaged) {
    free(r->page);
    r->page = NULL;
    r->unpaged = unpaged;
    r->version[0] = '\0';
}

/* Where to go on after a failure, and how many ms later. Pages and watches resume where they were, unless that place is gone. */
static int64_t plan_next(struct reflector *r, const struct err *err) {
    int64_t now_us = clock_mono_us();
    bool paging = r->page != NULL, fresh = now_us - r->listed_us < FRESH_LIST_US, watching = r->version[0];
    if (err->code == ERR_GONE || err->code == ERR_NOT_FOUND) list_anew(r, err->code == ERR_GONE && paging);
    if (err->code == ERR_GONE && (paging || (watching && !fresh))) return 0;
    return backoff_after(&r->backoff, now_us, err);
}

/* The last field of a line; none where all namespaces are watched. */
static struct log_field in_namespace(const struct reflector *r) { return *r->ns ? LOG_S("namespace", r->ns) : (struct log_field){0}; }

static void fail(struct reflector *r, const struct err *err) {
    struct err kept = *err; /* err may live in what is closed now */
    int64_t delay_ms = plan_next(r, &kept);
    reflector_close(r);
    timer_start(r->timer, delay_ms);
    if (!delay_ms) return; /* the protocol's way of saying "list anew", no fault */
    if (r->failing != kept.code) {
        log_warn("kube.watch", kept.msg, LOG_S("resource", r->plural), LOG_S("reason", err_code_name(kept.code)),
                 LOG_I("retry_ms", delay_ms), in_namespace(r));
    }
    r->failing = kept.code;
    tell_failure(r, &kept);
}

static void go_on(struct reflector *r, bool synced) {
    reflector_close(r);
    timer_start(r->timer, 0);
    if (synced) set_state(r, REFLECTOR_SYNCED, NULL);
}

static const struct err *cause(const struct reflector *r, const struct err *err) { return r->stream_err.code ? &r->stream_err : err; }

static void finish_list(struct reflector *r) {
    struct err err;
    if (reflector_set_version(r, list_reader_resource_version(r->list), &err)) {
        fail(r, &err);
        return;
    }
    store_replace_end(r->store, str_of(r->ns));
    free(r->page);
    r->page = NULL;
    r->unpaged = false;
    r->listed_us = clock_mono_us();
    log_info("kube.watch", "listed", LOG_S("resource", r->plural), LOG_I("items", (int64_t)store_count(r->store)),
             LOG_S("version", r->version), in_namespace(r));
    go_on(r, true);
}

static void on_list_done(const struct err *err, void *arg) {
    struct reflector *r = arg;
    struct err local = *cause(r, err);
    r->call = NULL;
    int rc = local.code ? (int)local.code : list_reader_end(r->list, &local);
    struct str token = rc ? (struct str){0} : list_reader_continue(r->list);
    char *page = token.n ? str_dup(token) : NULL;
    if (token.n && !page) err_set(&local, ERR_NOMEM, "no memory to list %s", r->plural);
    if (local.code) {
        fail(r, &local);
    } else if (page) {
        free(r->page);
        r->page = page;
        go_on(r, false);
    } else {
        finish_list(r);
    }
}

static int on_list_chunk(struct str chunk, void *arg, struct err *err) {
    struct reflector *r = arg;
    int rc = list_reader_feed(r->list, chunk, &r->stream_err);
    return rc ? err_set(err, r->stream_err.code, "%s", r->stream_err.msg) : 0;
}

static void on_list_open(void *arg) {
    struct reflector *r = arg;
    r->failing = ERR_NONE;
    backoff_good(&r->backoff, clock_mono_us());
}

static int put_list_path(const struct reflector *r, struct buf *out, struct err *err) {
    int rc = buf_puts(out, r->path, err);
    if (!rc && !r->unpaged) rc = buf_printf(out, err, "?limit=%d", PAGE_ITEMS);
    if (!rc && r->page) rc = buf_puts(out, "&continue=", err);
    return rc || !r->page ? rc : url_escape(str_of(r->page), out, err);
}

static int start_list(struct reflector *r, struct err *err) {
    struct buf path = buf_new(URL_MAX_BYTES);
    int rc = put_list_path(r, &path, err);
    if (!rc) rc = reflector_open_list(r, err);
    if (!rc && !r->page) store_replace_begin(r->store, str_of(r->ns));
    const struct kube_stream_request request = {
        .path = path.data,
        .resource = r->plural,
        .verb = "list",
        .form = r->metadata_only ? KUBE_METADATA : KUBE_OBJECTS,
        .timeout_ms = r->unpaged ? WHOLE_LIST_TIMEOUT_MS : PAGE_TIMEOUT_MS,
        .on_chunk = on_list_chunk,
        .on_open = on_list_open,
        .done = on_list_done,
        .arg = r,
    };
    if (!rc) rc = kube_stream(r->client, &request, &r->call, err);
    buf_free(&path);
    return rc;
}

static void on_watch_open(void *arg) {
    struct reflector *r = arg;
    r->opened_us = clock_mono_us();
    r->failing = ERR_NONE;
    backoff_good(&r->backoff, r->opened_us);
    set_state(r, REFLECTOR_SYNCED, NULL);
}

static int on_watch_chunk(struct str chunk, void *arg, struct err *err) {
    struct reflector *r = arg;
    int rc = watch_reader_feed(r->watch, chunk, &r->stream_err);
    return rc ? err_set(err, r->stream_err.code, "%s", r->stream_err.msg) : 0;
}

static void on_watch_done(const struct err *err, void *arg) {
    struct reflector *r = arg;
    struct err local = *cause(r, err);
    r->call = NULL;
    metric_add(r->restarts, METRIC_LABELS(str_of(r->plural), str_of(reason_of(local.code))), 1);
    if (!local.code && !r->progressed && clock_mono_us() - r->opened_us < SHORT_WATCH_US) {
        err_set(&local, ERR_SERVER, "a watch of %s ended at once, without an event", r->plural);
    }
    if (local.code)
        fail(r, &local);
    else
        go_on(r, false);
}

static int start_watch(struct reflector *r, struct err *err) {
    unsigned seconds = WATCH_MIN_S + arc4random_uniform(WATCH_SPREAD_S + 1);
    struct buf path = buf_new(URL_MAX_BYTES);
    int rc = buf_printf(&path, err, "%s?watch=true&allowWatchBookmarks=true&timeoutSeconds=%u&resourceVersion=", r->path, seconds);
    if (!rc) rc = url_escape(str_of(r->version), &path, err);
    if (!rc) rc = reflector_open_watch(r, err);
    const struct kube_stream_request request = {
        .path = path.data,
        .resource = r->plural,
        .verb = "watch",
        .form = r->metadata_only ? KUBE_METADATA : KUBE_OBJECTS,
        .timeout_ms = (int64_t)seconds * 1000 + WATCH_GRACE_MS,
        .on_chunk = on_watch_chunk,
        .on_open = on_watch_open,
        .done = on_watch_done,
        .arg = r,
    };
    r->progressed = false;
    if (!rc) rc = kube_stream(r->client, &request, &r->call, err);
    buf_free(&path);
    return rc;
}

static void next(void *arg) {
    struct reflector *r = arg;
    struct err err = {0};
    r->stream_err = (struct err){0};
    int rc = r->version[0] ? start_watch(r, &err) : start_list(r, &err);
    if (rc) fail(r, &err);
}

struct reflector *reflector_new(struct loop *loop, struct kube_client *client, const struct resource *resource, struct str ns,
                                struct store *store, struct metrics *metrics, reflector_changed changed, void *arg, struct err *err) {
    struct reflector *r = calloc(1, sizeof *r);
    if (!r) goto nomem;
    r->client = client;
    r->store = store;
    r->changed = changed;
    r->changed_arg = arg;
    r->path = kube_path(resource, ns, (struct str){0}, NULL);
    r->plural = strdup(resource->plural);
    r->ns = str_dup(ns);
    r->timer = timer_new(loop, next, r);
    if (!r->path || !r->plural || !r->ns || !r->timer) goto nomem;
    reflector_define_metrics(r, metrics);
    timer_start(r->timer, 0);
    return r;
nomem:
    reflector_free(r);
    err_set(err, ERR_NOMEM, "no memory to watch %s", resource->gvk->text);
    return NULL;
}

void reflector_free(struct reflector *r) {
    if (!r) return;
    kube_drop(r->call);
    timer_free(r->timer);
    reflector_close(r);
    free(r->page);
    free(r->path);
    free(r->plural);
    free(r->ns);
    free(r);
}

enum reflector_state reflector_state(const struct reflector *r) { return r->state; }

void reflector_metadata_only(struct reflector *r) { r->metadata_only = true; }
