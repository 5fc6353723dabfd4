#include <stdlib.h>

#include "base/clock.h"
#include "kube/reflector_internal.h"
#include "kube/url.h"

enum {
    WATCH_MIN_S = 300,
    WATCH_SPREAD_S = 300,
    WATCH_GRACE_MS = 30 * 1000,     /* the server ends a watch itself; one that outlives this hangs */
    SHORT_WATCH_US = 1000 * 1000,   /* ended sooner and without an event, it counts as failed */
    STREAM_TIMEOUT_MS = 60 * 1000,  /* until a list begins to stream, as long as for a page: the server may let it queue */
    EVENT_TIMEOUT_MS = 60 * 1000,   /* until an event that has begun is whole: etcd's largest at 50 kB/s */
    INITIAL_TIMEOUT_MS = 10 * 1000, /* without an event within the list: when client-go warns that its end is missing */
};

static const char *reason_of(enum err_code code) {
    switch (code) {
    case ERR_NONE: return "ended";
    case ERR_GONE: return "gone";
    case ERR_BEHIND: return "behind";
    case ERR_THROTTLED: return "throttled";
    case ERR_SYNTAX:
    case ERR_LIMIT:
    case ERR_INVALID: return "decode";
    default: return "error";
    }
}

void reflector_end_stream(struct reflector *r) {
    if (r->measured) link_list_ends(link_of(r->client), r->streamed_bytes);
    r->measured = false;
    r->initial = false;
    timer_stop(r->stall);
}

static void on_open(void *arg) {
    struct reflector *r = arg;
    r->opened_us = clock_mono_us();
    reflector_opened(r);
    if (r->initial) {
        r->measured = true;
        link_list_begins(link_of(r->client));
        timer_start(r->stall, INITIAL_TIMEOUT_MS);
    } else {
        reflector_set_state(r, REFLECTOR_SYNCED, NULL);
    }
}

/* Only whole events count, so that a trickle of bytes does not hold a watch. */
static void watch_stall(struct reflector *r, uint64_t applied_before) {
    bool midway = watch_reader_is_midway(r->watch);
    if (r->applied == applied_before && midway == r->midway) return;
    r->midway = midway;
    if (midway)
        timer_start(r->stall, EVENT_TIMEOUT_MS);
    else if (r->initial)
        timer_start(r->stall, INITIAL_TIMEOUT_MS);
    else
        timer_stop(r->stall);
}

static void complete(struct reflector *r) {
    r->completed = false;
    if (r->measured) link_list_ends(link_of(r->client), r->streamed_bytes);
    r->measured = false;
    lists_streamed(r->client);
    reflector_listed(r, "stream");
}

/* The owner may be gone after reflector_listed, which tells it. */
static int on_chunk(struct str chunk, void *arg, struct err *err) {
    struct reflector *r = arg;
    uint64_t applied_before = r->applied;
    r->streamed_bytes += (int64_t)chunk.n;
    int rc = watch_reader_feed(r->watch, chunk, &r->stream_err);
    if (rc) err_set(err, r->stream_err.code, "%s", r->stream_err.msg);
    watch_stall(r, applied_before);
    if (r->completed) complete(r);
    return rc;
}

/* A server that does not know how says so (422 since 1.27, before that 400), or sends the state without ever marking its end. */
static bool is_refusal(const struct reflector *r, const struct err *err) {
    return err->code == ERR_UNSUPPORTED || (err->code == ERR_INVALID && !r->opened_us);
}

/* What says nothing of the way the list was asked for is tried again the same way. */
static bool may_be_the_way(enum err_code code) {
    return code != ERR_UNREACHABLE && code != ERR_THROTTLED && code != ERR_UNAUTHORIZED && code != ERR_FORBIDDEN && code != ERR_NOT_FOUND;
}

static void stream_failed(struct reflector *r, const struct err *err) {
    bool refused = is_refusal(r, err);
    r->by_pages = may_be_the_way(err->code);
    if (refused) {
        lists_refused(r->client);
        reflector_go_on(r);
    } else {
        reflector_fail(r, err);
    }
}

