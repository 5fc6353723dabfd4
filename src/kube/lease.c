#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/lease_internal.h"
#include "kube/url.h"

enum {
    CALL_TIMEOUT_MS = LEASE_RENEW_DEADLINE_MS / 2, /* controller-runtime's: one that hangs leaves time for another */
    HINT_PACE_US = 200 * 1000, /* the watch asks for no look sooner than this after the last, whatever somebody does to the Lease */
    WATCH_S = 300,
    WATCH_GRACE_MS = 30 * 1000,
};

struct lease {
    struct lease_options o;
    struct resource resource;
    bool known;
    bool holds;
    struct doc *seen;         /* once known: as the server had it last; NULL: there is none */
    int64_t seen_us;          /* since when it says the same */
    int64_t until_us;         /* while it holds it */
    int64_t next_us;          /* the next attempt */
    int64_t asked_us;         /* the request under way was sent */
    struct kube_call *call;   /* under way, or NULL */
    struct kube_call *watch;  /* open, or NULL */
    bool hinted;              /* the watch brought something since it was asked for last */
    bool unwatchable;         /* as the last watch ended */
    bool crossed;             /* somebody wrote it between our read and our write: it is read again at once, but once */
    bool releasing, released; /* released: only `done` is left to do */
    uint64_t failing;         /* what was logged already, see failure_of; 0: nothing */
    struct timer *timer;      /* of the next attempt, or the end of until_us */
    void (*done)(void *arg);
    void *done_arg;
};

static int64_t now_us(const struct lease *l) { return l->o.now_us ? l->o.now_us() : clock_boot_us(); }

/* wait.JitterUntil with leaderelection's JitterFactor of 1.2, so that candidates do not all ask at once. */
static int64_t jittered_retry_us(void) { return (LEASE_RETRY_MS + (int64_t)arc4random_uniform(LEASE_RETRY_MS * 12 / 10)) * 1000; }

static bool is_ours(const struct lease *l) { return l->seen && str_is(lease_record_holder(l->seen), l->o.identity); }

static int64_t runs_out_us(const struct lease *l) { return l->seen_us + lease_record_duration_ms(l->seen) * 1000; }

static bool may_take(const struct lease *l) { return lease_record_holder(l->seen).n == 0 || is_ours(l) || now_us(l) >= runs_out_us(l); }

/* A request under way has a deadline of its own. */
static void arm(struct lease *l) {
    int64_t due_us = l->call ? INT64_MAX : l->next_us, now = now_us(l);
    if (l->holds && l->until_us < due_us) due_us = l->until_us;
    if (due_us == INT64_MAX)
        timer_stop(l->timer);
    else
        timer_start(l->timer, due_us > now ? (due_us - now + 999) / 1000 : 0);
}

static void note(struct lease *l, struct doc *lease) {
    if (!l->known || !lease_record_equal(l->seen, lease)) l->seen_us = now_us(l);
    doc_ref(lease);
    doc_unref(l->seen);
    l->seen = lease;
    l->known = true;
}

static void stop_watching(struct lease *l) {
    kube_drop(l->watch);
    l->watch = NULL;
}

static void drop_call(struct lease *l) {
    kube_drop(l->call);
    l->call = NULL;
}

static void lose(struct lease *l, const char *why) {
    l->holds = false;
    drop_call(l);
    l->next_us = now_us(l) + jittered_retry_us();
    l->o.lost(why, l->o.arg);
}

/* Of rights each one that is missing counts: when the first is granted, the next is what there is to say. */
static uint64_t failure_of(const struct err *err) {
    return err->code == ERR_FORBIDDEN ? str_hash(str_of(err->msg), 0) : (uint64_t)err->code;
}

static void try_later(struct lease *l, const struct err *err) {
    if (failure_of(err) != l->failing) {
        log_warn("kube.lease", l->holds ? "cannot renew the lease" : "cannot ask for the lease", LOG_S("namespace", l->o.ns),
                 LOG_S("lease", l->o.name), LOG_S("error", err->msg));
    }
    l->failing = failure_of(err);
    l->crossed = false;
    l->next_us = now_us(l) + (l->holds ? LEASE_RETRY_MS * 1000 : jittered_retry_us());
    arm(l);
}

/* ---- the watch of a candidate -------------------------------------------------------------------------------------------------- */

static void look_soon(struct lease *l) {
    int64_t soon_us = l->asked_us + HINT_PACE_US;
    if (soon_us < l->next_us) l->next_us = soon_us;
    arm(l);
}

