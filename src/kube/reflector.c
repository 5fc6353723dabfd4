#include "kube/reflector_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/url.h"

/* What was listed after a 410 cannot have expired so soon: another one is a fault of the server. */
static const int64_t GONE_AGAIN_US = 30 * 1000 * 1000;

/*
 * A server that shows an older state than was seen has yet to catch up; one that goes on doing so for longer than etcd keeps its history
 * will not: the cluster was set back to a backup.
 */
static const int64_t BEHIND_MAX_US = 5 * 60 * 1000LL * 1000;

void reflector_set_state(struct reflector *r, enum reflector_state state, const struct err *err) {
    enum err_code code = err ? err->code : ERR_NONE;
    if (state == r->state && code == r->last_err.code) return;
    r->state = state;
    r->last_err = err ? *err : (struct err){0};
    if (r->changed) r->changed(r, state, code ? &r->last_err : NULL, r->changed_arg);
}

/* What a failure says of the kind. A lost connection says nothing: whoever was synced stays so, and denied stays denied. */
static void tell_failure(struct reflector *r, const struct err *err) {
    if (err->code == ERR_UNAUTHORIZED || err->code == ERR_FORBIDDEN)
        reflector_set_state(r, REFLECTOR_DENIED, err);
    else if (err->code == ERR_NOT_FOUND)
        reflector_set_state(r, REFLECTOR_MISSING, err);
    else if (r->state == REFLECTOR_SYNCING)
        reflector_set_state(r, REFLECTOR_SYNCING, err);
}

static void list_anew(struct reflector *r, bool unpaged) {
    free(r->page);
    r->page = NULL;
    r->unpaged = unpaged;
    r->version[0] = '\0';
}

static void note_behind(struct reflector *r, int64_t now_us) {
    if (!r->behind_since_us) r->behind_since_us = now_us;
    if (now_us - r->behind_since_us < BEHIND_MAX_US) return;
    log_warn("kube.watch", "the cluster has gone back in time: what is there now is taken", LOG_S("resource", r->plural),
             LOG_S("seen", r->newest));
    list_anew(r, false);
    r->newest[0] = '\0';
    r->behind_since_us = 0;
}

/* 410 is the protocol's way of saying "list anew", which is done at once; but not over and over. */
static bool lists_at_once(struct reflector *r, bool paging, int64_t now_us) {
    bool again = r->gone_us && now_us - r->gone_us < GONE_AGAIN_US, watching = r->version[0];
    if (paging) return true;
    if (watching) r->gone_us = now_us;
    return watching && !again;
}

/* Where to go on after a failure, and how many ms later. Pages and watches resume where they were, unless that place is gone. */
static int64_t plan_next(struct reflector *r, const struct err *err) {
    int64_t now_us = clock_mono_us();
    bool paging = r->page != NULL, at_once = err->code == ERR_GONE && lists_at_once(r, paging, now_us);
    if (err->code == ERR_GONE || err->code == ERR_NOT_FOUND) list_anew(r, err->code == ERR_GONE && paging);
    if (err->code == ERR_BEHIND) note_behind(r, now_us);
    return at_once ? 0 : backoff_after(&r->backoff, now_us, err);
}

/* The last field of a line; none where all namespaces are watched. */
static struct log_field in_namespace(const struct reflector *r) { return *r->ns ? LOG_S("namespace", r->ns) : (struct log_field){0}; }

void reflector_fail(struct reflector *r, const struct err *err) {
    struct err kept = *err; /* err may live in what is closed now */
    int64_t delay_ms = plan_next(r, &kept);
    reflector_close(r);
    list_seat_leave(&r->seat);
    timer_start(r->timer, delay_ms);
    if (!delay_ms) return; /* no fault */
    if (r->failing != kept.code) {
        log_warn("kube.watch", kept.msg, LOG_S("resource", r->plural), LOG_S("reason", err_code_name(kept.code)),
                 LOG_I("retry_ms", delay_ms), in_namespace(r));
    }
    r->failing = kept.code;
    tell_failure(r, &kept);
}

void reflector_go_on(struct reflector *r) {
    reflector_close(r);
    timer_start(r->timer, 0);
}

void reflector_opened(struct reflector *r) {
    r->failing = ERR_NONE;
    backoff_good(&r->backoff, clock_mono_us());
}

void reflector_listed(struct reflector *r, const char *by) {
    list_seat_leave(&r->seat);
    r->by_pages = false;
    r->behind_since_us = 0;
    metric_add(r->lists, METRIC_LABELS(str_of(r->plural), str_of(by)), 1);
    log_info("kube.watch", "listed", LOG_S("resource", r->plural), LOG_S("by", by), LOG_I("items", (int64_t)store_count(r->store)),
             LOG_S("version", r->version), in_namespace(r));
    reflector_set_state(r, REFLECTOR_SYNCED, NULL);
}

static bool streams(const struct reflector *r) { return !r->page && !r->unpaged && !r->by_pages && lists_stream(r->client); }

static void next(void *arg) {
    struct reflector *r = arg;
    struct err err = {0};
    r->stream_err = (struct err){0};
    if (r->once && r->version[0]) return;
    if (!r->version[0] && !list_seat_take(&r->seat)) return;
    int rc = r->version[0] ? reflector_start_watch(r, &err) : streams(r) ? reflector_start_stream(r, &err) : reflector_start_list(r, &err);
    if (rc) reflector_fail(r, &err);
}

static void on_seat(void *arg) {
    struct reflector *r = arg;
    timer_start(r->timer, 0);
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
    r->stall = timer_new(loop, reflector_stalled, r);
    r->seat = (struct list_seat){.client = client, .ready = on_seat, .arg = r};
    if (!r->path || !r->plural || !r->ns || !r->timer || !r->stall) goto nomem;
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
    if (r->stall) reflector_end_stream(r);
    list_seat_leave(&r->seat);
    timer_free(r->timer);
    timer_free(r->stall);
    reflector_close(r);
    free(r->page);
    free(r->path);
    free(r->plural);
    free(r->ns);
    free(r);
}

void reflector_once(struct reflector *r) { r->once = true; }

void reflector_select(struct reflector *r, const char *selector) { r->selector = selector; }

int reflector_put_selector(const struct reflector *r, char before, struct buf *out, struct err *err) {
    if (!r->selector) return 0;
    int rc = buf_printf(out, err, "%clabelSelector=", before);
    return rc ? rc : url_escape(str_of(r->selector), out, err);
}

enum reflector_state reflector_state(const struct reflector *r) { return r->state; }

void reflector_metadata_only(struct reflector *r) { r->metadata_only = true; }
