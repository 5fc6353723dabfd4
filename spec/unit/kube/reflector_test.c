/* List and watch against a scripted API server: what is asked after each fault, and that the store ends up right. */
#include "kube/api.h"

#include "kube/reflector.h"

enum { CUTS_AT_ONCE = 160, MAX_CUTS = 1024 };

struct fixture {
    struct store *store;
    struct reflector *reflector;
    enum reflector_state state;
    struct err err;
    size_t deletes;
    const char *until; /* name of the object whose arrival ends api_wait */
};

static const struct resource PODS = {.plural = (char *)(uintptr_t) "pods", .namespaced = true, .watchable = true};

#define OBJECT(name, version) "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"x\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}\n"
#define BOOKMARK(version) "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"
#define GONE                                                                                                                               \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Expired\",\"code\":410,\"message\":\"too "    \
    "old\"}}\n"
#define LIST(version, token, items)                                                                                                        \
    "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" token                  \
    "\"},\"items\":[" items "]}"

static void on_closed(void *arg) { (void)arg; }

static void watch_begin(struct http_exchange *x) { http_stream_begin(x, 200, "application/json", 1 << 20, on_closed, NULL); }

/* A watch that stays open after these events. */
static void watch_with(struct http_exchange *x, const char *events) {
    watch_begin(x);
    http_stream_write(x, str_of(events));
}

static void on_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    struct api *api = arg;
    struct fixture *f = api->arg;
    (void)store;
    (void)before;
    if (!after)
        f->deletes++;
    else if (f->until && str_is(doc_path_str(doc_root(after), "metadata.name"), f->until))
        api->flag = true;
}

static void on_state(struct reflector *r, enum reflector_state state, const struct err *err, void *arg) {
    struct api *api = arg;
    struct fixture *f = api->arg;
    (void)r;
    f->state = state;
    f->err = err ? *err : (struct err){0};
    if (!f->until) api->flag = true;
}

static struct store *pod_store(void) {
    struct err err;
    struct projection *p = projection_new();
    struct store *s = store_new(gvk_parse(STR("v1/Pod"), &err), p);
    projection_unref(p);
    return s;
}

static struct fixture *start(struct api *api, void (*script)(struct api *, struct http_exchange *, const struct seen *, size_t),
                             const char *until) {
    struct fixture *f = calloc(1, sizeof *f);
    struct resource pods = PODS;
    struct err err;
    pods.gvk = gvk_parse(STR("v1/Pod"), &err);
    api->arg = f;
    api->script = script;
    f->until = until;
    f->store = pod_store();
    store_on_change(f->store, on_change, api);
    f->reflector = reflector_new(api->loop, api->client, &pods, STR(""), f->store, api->metrics, on_state, api, &err);
    assert_non_null(f->reflector);
    assert_int_equal(api->count, 0);
    return f;
}

static void stop(struct fixture *f) {
    reflector_free(f->reflector);
    store_free(f->store);
    free(f);
}

static bool has(const struct fixture *f, const char *name) { return store_get(f->store, STR("x"), str_of(name)) != NULL; }

static size_t lists(const struct api *api) {
    size_t n = 0;
    for (size_t i = 0; i < api->count; i++) n += !api->seen[i].watch;
    return n;
}

static double restarts(const struct api *api, const char *reason) {
    static const struct metric_def DEF = {
        .name = "k8sgpt_watch_restarts_total", .help = "", .type = METRIC_COUNTER, .labels = {"resource", "reason"}};
    return metric_value(metrics_define(api->metrics, &DEF), METRIC_LABELS(STR("pods"), str_of(reason)));
}

static void script_pages(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    if (nth == 0)
        api_json(x, 200, LIST("10", "a/b=", OBJECT("one", "1") "," OBJECT("two", "2")));
    else if (nth == 1)
        api_json(x, 200, LIST("10", "c", OBJECT("three", "3")));
    else if (nth == 2)
        api_json(x, 200, LIST("10", "", OBJECT("four", "4")));
    else
        watch_with(x, EVENT("MODIFIED", "two", "11") EVENT("DELETED", "one", "12") EVENT("ADDED", "end", "13"));
}

