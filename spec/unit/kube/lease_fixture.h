/*
 * lease_fixture: a scripted API server that keeps one Lease, candidates for it, and a boot clock of the test's own. For the tests of
 * leader election.
 */
#ifndef SPEC_KUBE_LEASE_FIXTURE_H
#define SPEC_KUBE_LEASE_FIXTURE_H

#include "kube/api.h"

#include "doc/json.h"
#include "kube/lease.h"
#include "support/figure.h"

#define PATH "/apis/coordination.k8s.io/v1/namespaces/ops/leases/op"
#define OTHERS "2001-01-01T00:00:00.000000Z" /* a clock that is far behind */

enum { NAMES = 2, SECOND = 1000 * 1000 };

static int64_t now_us;

static inline int64_t test_clock(void) { return now_us; }

/* One candidate and what it was told. */
struct candidate {
    struct api *api;
    struct lease *lease;
    bool holds, released;
    int64_t until_us, untils_us[64]; /* untils_us: what it was told, one after the other */
    int helds, losses;
    char why[256];
};

struct fixture {
    struct doc *lease; /* as stored; NULL: none */
    int version;
    int reads, writes, watches;
    char last_written[1024];
    bool hangs;    /* nothing is answered */
    int refusal;   /* answered to all but watches; 0: none */
    bool no_watch; /* 403 */
    int crossings; /* so many writes are to meet somebody else's */
    struct http_exchange *kept[16], *watch[NAMES];
    size_t kept_count;
    struct candidate c[NAMES];
};

/* ---- the API server ------------------------------------------------------------------------------------------------------------- */

static inline struct doc *decode(struct str text) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = json_decode(b, text, NULL, &err);
    doc_builder_free(b);
    if (!doc) fail_msg("%s", err.msg);
    return doc;
}

static inline struct str encode(const struct doc *doc, char *out, size_t size) {
    struct buf text = buf_new(size - 1);
    assert_int_equal(json_write(doc_root(doc), JSON_COMPACT, &text, NULL), 0);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    struct str s = {out, text.len};
    buf_free(&text);
    return s;
}

/* Stores a spec under the next version; the metadata keep what somebody else wrote there. */
static inline void store(struct fixture *f, struct doc_value spec, struct doc_value labels) {
    char version[16];
    struct err err;
    struct doc_builder *b = doc_builder_new();
    snprintf(version, sizeof version, "%d", ++f->version);
    doc_begin_object(b);
    doc_key(b, STR("metadata"));
    doc_begin_object(b);
    doc_pair_str(b, "name", STR("op"));
    doc_pair_str(b, "namespace", STR("ops"));
    doc_pair_str(b, "resourceVersion", str_of(version));
    doc_key(b, STR("labels"));
    doc_put_value(b, labels);
    doc_end_object(b);
    doc_key(b, STR("spec"));
    doc_put_value(b, spec);
    doc_end_object(b);
    struct doc *made = doc_builder_finish(b, &err);
    doc_builder_free(b);
    doc_unref(f->lease);
    f->lease = made;
    for (int i = 0; i < NAMES; i++)
        if (f->watch[i]) http_stream_write(f->watch[i], STR("{\"type\":\"MODIFIED\",\"object\":{}}\n"));
}

/* As another process would write it. */
static inline void other_writes(struct fixture *f, const char *holder, int seconds, int renewal) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"spec\":{\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":%d,\"acquireTime\":\"" OTHERS "\",\"renewTime\":\"" OTHERS
             "\",\"leaseTransitions\":%d},\"labels\":{\"kept\":\"yes\"}}",
             holder, seconds, 7 + renewal);
    struct doc *doc = decode(str_of(text));
    store(f, doc_path(doc_root(doc), "spec"), doc_path(doc_root(doc), "labels"));
    doc_unref(doc);
}

static inline void answer_lease(struct fixture *f, struct http_exchange *x, int status) {
    char text[1024];
    encode(f->lease, text, sizeof text);
    api_json(x, status, text);
}

static inline void take_write(struct fixture *f, struct http_exchange *x, bool create) {
    struct doc *body = decode(http_body(x));
    struct doc_value o = doc_root(body);
    f->writes++;
    api_copy(f->last_written, sizeof f->last_written, http_body(x));
    if (f->crossings > 0) {
        f->crossings--;
        other_writes(f, "", 1, f->version);
    }
    if (create ? f->lease != NULL
               : !f->lease ||
                     !str_eq(doc_path_str(o, "metadata.resourceVersion"), doc_path_str(doc_root(f->lease), "metadata.resourceVersion"))) {
        api_status(x, 409, create ? "AlreadyExists" : "Conflict", "the object has been modified", 0);
    } else {
        store(f, doc_path(o, "spec"), doc_path(o, "metadata.labels"));
        answer_lease(f, x, create ? 201 : 200);
    }
    doc_unref(body);
}

