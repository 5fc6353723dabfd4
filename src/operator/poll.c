#include "operator/poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/copy.h"
#include "operator/operator_internal.h"
#include "operator/question.h"

enum {
    MAX_POLLS = 100,
    MAX_PART_ITEMS = 64,
    MAX_PART_BYTES = 1 << 20,
    MAX_INTERVAL_S = 366 * 24 * 3600,
    CALM_MS = 3600 * 1000, /* the longest wait of one that is asked ever more rarely */
};

enum poll_state { POLL_WAITING, POLL_ANSWERED, POLL_FAILING };

struct poll {
    struct polls *all;
    struct doc *wanted; /* as the step gave it */
    char *name;
    const struct grpc_method *method;
    struct timer *timer;
    struct grpc_call *call; /* under way, or NULL */
    struct backoff backoff;
    enum poll_state state;
    struct err err;   /* of POLL_FAILING */
    int64_t failures; /* in a row */
    bool news;        /* `message` has not been taken whole */
    struct message message;
    size_t taken; /* items of it */
    bool kept;    /* while a new list is compared */
    struct poll *prev, *next;
};

struct polls {
    struct tenant *tenant;
    struct poll *list; /* in the order of the step */
    size_t count;
};

struct polls *polls_new(struct tenant *t) {
    struct polls *p = calloc(1, sizeof *p);
    if (p) p->tenant = t;
    return p;
}

static void poll_free(struct poll *q) {
    grpc_drop(q->call);
    timer_free(q->timer);
    message_free(&q->message);
    doc_unref(q->wanted);
    free(q->name);
    free(q);
}

void polls_stop(struct polls *p) {
    struct poll *q, *next;
    DL_FOREACH_SAFE(p->list, q, next) poll_free(q);
    p->list = NULL;
    p->count = 0;
}

void polls_free(struct polls *p) {
    if (!p) return;
    polls_stop(p);
    free(p);
}

/* ---- asking ----------------------------------------------------------------------------------------------------------------------- */

static int64_t number_of(const struct poll *q, const char *field) { return doc_int(doc_path(doc_root(q->wanted), field)); }

/* What costs money, as AI does, is asked twice as rarely after each further failure. */
static int64_t calm_ms(const struct poll *q, int64_t interval_ms, int64_t after) {
    int64_t ms = interval_ms;
    for (int64_t n = after; n <= q->failures && ms < CALM_MS; n++) ms *= 2;
    return ms < CALM_MS || ms == interval_ms ? ms : CALM_MS;
}

static int64_t wait_ms(struct poll *q, const struct grpc_answer *a) {
    int64_t now_us = clock_mono_us(), interval_ms = number_of(q, "interval") * 1000, after = number_of(q, "calmAfter");
    if (!a->err.code) backoff_good(&q->backoff, now_us);
    if (after) return calm_ms(q, interval_ms, after);
    int64_t sooner_ms = a->retry ? backoff_after(&q->backoff, now_us, &a->err) : interval_ms;
    return sooner_ms < interval_ms ? sooner_ms : interval_ms;
}

static void ask_again(struct poll *q, const struct grpc_answer *a) {
    q->failures = a->err.code ? q->failures + 1 : 0;
    timer_start(q->timer, wait_ms(q, a));
}

/* Messages of the same failure differ in how long it took. */
static bool is_other_failure(const struct poll *q, const struct err *err) {
    return q->state != POLL_FAILING || q->err.code != err->code || (err->code != ERR_TIMEOUT && strcmp(q->err.msg, err->msg) != 0);
}

static void failed(struct poll *q, const struct err *err) {
    const struct tenant *t = q->all->tenant;
    if (!is_other_failure(q, err)) return;
    log_warn("operator.poll", "a peer gives no answer", LOG_S("k8sgpt", t->key), LOG_S("peer", q->name), LOG_S("error", err->msg));
    q->err = *err;
    q->state = POLL_FAILING;
    tenant_enqueue(q->all->tenant);
}

static void answered(struct grpc_answer *a, void *arg) {
    struct poll *q = arg;
    struct tenant *t = q->all->tenant;
    q->call = NULL;
    telemetry_asked(t->op->telemetry, q->method->name, q->name, &a->err);
    ask_again(q, a);
    if (a->err.code) {
        failed(q, &a->err);
        return;
    }
    message_free(&q->message);
    q->message = a->message;
    a->message = (struct message){0};
    q->taken = 0;
    q->news = true;
    q->state = POLL_ANSWERED;
    tenant_enqueue(t);
}

static void ask(void *arg) {
    struct poll *q = arg;
    struct grpc_request r = question_request(doc_root(q->wanted));
    struct grpc_answer now = {0};
    r.done = answered;
    r.arg = q;
    q->call = grpc_send(q->all->tenant->op->options.writes, &r, &now.err);
    if (q->call) return;
    failed(q, &now.err);
    ask_again(q, &now);
}

/* ---- what is wanted --------------------------------------------------------------------------------------------------------------- */

static int check(struct doc_value v, struct err *err) {
    struct str name = doc_path_str(v, "name");
    struct doc_value interval = doc_path(v, "interval");
    char who[128];
    if (!name.n) return err_set(err, ERR_INVALID, "ctx.poll: an entry has no name");
    snprintf(who, sizeof who, "ctx.poll: %.100s", name.p);
    if (doc_type(interval) != DOC_INT || doc_int(interval) < 1 || doc_int(interval) > MAX_INTERVAL_S)
        return err_set(err, ERR_INVALID, "%s: interval must be whole seconds, 1 to %d", who, MAX_INTERVAL_S);
    return question_check(v, who, err);
}