static void lists_in_pages_and_watches_from_there(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_pages, "end");
    api_wait(api);
    assert_int_equal(api->count, 4);
    const struct seen *q = api->seen;
    assert_string_equal(q[0].path, "/api/v1/pods");
    assert_string_equal(q[0].limit, "500");
    assert_string_equal(q[0].version, ""); /* the first list is a read of the latest state */
    assert_string_equal(q[0].token, "");
    assert_string_equal(q[1].token, "a/b=");
    assert_string_equal(q[2].token, "c");
    assert_true(q[3].watch);
    assert_true(q[3].bookmarks);
    assert_string_equal(q[3].version, "10");
    assert_in_range(strtol(q[3].timeout, NULL, 10), 300, 600);
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    assert_false(has(f, "one"));
    assert_true(has(f, "two") && has(f, "three") && has(f, "four") && has(f, "end"));
    assert_int_equal(f->deletes, 1);
    stop(f);
}

static void script_token_expires(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (q->watch)
        watch_with(x, "");
    else if (nth == 0)
        api_json(x, 200, LIST("10", "next", OBJECT("one", "1") "," OBJECT("vanished", "2")));
    else if (nth == 1)
        api_status(x, 410, "Expired", "the continue token is too old", 0);
    else
        api_json(x, 200, LIST("20", "", OBJECT("one", "1") "," OBJECT("two", "2") "," OBJECT("end", "19")));
}

static void an_expired_continue_token_gives_one_whole_list(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_token_expires, NULL);
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    assert_int_equal(lists(api), 3);
    assert_string_equal(api->seen[2].limit, "");
    assert_string_equal(api->seen[2].token, "");
    assert_int_equal(store_count(f->store), 3);
    assert_false(has(f, "vanished"));
    assert_in_range(api->seen[2].at_us - api->seen[1].at_us, 0, 500 * 1000);
    stop(f);
}

static void script_throttled(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    if (nth == 0)
        api_json(x, 200, LIST("10", "next", OBJECT("one", "1")));
    else if (nth == 1)
        api_status(x, 429, "TooManyRequests", "slow down", 2);
    else if (nth == 2)
        api_json(x, 200, LIST("10", "", OBJECT("two", "2")));
    else if (nth == 3)
        api_status(x, 429, "TooManyRequests", "slow down", 2);
    else
        watch_with(x, EVENT("ADDED", "end", "11"));
}

static void throttling_waits_and_never_lists_again(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_throttled, "end");
    api_wait(api);
    assert_int_equal(api->count, 5);
    assert_string_equal(api->seen[2].token, "next"); /* the page, not the list */
    assert_true(api->seen[2].at_us - api->seen[1].at_us >= 2000 * 1000);
    assert_true(api->seen[4].watch);
    assert_string_equal(api->seen[4].version, "10");
    assert_true(api->seen[4].at_us - api->seen[3].at_us >= 2000 * 1000);
    assert_int_equal(lists(api), 3);
    assert_int_equal((int)restarts(api, "throttled"), 1);
    stop(f);
}

static void script_compacted(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (nth == 0)
        api_json(x, 200, LIST("10", "", OBJECT("one", "1") "," OBJECT("two", "2")));
    else if (nth == 1)
        api_status(x, 410, "Expired", "too old resource version", 0);
    else if (nth == 2)
        api_json(x, 200,
                 "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"20\"},\"items\":[" OBJECT("two", "2") ",{\"metadata\":{\"na");
    else if (!q->watch)
        api_json(x, 200, LIST("20", "", OBJECT("two", "2") "," OBJECT("end", "19")));
    else
        watch_with(x, "");
}

static bool saw_delete_early;

static void script_compacted_checked(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    struct fixture *f = api->arg;
    if (nth == 3) saw_delete_early = f->deletes > 0 || !has(f, "one");
    script_compacted(api, x, q, nth);
}

static void gone_lists_again_and_tells_of_what_vanished(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_compacted_checked, "end");
    api_wait(api);
    api_idle(api, 100);
    assert_false(saw_delete_early); /* a list that broke off deletes nothing */
    assert_int_equal(f->deletes, 1);
    assert_false(has(f, "one"));
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    assert_true(api->seen[4].watch);
    assert_string_equal(api->seen[4].version, "20");
    assert_int_equal((int)restarts(api, "gone"), 1);
    stop(f);
}