static inline void watch_closed(void *arg) { *(struct http_exchange **)arg = NULL; }

static inline void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    struct fixture *f = api->arg;
    (void)nth;
    api->flag = true;
    if (q->watch && !f->no_watch) {
        int free = f->watch[0] ? 1 : 0;
        f->watches++;
        f->watch[free] = x;
        http_stream_begin(x, 200, "application/json", 1 << 20, watch_closed, &f->watch[free]);
        return;
    }
    bool is_read = strcmp(q->method, "GET") == 0;
    if (is_read && !q->watch) f->reads++;
    if (f->hangs && !q->watch)
        f->kept[f->kept_count++] = x;
    else if (q->watch)
        api_status(x, 403, "Forbidden", "no watch for you", 0);
    else if (f->refusal)
        api_status(x, f->refusal, "InternalError", "not now", 0);
    else if (!is_read)
        take_write(f, x, strcmp(q->method, "POST") == 0);
    else if (f->lease)
        answer_lease(f, x, 200);
    else
        api_status(x, 404, "NotFound", "leases \\\"op\\\" not found", 0);
}

/* ---- candidates ----------------------------------------------------------------------------------------------------------------- */

static inline void on_held(int64_t until_us, void *arg) {
    struct candidate *c = arg;
    assert_true(!c->holds || until_us >= c->until_us);
    c->holds = true;
    c->until_us = until_us;
    c->untils_us[c->helds++ % 64] = until_us;
    c->api->flag = true;
}

static inline void on_lost(const char *why, void *arg) {
    struct candidate *c = arg;
    assert_true(c->holds);
    c->holds = false;
    c->losses++;
    snprintf(c->why, sizeof c->why, "%s", why);
    c->api->flag = true;
}

static inline struct fixture *begin(void **state) {
    struct api *api = *state;
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    api->arg = f;
    api->script = script;
    now_us = 1000LL * SECOND;
    return f;
}

static inline void join(void **state, int i) {
    static const char *const identities[NAMES] = {"one_1", "two_2"};
    struct api *api = *state;
    struct fixture *f = api->arg;
    struct candidate *c = &f->c[i];
    struct err err;
    c->api = api;
    struct lease_options o = {.loop = api->loop,
                              .client = api->client,
                              .ns = "ops",
                              .name = "op",
                              .identity = identities[i],
                              .now_us = test_clock,
                              .held = on_held,
                              .lost = on_lost,
                              .arg = c};
    c->lease = lease_new(&o, &err);
    assert_non_null(c->lease);
}

static inline void end(void **state) {
    struct api *api = *state;
    struct fixture *f = api->arg;
    for (int i = 0; i < NAMES; i++) lease_free(f->c[i].lease);
    for (size_t i = 0; i < f->kept_count; i++) api_json(f->kept[i], 500, "{}");
    for (int i = 0; i < NAMES; i++)
        if (f->watch[i]) http_stream_end(f->watch[i]);
    doc_unref(f->lease);
    free(f);
}

/* Lets the loop run until it holds; everything that is to happen by then happens by events. */
#define UNTIL(api, condition)                                                                                                              \
    for (int64_t end_us = clock_mono_us() + API_WAIT_MS * 1000LL; !(condition);) {                                                         \
        if (clock_mono_us() > end_us) fail_msg("not within %d ms: " #condition, API_WAIT_MS);                                              \
        api_idle(api, 1);                                                                                                                  \
    }

/* Time passes; who has something to do by the clock does it. */
static inline void pass(struct fixture *f, int64_t us) {
    now_us += us;
    for (int i = 0; i < NAMES; i++)
        if (f->c[i].lease) lease_look(f->c[i].lease);
}

/* The same while time passes, as it does. */
#define PASS_UNTIL(api, condition) UNTIL(api, (pass((api)->arg, SECOND / 10), (condition)))

static inline struct str stored(struct fixture *f, const char *path) { return doc_path_str(doc_root(f->lease), path); }

static inline int64_t transitions(struct fixture *f) { return doc_int(doc_path(doc_root(f->lease), "spec.leaseTransitions")); }

#endif
