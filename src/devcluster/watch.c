#include "devcluster/watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "devcluster/memory.h"
#include "devcluster/reply.h"
#include "devcluster/selector.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

enum { BOOKMARK_MS = 5000, DEFAULT_TIMEOUT_S = 1800, MAX_PENDING_BYTES = 512 * 1024 * 1024 };

struct dev_watch {
    struct dev_cluster *cluster;
    struct http_exchange *x;
    struct dev_shape shape;
    char *ns, *name; /* "" for all */
    struct dev_selector selector;
    bool bookmarks;
    bool columns_sent;
    bool starting, closed; /* a peer that is gone already is told of within the start */
    uint64_t told;         /* the client knows everything up to this version */
    int64_t end_us;
    struct timer *timer;
    struct dev_watch *next;
};

static void watch_free(struct dev_watch *w) {
    timer_free(w->timer);
    dev_selector_free(&w->selector);
    free(w->ns);
    free(w->name);
    free(w);
}

static void unlink_watch(struct dev_watch *w) {
    struct dev_watch **at = &w->cluster->watches;
    while (*at && *at != w) at = &(*at)->next;
    if (*at) *at = w->next;
}

static void on_closed(void *arg) {
    struct dev_watch *w = arg;
    w->closed = true;
    if (w->starting) return;
    unlink_watch(w);
    watch_free(w);
}

static void finish(struct dev_watch *w) {
    unlink_watch(w);
    http_stream_end(w->x);
    watch_free(w);
}

static void send_text(struct dev_watch *w, struct buf *line) {
    dev_text_add(line, "}\n");
    http_stream_write(w->x, (struct str){line->data, line->len});
    buf_free(line);
}

static void send_object(struct dev_watch *w, enum dev_event_type type, const struct dev_object *object) {
    static const char *const NAMES[] = {"ADDED", "MODIFIED", "DELETED"};
    struct buf line = dev_text_new();
    dev_text_addf(&line, "{\"type\":\"%s\",\"object\":", NAMES[type]);
    dev_write_object(&w->shape, object, !w->columns_sent, &line);
    w->columns_sent = true;
    send_text(w, &line);
}

static void send_bookmark(struct dev_watch *w, bool initial_end) {
    const struct dev_kind *k = w->shape.kind;
    struct buf line = dev_text_new();
    dev_text_addf(
        &line,
        "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s%s%s\",\"metadata\":{\"resourceVersion\":\"%" PRIu64 "\"",
        k->name, k->group, *k->group ? "/" : "", k->version, w->cluster->storage.version);
    if (initial_end) dev_text_add(&line, ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}");
    dev_text_add(&line, "}}");
    send_text(w, &line);
    w->told = w->cluster->storage.version;
}

/* Until the next bookmark or the end, whichever comes first. */
static int64_t next_look_ms(const struct dev_watch *w) {
    int64_t left_ms = (w->end_us - clock_mono_us()) / 1000 + 1;
    return left_ms < BOOKMARK_MS ? left_ms : BOOKMARK_MS;
}

static void on_timer(void *arg) {
    struct dev_watch *w = arg;
    if (w->bookmarks && w->told < w->cluster->storage.version) send_bookmark(w, false);
    if (clock_mono_us() >= w->end_us)
        finish(w);
    else
        timer_start(w->timer, next_look_ms(w));
}

static bool concerns(const struct dev_watch *w, const struct dev_object *object) {
    if (!object || (*w->ns && strcmp(w->ns, object->ns) != 0) || (*w->name && strcmp(w->name, object->name) != 0)) return false;
    return dev_selector_matches(&w->selector, object);
}

/* An object that enters or leaves a selection is seen as added or deleted. */
static void tell(struct dev_watch *w, const struct dev_event *event) {
    if (event->collection != w->shape.kind->objects) return;
    bool before = concerns(w, event->before), now = event->type != DEV_DELETED && concerns(w, event->now);
    if (now)
        send_object(w, before ? DEV_MODIFIED : DEV_ADDED, event->now);
    else if (before)
        send_object(w, DEV_DELETED, event->now);
    else
        return;
    w->told = event->version;
}

void dev_watch_notify(struct dev_cluster *c, const struct dev_event *event) {
    for (struct dev_watch *w = c->watches, *next; w; w = next) {
        next = w->next;
        tell(w, event);
    }
}

