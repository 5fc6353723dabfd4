#include "operator/scrape.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/copy.h"
#include "net/http_client.h"
#include "operator/operator_internal.h"

enum {
    MAX_PAGES = 100,
    MAX_BYTES = 4 << 20, /* of one K8sGPT, whose pages share them */
    MAX_SERIES = 10000,  /* the same */
    MAX_TIMEOUT_S = 300,
    MAX_INTERVAL_S = 24 * 3600,
};

/* A request under way, which outlives a scrape that nobody wants any more. */
struct fetch {
    struct scrape *scrape; /* NULL: nobody wants the answer */
    struct http_call *http;
};

struct scrape {
    struct scrapes *all;
    struct doc *wanted; /* as the step gave it */
    struct timer *timer;
    struct fetch *fetch; /* under way, or NULL */
    struct backoff backoff;
    struct enginepage *page; /* as it was shown last; NULL: there is none */
    struct err err;          /* why there is none; ERR_NONE: it was not asked yet */
    bool kept;               /* while a new list is compared */
    struct scrape *prev, *next;
};

struct scrapes {
    struct tenant *tenant;
    struct scrape *list; /* in the order of the step */
    size_t count;
};

struct scrapes *scrapes_new(struct tenant *t) {
    struct scrapes *s = calloc(1, sizeof *s);
    if (s) s->tenant = t;
    return s;
}

static void scrape_free(struct scrape *s) {
    if (s->fetch) {
        s->fetch->scrape = NULL;
        http_cancel(s->fetch->http);
    }
    timer_free(s->timer);
    enginepage_free(s->page);
    doc_unref(s->wanted);
    free(s);
}

static void free_list(struct scrape *list) {
    struct scrape *s, *next;
    DL_FOREACH_SAFE(list, s, next) scrape_free(s);
}

void scrapes_stop(struct scrapes *s) {
    free_list(s->list);
    s->list = NULL;
    s->count = 0;
}

void scrapes_free(struct scrapes *s) {
    if (!s) return;
    scrapes_stop(s);
    free(s);
}

/* ---- fetching --------------------------------------------------------------------------------------------------------------------- */

static struct str text_of(const struct scrape *s, const char *field) { return doc_path_str(doc_root(s->wanted), field); }

static int64_t ms_of(const struct scrape *s, const char *field) { return doc_int(doc_path(doc_root(s->wanted), field)) * 1000; }

static void fetch_again(struct scrape *s, const struct err *failure) {
    int64_t now_us = clock_mono_us(), wait_ms = ms_of(s, "interval");
    if (failure) {
        int64_t sooner_ms = backoff_next(&s->backoff, now_us);
        if (sooner_ms < wait_ms) wait_ms = sooner_ms;
    } else {
        backoff_good(&s->backoff, now_us);
    }
    timer_start(s->timer, wait_ms);
}

/* What was shown before is not true any more, as far as anybody knows. */
static void failed(struct scrape *s, const struct err *err) {
    bool is_other = s->err.code != err->code;
    enginepage_free(s->page);
    s->page = NULL;
    s->err = *err;
    fetch_again(s, err);
    if (is_other)
        log_warn("operator.scrape", "an engine shows no metrics", LOG_S("k8sgpt", s->all->tenant->key), LOG_T("pod", text_of(s, "pod")),
                 LOG_S("error", err->msg));
}

static struct enginepage *read_page(const struct scrape *s, const struct http_response *r, struct err *err) {
    struct enginepage *page = NULL;
    struct str url = text_of(s, "url");
    if (r->err.code) { /* which names the URL already */
        *err = r->err;
        return NULL;
    }
    if (r->status != 200)
        err_set(err, ERR_SERVER, "HTTP %d instead of metrics", r->status);
    else
        page = enginepage_read(r->body, MAX_SERIES / s->all->count, err);
    if (!page) err_prefix(err, STR_FMT, STR_ARG(url));
    return page;
}

static void answered(const struct http_response *r, void *arg) {
    struct fetch *fetch = arg;
    struct scrape *s = fetch->scrape;
    free(fetch);
    if (!s) return;
    struct err err = {0};
    struct enginepage *page = read_page(s, r, &err);
    s->fetch = NULL;
    if (!page) {
        failed(s, &err);
        return;
    }
    enginepage_free(s->page);
    s->page = page;
    s->err = (struct err){0};
    fetch_again(s, NULL);
}