static void script_bookmark(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    if (!q->watch) {
        api_json(x, 200, LIST("10", "", ""));
    } else if (nth == 1) {
        watch_with(x, EVENT("ADDED", "one", "12") BOOKMARK("50"));
        http_stream_end(x);
    } else {
        watch_with(x, EVENT("ADDED", "end", "51"));
    }
}

static void a_watch_that_ended_resumes_from_its_bookmark(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_bookmark, "end");
    api_wait(api);
    assert_int_equal(lists(api), 1);
    assert_string_equal(api->seen[2].version, "50");
    assert_in_range(api->seen[2].at_us - api->seen[1].at_us, 0, 500 * 1000); /* a normal end waits for nothing */
    assert_int_equal((int)restarts(api, "ended"), 1);
    stop(f);
}

static bool allow;

static void script_denied(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (!allow)
        api_status(x, 403, "Forbidden", "pods is forbidden", 0);
    else if (q->watch)
        watch_with(x, "");
    else
        api_json(x, 200, LIST("10", "", OBJECT("one", "1")));
}

static void denied_says_why_and_is_tried_again(void **state) {
    struct api *api = *state;
    allow = false;
    struct fixture *f = start(api, script_denied, NULL);
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_DENIED);
    assert_int_equal(f->err.code, ERR_FORBIDDEN);
    assert_string_equal(f->err.msg, "pods is forbidden");
    allow = true;
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_SYNCED);
    assert_int_equal(f->err.code, ERR_NONE);
    assert_true(has(f, "one"));
    stop(f);
}

static void script_missing(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    (void)nth;
    http_respond(x, 404, "text/plain", STR("404 page not found\n"));
}

static void a_kind_that_is_not_served_is_missing(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_missing, NULL);
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_MISSING);
    assert_int_equal(f->err.code, ERR_NOT_FOUND);
    stop(f);
}

static void an_unreachable_server_keeps_it_syncing(void **state) {
    struct api *api = *state;
    http_server_free(api->server);
    api->server = NULL;
    struct fixture *f = start(api, script_missing, NULL);
    api_wait(api);
    assert_int_equal(f->state, REFLECTOR_SYNCING);
    assert_int_equal(f->err.code, ERR_UNREACHABLE);
    assert_non_null(strstr(f->err.msg, "cannot reach the API server http://127.0.0.1:"));
    assert_non_null(strstr(f->err.msg, "(from test): connection refused; is it running?"));
    stop(f);
}

static void script_never_ending(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth;
    if (q->watch)
        watch_with(x, EVENT("ADDED", "end", "11") "{\"type\":\"ADD");
    else
        api_json(x, 200, LIST("10", "", ""));
    (void)api;
}

static void can_be_freed_in_the_middle_of_an_event(void **state) {
    struct api *api = *state;
    struct fixture *f = start(api, script_never_ending, "end");
    api_wait(api);
    stop(f);
    api_idle(api, 50);
}

/*
 * The stream is cut at every byte. The server then goes on from whichever version it is asked for, or lists anew where the ERROR event was
 * whole. In the end every store holds the same.
 */
struct cut {
    struct api *api;
    struct store *store;
    struct reflector *reflector;
    size_t at;
    size_t lists;
    char plural[16];
    bool watched, done;
};

static const struct {
    int version;
    const char *text;
} STREAM[] = {
    {11, EVENT("ADDED", "b", "11")},
    {12, EVENT("MODIFIED", "a", "12")},
    {13, BOOKMARK("13")},
    {14, EVENT("DELETED", "old", "14")},
    {0, GONE},
};
enum { STREAM_PARTS = sizeof STREAM / sizeof *STREAM };

static struct cut cuts[CUTS_AT_ONCE];
static size_t cuts_left;

static void stream_text(char *out, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < STREAM_PARTS; i++) n += (size_t)snprintf(out + n, size - n, "%s", STREAM[i].text);
}

/* The version after the last whole event before the cut; 0: the ERROR was whole. */
static int version_at(size_t at) {
    int version = 10;
    size_t end = 0;
    for (size_t i = 0; i < STREAM_PARTS; i++) {
        end += strlen(STREAM[i].text);
        if (at + 1 < end) break;       /* the line break may be missing: an event is whole with its last brace, or with it */
        if (at < end) return -version; /* cut between the brace and the line break: either is right */
        version = STREAM[i].version;
    }
    return version;
}