/* Whatever it brings: something happened to the Lease, and what, a read will say. */
static int on_hint(struct str chunk, void *arg, struct err *err) {
    struct lease *l = arg;
    (void)chunk;
    (void)err;
    l->hinted = true;
    if (!l->call) look_soon(l);
    return 0;
}

static void on_watch_done(const struct err *err, void *arg) {
    struct lease *l = arg;
    bool denied = err && err->code == ERR_FORBIDDEN;
    if (denied && !l->unwatchable)
        log_info("kube.lease", "the lease may not be watched: that it is free is noticed seconds later", LOG_S("error", err->msg));
    l->unwatchable = denied;
    l->watch = NULL; /* the next look opens it again */
}

static int watch_path(const struct lease *l, struct buf *out, struct err *err) {
    char *path = kube_path(&l->resource, str_of(l->o.ns), STR(""), NULL);
    int rc = path ? buf_printf(out, err, "%s?watch=true&timeoutSeconds=%d&fieldSelector=metadata.name%%3D", path, WATCH_S)
                  : err_set(err, ERR_NOMEM, "no memory to watch a Lease");
    free(path);
    if (!rc) rc = url_escape(str_of(l->o.name), out, err);
    if (!rc) rc = buf_puts(out, "&resourceVersion=", err);
    return rc ? rc : url_escape(doc_path_str(doc_root(l->seen), "metadata.resourceVersion"), out, err);
}

/* Without it the candidate still asks every now and then. */
static void keep_watching(struct lease *l) {
    struct buf path = buf_new(URL_MAX_BYTES);
    struct err err;
    struct kube_stream_request request = {
        .resource = l->resource.plural,
        .verb = "watch",
        .timeout_ms = WATCH_S * 1000 + WATCH_GRACE_MS,
        .on_chunk = on_hint,
        .done = on_watch_done,
        .arg = l,
    };
    if (!l->watch && !watch_path(l, &path, &err)) {
        request.path = path.data;
        if (kube_stream(l->o.client, &request, &l->watch, &err)) log_debug("kube.lease", err.msg);
    }
    buf_free(&path);
}

/* ---- an attempt ------------------------------------------------------------------------------------------------------------------ */

static int send_request(struct lease *l, enum kube_verb verb, struct str holder, void (*done)(struct doc *, const struct err *, void *),
                        struct err *err) {
    struct doc *body = verb == KUBE_GET ? NULL : lease_record_next(&l->o, l->seen, holder, err);
    if (verb != KUBE_GET && !body) return (int)err->code;
    struct kube_request request = {
        .verb = verb,
        .resource = &l->resource,
        .ns = str_of(l->o.ns),
        .name = str_of(l->o.name),
        .body = doc_root(body),
        .without_leave = true,
        .timeout_ms = CALL_TIMEOUT_MS,
        .done = done,
        .arg = l,
    };
    l->asked_us = now_us(l);
    l->hinted = false;
    int rc = kube_send(l->o.client, &request, &l->call, err);
    doc_unref(body);
    if (!l->releasing) arm(l);
    return rc;
}

static void read_lease(struct lease *l);

static void held(struct lease *l) {
    int64_t until_us = l->asked_us + LEASE_RENEW_DEADLINE_MS * 1000LL;
    l->failing = 0;
    l->crossed = false;
    if (until_us <= now_us(l)) { /* the answer took longer than it is worth */
        l->next_us = now_us(l);
    } else {
        l->holds = true;
        l->until_us = until_us;
        l->next_us = l->asked_us + LEASE_RETRY_MS * 1000LL;
        stop_watching(l);
        l->o.held(until_us, l->o.arg);
    }
    arm(l);
}

static void written(struct doc *object, const struct err *err, void *arg) {
    struct lease *l = arg;
    bool crossed = err && (err->code == ERR_CONFLICT || err->code == ERR_NOT_FOUND);
    l->call = NULL;
    if (crossed && !l->crossed) {
        l->crossed = true;
        read_lease(l);
    } else if (err) {
        try_later(l, err);
    } else {
        note(l, object);
        held(l);
    }
}

static void write_lease(struct lease *l) {
    struct err err;
    if (send_request(l, l->seen ? KUBE_UPDATE : KUBE_CREATE, str_of(l->o.identity), written, &err)) try_later(l, &err);
}