static struct poll *find(const struct polls *p, struct str name) {
    struct poll *q;
    DL_FOREACH(p->list, q) if (str_is(name, q->name)) return q;
    return NULL;
}

static struct poll *poll_new(struct polls *p, struct doc_value v, struct err *err) {
    struct poll *q = calloc(1, sizeof *q);
    if (!q) {
        err_set(err, ERR_NOMEM, "no memory for a poll");
        return NULL;
    }
    q->all = p;
    q->method = grpc_method(doc_path_str(v, "method"));
    q->wanted = doc_copy(v, err);
    q->name = str_dup(doc_path_str(v, "name"));
    q->timer = timer_new(p->tenant->op->options.loop, ask, q);
    if (q->wanted && q->name && q->timer) return q;
    if (q->wanted) err_set(err, ERR_NOMEM, "no memory for a poll");
    poll_free(q);
    return NULL;
}

/* Takes one that is the same over from the list of before, or makes one. */
static int want(struct polls *p, struct poll **fresh, struct doc_value v, struct err *err) {
    struct poll *q = find(p, doc_path_str(v, "name"));
    int rc = check(v, err);
    if (rc) return rc;
    if (q && q->kept) return err_set(err, ERR_INVALID, "ctx.poll: two entries have the name %s", q->name);
    if (q && doc_equal(v, doc_root(q->wanted))) {
        q->kept = true;
        return 0;
    }
    if (!(q = poll_new(p, v, err))) return (int)err->code;
    DL_APPEND(*fresh, q);
    return 0;
}

/* Drops what is no longer wanted, and asks what is new. */
static void commit(struct polls *p, struct poll *fresh) {
    struct poll *q, *next;
    DL_FOREACH_SAFE(p->list, q, next) {
        if (q->kept) continue;
        DL_DELETE(p->list, q);
        poll_free(q);
    }
    DL_FOREACH(fresh, q) timer_start(q->timer, 0);
    DL_CONCAT(p->list, fresh);
}

int polls_set(struct polls *p, struct doc_value wanted, struct err *err) {
    struct poll *fresh = NULL, *q, *next;
    int rc = doc_len(wanted) <= MAX_POLLS ? 0 : err_set(err, ERR_LIMIT, "ctx.poll: over %d entries", MAX_POLLS);
    DL_FOREACH(p->list, q) q->kept = false;
    for (size_t i = 0; !rc && i < doc_len(wanted); i++) rc = want(p, &fresh, doc_at(wanted, i), err);
    if (!rc) {
        commit(p, fresh);
        return 0;
    }
    DL_FOREACH_SAFE(fresh, q, next) poll_free(q);
    return rc;
}

/* ---- what came -------------------------------------------------------------------------------------------------------------------- */

bool polls_has(const struct polls *p, const char *name) { return find(p, str_of(name)) != NULL; }

void polls_put(const struct polls *p, struct doc_builder *b) {
    static const char *const STATES[] = {"waiting", "answered", "failing"};
    const struct poll *q;
    doc_begin_array(b);
    DL_FOREACH(p->list, q) {
        bool failing = q->state == POLL_FAILING;
        doc_begin_object(b);
        doc_pair_str(b, "name", str_of(q->name));
        doc_pair_str(b, "target", doc_path_str(doc_root(q->wanted), "target"));
        if (doc_type(doc_path(doc_root(q->wanted), "request")) != DOC_ABSENT) {
            doc_key(b, STR("request"));
            doc_put_value(b, doc_path(doc_root(q->wanted), "request"));
        }
        doc_pair_str(b, "state", str_of(STATES[q->state]));
        doc_pair_str(b, "reason", str_of(failing ? err_code_name(q->err.code) : ""));
        doc_pair_str(b, "message", str_of(failing ? q->err.msg : ""));
        doc_pair_bool(b, "news", q->news);
        if (q->message.head) {
            doc_key(b, STR("head"));
            doc_put_value(b, doc_root(q->message.head));
        }
        doc_end_object(b);
    }
    doc_end_array(b);
}

/* Puts those from `taken` on that fit into one part; returns where the next part begins. */
static size_t put_items(struct doc_builder *b, const struct poll *q) {
    size_t bytes = 0, i = q->taken, most = i + MAX_PART_ITEMS;
    doc_begin_array(b);
    for (; i < q->message.item_count && i < most && bytes < MAX_PART_BYTES; i++) {
        bytes += doc_size_bytes(q->message.items[i]);
        doc_put_value(b, doc_root(q->message.items[i]));
    }
    doc_end_array(b);
    return i;
}

/* What was taken goes at once, as findings are made of it. The head stays, for what the status says of it. */
static void free_items(struct poll *q, size_t end) {
    for (; q->taken < end; q->taken++) {
        doc_unref(q->message.items[q->taken]);
        q->message.items[q->taken] = NULL;
    }
}

int polls_take(struct polls *p, struct str name, struct doc **out, size_t *items, bool *first, struct err *err) {
    struct poll *q = find(p, name);
    *out = NULL;
    if (!q || !q->news) return 0;
    struct doc_builder *b = doc_builder_new();
    if (!b) return err_set(err, ERR_NOMEM, "no memory for an answer");
    *first = q->taken == 0;
    doc_begin_object(b);
    doc_key(b, STR("head"));
    doc_put_value(b, doc_root(q->message.head));
    doc_key(b, STR("items"));
    size_t end = put_items(b, q);
    bool last = end == q->message.item_count;
    doc_pair_bool(b, "last", last);
    doc_end_object(b);
    *out = doc_builder_finish(b, err);
    doc_builder_free(b);
    if (!*out) return (int)err->code; /* the same part is taken again */
    *items = end - q->taken;
    q->news = !last;
    free_items(q, end);
    return 0;
}