static void end(struct reflector *r, struct err *err) {
    bool initial = r->initial;
    metric_add(r->restarts, METRIC_LABELS(str_of(r->plural), str_of(reason_of(err->code))), 1);
    if (!err->code && initial) {
        err_set(err, ERR_SERVER, "a stream of %s ended before the list was whole", r->plural);
    } else if (!err->code && !r->progressed && clock_mono_us() - r->opened_us < SHORT_WATCH_US) {
        err_set(err, ERR_SERVER, "a watch of %s ended at once, without an event", r->plural);
    }
    reflector_end_stream(r);
    if (initial)
        stream_failed(r, err);
    else if (err->code)
        reflector_fail(r, err);
    else
        reflector_go_on(r);
}

static void on_done(const struct err *err, void *arg) {
    struct reflector *r = arg;
    struct err local = r->stream_err.code ? r->stream_err : *err;
    r->call = NULL;
    end(r, &local);
}

void reflector_stalled(void *reflector) {
    struct reflector *r = reflector;
    struct err err;
    if (!r->call || !r->watch) return;
    kube_drop(r->call);
    r->call = NULL;
    if (r->midway)
        err_set(&err, ERR_TIMEOUT, "an event of %s was not whole after %d s", r->plural, EVENT_TIMEOUT_MS / 1000);
    else if (r->opened_us)
        err_set(&err, ERR_UNSUPPORTED, "the server did not say where the list of %s ends", r->plural);
    else
        err_set(&err, ERR_TIMEOUT, "the list of %s did not begin within %d s", r->plural, STREAM_TIMEOUT_MS / 1000);
    end(r, &err);
}

static int start(struct reflector *r, const struct buf *path, unsigned seconds, struct err *err) {
    const struct kube_stream_request request = {
        .path = path->data,
        .resource = r->plural,
        .verb = "watch",
        .form = r->metadata_only ? KUBE_METADATA : KUBE_OBJECTS,
        .timeout_ms = (int64_t)seconds * 1000 + WATCH_GRACE_MS,
        .on_chunk = on_chunk,
        .on_open = on_open,
        .done = on_done,
        .arg = r,
    };
    r->progressed = r->midway = false;
    r->opened_us = r->streamed_bytes = 0;
    return kube_stream(r->client, &request, &r->call, err);
}

static int put_path(const struct reflector *r, unsigned *seconds, struct buf *out, struct err *err) {
    *seconds = WATCH_MIN_S + arc4random_uniform(WATCH_SPREAD_S + 1);
    int rc = buf_printf(out, err, "%s?watch=true&allowWatchBookmarks=true&timeoutSeconds=%u", r->path, *seconds);
    return rc ? rc : reflector_put_selector(r, '&', out, err);
}

int reflector_start_watch(struct reflector *r, struct err *err) {
    struct buf path = buf_new(URL_MAX_BYTES);
    unsigned seconds;
    int rc = put_path(r, &seconds, &path, err);
    if (!rc) rc = buf_puts(&path, "&resourceVersion=", err);
    if (!rc) rc = url_escape(str_of(r->version), &path, err);
    if (!rc) rc = reflector_open_watch(r, err);
    if (!rc) rc = start(r, &path, seconds, err);
    buf_free(&path);
    return rc;
}

/* Without a resourceVersion it is a consistent read: the server compares itself with etcd first. */
int reflector_start_stream(struct reflector *r, struct err *err) {
    struct buf path = buf_new(URL_MAX_BYTES);
    unsigned seconds;
    int rc = put_path(r, &seconds, &path, err);
    if (!rc) rc = buf_puts(&path, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", err);
    if (!rc) rc = reflector_open_watch(r, err);
    if (!rc) rc = start(r, &path, seconds, err);
    buf_free(&path);
    if (rc) return rc;
    store_replace_begin(r->store, str_of(r->ns));
    r->initial = true;
    timer_start(r->stall, STREAM_TIMEOUT_MS);
    return 0;
}