static void stand_by(struct lease *l) {
    char why[512];
    struct str holder = lease_record_holder(l->seen);
    snprintf(why, sizeof why, STR_FMT " has it", STR_ARG(holder));
    if (l->holds) lose(l, why);
    l->failing = 0;
    l->crossed = false;
    l->next_us = now_us(l) + jittered_retry_us();
    if (runs_out_us(l) < l->next_us) l->next_us = runs_out_us(l);
    keep_watching(l);
    if (l->hinted)
        look_soon(l);
    else
        arm(l);
}

static void was_read(struct doc *object, const struct err *err, void *arg) {
    struct lease *l = arg;
    l->call = NULL;
    if (err && err->code != ERR_NOT_FOUND) {
        try_later(l, err);
        return;
    }
    note(l, err ? NULL : object);
    if (!l->seen || may_take(l))
        write_lease(l);
    else
        stand_by(l);
}

static void read_lease(struct lease *l) {
    struct err err;
    if (send_request(l, KUBE_GET, STR(""), was_read, &err)) try_later(l, &err);
}

void lease_look(struct lease *l) {
    if (l->releasing) {
        bool over = l->released;
        l->released = false;
        if (over) l->done(l->done_arg);
        return;
    }
    if (l->holds && now_us(l) >= l->until_us) lose(l, "it could not be renewed in time");
    if (l->call || now_us(l) < l->next_us)
        arm(l);
    else if (l->holds)
        write_lease(l);
    else
        read_lease(l);
}

void lease_restart(struct lease *l) {
    if (l->releasing) return;
    if (l->holds) lose(l, "requests go to another server now");
    drop_call(l);
    stop_watching(l);
    doc_unref(l->seen);
    l->seen = NULL;
    l->known = false;
    l->next_us = now_us(l);
    arm(l);
}

/* ---- the end ----------------------------------------------------------------------------------------------------------------------- */

static void release_over(struct lease *l) {
    l->released = true;
    timer_start(l->timer, 0);
}

static void let_go(struct lease *l);

static void read_again(struct doc *object, const struct err *err, void *arg) {
    struct lease *l = arg;
    l->call = NULL;
    if (!err) note(l, object);
    if (!err && is_ours(l))
        let_go(l);
    else
        release_over(l);
}

/* A renewal that was on its way may have come first. */
static void gone(struct doc *object, const struct err *err, void *arg) {
    struct lease *l = arg;
    struct err local;
    (void)object;
    l->call = NULL;
    bool again = err && err->code == ERR_CONFLICT && !l->crossed;
    l->crossed = true;
    if (again && !send_request(l, KUBE_GET, STR(""), read_again, &local)) return;
    if (err) log_warn("kube.lease", "cannot release the lease; it runs out by itself", LOG_S("error", err->msg));
    release_over(l);
}

static void let_go(struct lease *l) {
    struct err err;
    if (send_request(l, KUBE_UPDATE, STR(""), gone, &err)) release_over(l);
}

void lease_release(struct lease *l, void (*done)(void *arg), void *arg) {
    bool held_it = l->holds;
    l->releasing = true;
    l->holds = l->crossed = false;
    l->done = done;
    l->done_arg = arg;
    drop_call(l);
    stop_watching(l);
    timer_stop(l->timer);
    if (held_it)
        let_go(l);
    else
        release_over(l);
}

/* ---- life -------------------------------------------------------------------------------------------------------------------------- */

static void due(void *arg) { lease_look(arg); }

struct lease *lease_new(const struct lease_options *options, struct err *err) {
    static char plural[] = "leases";
    struct lease *l = calloc(1, sizeof *l);
    const struct gvk *gvk = gvk_parse(STR("coordination.k8s.io/v1/Lease"), err);
    if (l) *l = (struct lease){.o = *options, .resource = {.gvk = gvk, .plural = plural, .namespaced = true}};
    if (l) l->timer = timer_new(options->loop, due, l);
    if (l && gvk && l->timer) {
        l->next_us = now_us(l);
        arm(l);
        return l;
    }
    err_set(err, ERR_NOMEM, "no memory for a Lease");
    free(l);
    return NULL;
}

void lease_free(struct lease *l) {
    if (!l) return;
    drop_call(l);
    stop_watching(l);
    timer_free(l->timer);
    doc_unref(l->seen);
    free(l);
}

struct str lease_holder(const struct lease *l) {
    return lease_record_holder(l->seen);
}