void dev_watch_end(struct dev_cluster *c, const struct dev_kind *kind) {
    for (struct dev_watch *w = c->watches, *next; w; w = next) {
        next = w->next;
        if (!kind || w->shape.kind == kind) finish(w);
    }
}

/* The state as synthetic ADDED events. */
static void send_state(struct dev_watch *w) {
    size_t count;
    struct dev_object **objects = dev_storage_list(w->shape.kind->objects, &count);
    for (size_t i = 0; i < count; i++)
        if (concerns(w, objects[i])) send_object(w, DEV_ADDED, objects[i]);
}

static void send_log(struct dev_watch *w, uint64_t from) {
    const struct dev_storage *s = &w->cluster->storage;
    w->told = from;
    for (size_t i = dev_storage_events_after(s, from); i < s->log_count; i++) tell(w, dev_storage_event(s, i));
}

static void send_expired(struct dev_watch *w, uint64_t from) {
    cJSON *status = dev_status_expired("too old resource version: %" PRIu64 " (%" PRIu64 ")", from, w->cluster->storage.forgotten + 1);
    struct buf line = dev_text_new();
    dev_text_add(&line, "{\"type\":\"ERROR\",\"object\":");
    tree_write(status, &line);
    cJSON_Delete(status);
    send_text(w, &line);
}

static void begin_events(struct dev_watch *w, const char *version, bool initial) {
    uint64_t from = strtoull(version, NULL, 10);
    if (initial) {
        send_state(w);
        if (w->bookmarks) send_bookmark(w, true);
    } else if (from == 0) {
        send_state(w);
    } else if (from < w->cluster->storage.forgotten) {
        send_expired(w, from);
        finish(w);
        return;
    } else {
        send_log(w, from);
    }
    timer_start(w->timer, next_look_ms(w));
}

static struct dev_watch *watch_new(const struct dev_request *r) {
    struct dev_watch *w = dev_alloc(sizeof *w);
    *w = (struct dev_watch){.cluster = r->cluster, .x = r->x, .shape = dev_shape_of(r)};
    w->ns = dev_copy_text(r->ns);
    w->name = dev_copy_text(r->name);
    w->bookmarks = dev_request_flag(r, "allowWatchBookmarks");
    int64_t timeout_s = dev_request_int(r, "timeoutSeconds", 0);
    w->end_us = clock_mono_us() + (timeout_s > 0 ? timeout_s : DEFAULT_TIMEOUT_S) * 1000000;
    w->timer = timer_new(r->cluster->loop, on_timer, w);
    return w;
}

static cJSON *check(const struct dev_request *r, const char *version) {
    char *end;
    uint64_t from = strtoull(version, &end, 10), current = r->cluster->storage.version;
    if (*end) return dev_status_bad_request("invalid resource version \"%s\"", version);
    if (from > current) return dev_status(504, "Timeout", "Too large resource version: %" PRIu64 ", current: %" PRIu64, from, current);
    if (!dev_request_flag(r, "sendInitialEvents") || str_is(http_query(r->x, "resourceVersionMatch"), "NotOlderThan")) return NULL;
    cJSON *causes = cJSON_CreateArray();
    dev_cause_add(causes, "FieldValueForbidden", "resourceVersionMatch",
                  "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    struct dev_kind options = {.group = (char[]){"meta.k8s.io"}, .name = (char[]){"ListOptions"}, .plural = (char[]){"ListOptions"}};
    return dev_status_invalid(&options, "", causes);
}

static void open_stream(struct dev_watch *w, const char *version, bool initial) {
    w->starting = true;
    http_stream_begin(w->x, 200, "application/json", MAX_PENDING_BYTES, on_closed, w);
    w->starting = false;
    if (w->closed) {
        watch_free(w);
        return;
    }
    w->next = w->cluster->watches;
    w->cluster->watches = w;
    begin_events(w, version, initial);
}

cJSON *dev_watch_start(const struct dev_request *r) {
    char *version = dev_request_text(r, "resourceVersion");
    bool initial = dev_request_flag(r, "sendInitialEvents");
    struct dev_watch *w = NULL;
    cJSON *refusal = check(r, version);
    if (!refusal) {
        w = watch_new(r);
        refusal = dev_selector_parse(&w->selector, http_query(r->x, "labelSelector"), http_query(r->x, "fieldSelector"));
        if (refusal) watch_free(w);
    }
    if (!refusal) open_stream(w, version, initial);
    free(version);
    return refusal;
}