static void fetch(void *arg) {
    static const char *const headers[] = {"Accept: text/plain;version=0.0.4", NULL};
    struct scrape *s = arg;
    struct err err = {.code = ERR_NOMEM, .msg = "no memory to ask for metrics"};
    struct fetch *f = calloc(1, sizeof *f);
    struct http_request r = {.method = "GET",
                             .url = text_of(s, "url").p,
                             .headers = headers,
                             .timeout_ms = ms_of(s, "timeout"),
                             .max_body_bytes = MAX_BYTES / s->all->count,
                             .on_done = answered,
                             .arg = f};
    if (f) f->http = http_send(s->all->tenant->op->options.writes, &r, &err);
    if (!f || !f->http) {
        free(f);
        failed(s, &err);
        return;
    }
    f->scrape = s;
    s->fetch = f;
}

/* ---- what is wanted --------------------------------------------------------------------------------------------------------------- */

static bool is_seconds(struct doc_value v, int64_t most) { return doc_type(v) == DOC_INT && doc_int(v) >= 1 && doc_int(v) <= most; }

static int check(struct doc_value v, struct err *err) {
    struct str url = doc_path_str(v, "url");
    if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://")))
        return err_set(err, ERR_INVALID, "ctx.scrape: an entry has no url of http or https");
    if (!is_seconds(doc_path(v, "interval"), MAX_INTERVAL_S) || !is_seconds(doc_path(v, "timeout"), MAX_TIMEOUT_S))
        return err_set(err, ERR_INVALID, "ctx.scrape: " STR_FMT ": interval and timeout must be whole seconds, at least 1", STR_ARG(url));
    return 0;
}

static struct scrape *scrape_new(struct scrapes *all, struct doc_value v, struct err *err) {
    struct scrape *s = calloc(1, sizeof *s);
    if (!s) goto nomem;
    s->all = all;
    if (!(s->wanted = doc_copy(v, err))) {
        scrape_free(s);
        return NULL;
    }
    if ((s->timer = timer_new(all->tenant->op->options.loop, fetch, s))) return s;
    scrape_free(s);
nomem:
    err_set(err, ERR_NOMEM, "no memory to ask for metrics");
    return NULL;
}

/* Two with one label would be shown as one. */
static bool is_shown(const struct scrape *list, struct str pod) {
    const struct scrape *s;
    DL_FOREACH(list, s) if (str_eq(text_of(s, "pod"), pod)) return true;
    return false;
}

static struct scrape *find_equal(const struct scrapes *all, struct doc_value v) {
    struct scrape *s;
    DL_FOREACH(all->list, s) if (doc_equal(v, doc_root(s->wanted))) return s;
    return NULL;
}

static int make_list(struct scrapes *all, struct doc_value wanted, struct scrape **list, struct err *err) {
    if (doc_len(wanted) > MAX_PAGES) return err_set(err, ERR_LIMIT, "ctx.scrape: over %d entries", MAX_PAGES);
    for (size_t i = 0; i < doc_len(wanted); i++) {
        struct doc_value v = doc_at(wanted, i);
        struct str pod = doc_path_str(v, "pod");
        if (check(v, err)) return err->code;
        if (is_shown(*list, pod)) return err_set(err, ERR_INVALID, "ctx.scrape: two entries have the pod \"" STR_FMT "\"", STR_ARG(pod));
        struct scrape *s = scrape_new(all, v, err);
        if (!s) return err->code;
        DL_APPEND(*list, s);
    }
    return 0;
}

/* In place of a new one, one of before that is the same. */
static void keep_equal(struct scrapes *all, struct scrape **list) {
    struct scrape *s, *next;
    DL_FOREACH_SAFE(*list, s, next) {
        struct scrape *before = find_equal(all, doc_root(s->wanted));
        if (!before) continue;
        DL_DELETE(all->list, before);
        DL_REPLACE_ELEM(*list, s, before);
        before->kept = true;
        scrape_free(s);
    }
}

int scrapes_set(struct scrapes *all, struct doc_value wanted, struct err *err) {
    struct scrape *list = NULL, *s;
    int rc = make_list(all, wanted, &list, err);
    if (rc) {
        free_list(list);
        return rc;
    }
    keep_equal(all, &list);
    free_list(all->list);
    all->list = list;
    all->count = doc_len(wanted);
    DL_FOREACH(list, s) {
        if (!s->kept) timer_start(s->timer, 0);
        s->kept = false;
    }
    return 0;
}

/* ---- what came -------------------------------------------------------------------------------------------------------------------- */

void scrapes_put(const struct scrapes *all, struct enginefamilies *families) {
    const struct scrape *s;
    DL_FOREACH(all->list, s) {
        struct engineid id = {str_of(all->tenant->ns), str_of(all->tenant->name), text_of(s, "pod")};
        if (s->page || s->err.code) enginefamilies_put(families, &id, s->page);
    }
}
