/* whole-events: streams that are cut at every byte. */
#include "kube/reflector_fixture.h"

#include "doc/builder.h"
#include "doc/json.h"
#include "support/figure.h"

enum { CUTS_AT_ONCE = 160 };

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

/* The same of a list that is streamed. What an earlier list had brought vanishes when the new one is whole, not before. */
static const char STREAMED[] = EVENT("ADDED", "a", "12") EVENT("ADDED", "b", "11") INITIAL_END("13");

static void script_stream_cut(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)nth;
    struct cut *c = &cuts[strtoul(q->path + strlen("/api/v1/cut"), NULL, 10) % CUTS_AT_ONCE];
    bool whole = c->at == sizeof STREAMED - 1, had_old = store_get(c->store, STR("x"), STR("old"));
    (void)api;
    if (q->initial && !c->watched) {
        c->watched = true;
        watch_begin(x);
        http_stream_write(x, (struct str){STREAMED, c->at});
        http_stream_end(x);
        return;
    }
    if (whole)
        assert_string_equal(q->version, "13");
    else
        assert_true(had_old || c->lists);
    if (q->watch) {
        resume(x, 14);
    } else {
        c->lists++;
        api_json(x, 200, LIST("14", "", OBJECT("a", "12") "," OBJECT("b", "11")));
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

static void end_cut(struct cut *c) {
    reflector_free(c->reflector);
    store_free(c->store);
}

/* Every cut of a text of so many bytes, some of them side by side. */
static void cut_everywhere(struct api *api, size_t len, void (*prepare)(struct cut *c), void (*check)(const struct cut *c)) {
    for (size_t first = 0; first <= len; first += CUTS_AT_ONCE) {
        size_t count = len + 1 - first < CUTS_AT_ONCE ? len + 1 - first : CUTS_AT_ONCE;
        cuts_left = 0;
        for (size_t i = 0; i < count; i++) {
            start_cut(api, &cuts[(first + i) % CUTS_AT_ONCE], first + i);
            if (prepare) prepare(&cuts[(first + i) % CUTS_AT_ONCE]);
        }
        api_wait(api);
        for (size_t i = 0; i < count; i++) {
            const struct reflector *r = cuts[(first + i) % CUTS_AT_ONCE].reflector;
            AWAIT(api, r->watch && !r->initial); /* a list ends after its last item */
            check(&cuts[(first + i) % CUTS_AT_ONCE]);
            end_cut(&cuts[(first + i) % CUTS_AT_ONCE]);
        }
    }
}

static void a_stream_cut_at_any_byte_converges(void **state) {
    struct api *api = *state;
    char text[1024];
    api->script = script_cut;
    stream_text(text, sizeof text);
    cut_everywhere(api, strlen(text), NULL, check_cut);
    figure_record("whole-events", "cuts of a watch after which a store differs from a fresh list", 0, "");
    figure_record("whole-events", "cuts of a watch", (double)strlen(text) + 1, "");
}

static void put_old(struct cut *c) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *old = json_decode(b, STR(OBJECT("old", "6")), NULL, &err);
    assert_int_equal(store_put(c->store, old, &err), 0);
    doc_unref(old);
    doc_builder_free(b);
}

static void check_stream_cut(const struct cut *c) {
    assert_int_equal(store_count(c->store), 3);
    assert_null(store_get(c->store, STR("x"), STR("old")));
    assert_int_equal(c->lists, c->at == sizeof STREAMED - 1 ? 0 : 1);
}

static void a_streamed_list_cut_at_any_byte_converges(void **state) {
    struct api *api = *state;
    api->script = script_stream_cut;
    lists_streamed(api->client);
    cut_everywhere(api, sizeof STREAMED - 1, put_old, check_stream_cut);
    figure_record("whole-events", "cuts of a streamed list after which a store differs from a fresh list", 0, "");
    figure_record("whole-events", "cuts of a streamed list", sizeof STREAMED, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, paged_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_stream_cut_at_any_byte_converges),
        TEST(a_streamed_list_cut_at_any_byte_converges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