static void resume(struct http_exchange *x, int version) {
    watch_begin(x);
    for (size_t i = 0; i < STREAM_PARTS; i++) {
        if (STREAM[i].version > version) http_stream_write(x, str_of(STREAM[i].text));
    }
    http_stream_write(x, STR(EVENT("ADDED", "end", "20")));
}

static void script_cut(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth;
    char text[1024];
    size_t index = strtoul(q->path + strlen("/api/v1/cut"), NULL, 10);
    struct cut *c = &cuts[index % CUTS_AT_ONCE];
    (void)api;
    stream_text(text, sizeof text);
    if (!q->watch) {
        c->lists++;
        api_json(x, 200,
                 c->lists == 1 ? LIST("10", "", OBJECT("a", "5") "," OBJECT("old", "6"))
                               : LIST("20", "", OBJECT("a", "12") "," OBJECT("b", "11") "," OBJECT("end", "20")));
    } else if (!c->watched) {
        c->watched = true;
        watch_begin(x);
        http_stream_write(x, (struct str){text, c->at});
        http_stream_end(x);
    } else {
        int expected = version_at(c->at), asked = (int)strtol(q->version, NULL, 10);
        if (c->lists == 2)
            assert_int_equal(asked, 20);
        else if (expected > 0)
            assert_int_equal(asked, expected);
        else
            assert_true(asked >= -expected);
        resume(x, asked);
    }
}

static void on_cut_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    struct cut *c = arg;
    (void)store;
    (void)before;
    if (!after || c->done || !str_is(doc_path_str(doc_root(after), "metadata.name"), "end")) return;
    c->done = true;
    if (--cuts_left == 0) c->api->flag = true;
}

static void check_cut(const struct cut *c) {
    struct doc *a = store_get(c->store, STR("x"), STR("a")), *b = store_get(c->store, STR("x"), STR("b"));
    assert_int_equal(store_count(c->store), 3);
    assert_null(store_get(c->store, STR("x"), STR("old")));
    assert_non_null(a);
    assert_non_null(b);
    assert_true(str_is(doc_path_str(doc_root(a), "metadata.resourceVersion"), "12"));
    int version = version_at(c->at);
    if (version > 0) assert_int_equal(c->lists, 1);
    if (version == 0) assert_int_equal(c->lists, 2);
}

static void start_cut(struct api *api, struct cut *c, size_t at) {
    struct err err;
    *c = (struct cut){.api = api, .at = at, .store = pod_store()};
    snprintf(c->plural, sizeof c->plural, "cut%zu", at);
    const struct resource resource = {.gvk = gvk_parse(STR("v1/Pod"), &err), .plural = c->plural, .namespaced = true, .watchable = true};
    store_on_change(c->store, on_cut_change, c);
    c->reflector = reflector_new(api->loop, api->client, &resource, STR(""), c->store, NULL, NULL, NULL, &err);
    assert_non_null(c->reflector);
    cuts_left++;
}

static void a_stream_cut_at_any_byte_converges(void **state) {
    struct api *api = *state;
    char text[1024];
    api->script = script_cut;
    stream_text(text, sizeof text);
    size_t len = strlen(text);
    for (size_t first = 0; first <= len; first += CUTS_AT_ONCE) {
        size_t count = len + 1 - first < CUTS_AT_ONCE ? len + 1 - first : CUTS_AT_ONCE;
        cuts_left = 0;
        for (size_t i = 0; i < count; i++) start_cut(api, &cuts[(first + i) % CUTS_AT_ONCE], first + i);
        api_wait(api);
        api_idle(api, 20); /* a list ends after its last item */
        for (size_t i = 0; i < count; i++) {
            struct cut *c = &cuts[(first + i) % CUTS_AT_ONCE];
            check_cut(c);
            reflector_free(c->reflector);
            store_free(c->store);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(lists_in_pages_and_watches_from_there),        TEST(an_expired_continue_token_gives_one_whole_list),
        TEST(throttling_waits_and_never_lists_again),       TEST(gone_lists_again_and_tells_of_what_vanished),
        TEST(a_watch_that_ended_resumes_from_its_bookmark), TEST(denied_says_why_and_is_tried_again),
        TEST(a_kind_that_is_not_served_is_missing),         TEST(an_unreachable_server_keeps_it_syncing),
        TEST(can_be_freed_in_the_middle_of_an_event),       TEST(a_stream_cut_at_any_byte_converges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
