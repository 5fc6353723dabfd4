/* How many objects there are: the API server's own count, for a minute; what it does not say is no number. */
#include "kube/api.h"

#include "support/time_skip.h"

#include "doc/json.h"
#include "operator/census.h"

#define VERBS "\"verbs\":[\"get\",\"list\",\"watch\"]"

static int pods, page_size;
static bool vague;

static void script_list(struct http_exchange *x, const char *kind, int count) {
    char text[256], rest[80] = "";
    int shown = count < page_size ? count : page_size;
    if (count > shown && vague) snprintf(rest, sizeof rest, ",\"continue\":\"x\"");
    if (count > shown && !vague) snprintf(rest, sizeof rest, ",\"continue\":\"x\",\"remainingItemCount\":%d", count - shown);
    snprintf(text, sizeof text, "{\"kind\":\"%s\",\"metadata\":{\"resourceVersion\":\"1\"%s},\"items\":[%s]}", kind, rest,
             shown ? "{}" : "");
    api_json(x, 200, text);
}

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (strcmp(q->path, "/api/v1") == 0)
        api_json(x, 200,
                 "{\"resources\":[{\"name\":\"pods\",\"namespaced\":true,\"kind\":\"Pod\"," VERBS
                 "},{\"name\":\"nodes\",\"namespaced\":false,\"kind\":\"Node\"," VERBS
                 "},{\"name\":\"configmaps\",\"namespaced\":true,\"kind\":\"ConfigMap\"," VERBS "}]}");
    else if (strstr(q->path, "/pods") || strstr(q->path, "/nodes"))
        script_list(x, "PartialObjectMetadataList", strstr(q->path, "/pods") ? pods : 3);
    else if (strstr(q->path, "/configmaps"))
        api_status(x, 403, "Forbidden", "configmaps is forbidden", 0);
    else
        http_respond(x, 404, "text/plain", STR("404 page not found\n"));
}

static void on_counted(void *arg) { ((struct api *)arg)->flag = true; }

static struct doc *decode(const char *text) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    doc_builder_free(b);
    return doc;
}

struct site {
    struct api *api;
    struct discovery *discovery;
    struct census *census;
};

static void open_site(struct site *s, void **state) {
    s->api = *state;
    s->api->script = script;
    s->discovery = discovery_new(s->api->client);
    s->census = census_new();
    pods = 7, page_size = 1, vague = false;
}

static void close_site(struct site *s) {
    census_free(s->census);
    discovery_free(s->discovery);
}

static int start(struct site *s, const char *kinds, const char *ns, struct err *err) {
    struct doc *wanted = decode(kinds);
    int rc = census_take(s->census, s->api->client, s->discovery, doc_root(wanted), str_of(ns), on_counted, s->api, err);
    doc_unref(wanted);
    return rc;
}

static void assert_census(struct site *s, const char *kinds, const char *ns, const char *expected) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    if (start(s, kinds, ns, &err)) fail_msg("%s", err.msg);
    api_wait(s->api);
    census_put(s->census, b);
    struct doc *have = doc_builder_finish(b, &err), *want = decode(expected);
    doc_builder_free(b);
    struct buf text = buf_new(4096);
    assert_int_equal(json_write(doc_root(have), JSON_COMPACT, &text, &err), 0);
    if (!doc_equal(doc_root(have), doc_root(want))) fail_msg("%.*s", (int)text.len, text.data);
    buf_free(&text);
    doc_unref(have);
    doc_unref(want);
}

static size_t lists(const struct api *api, const char *path) {
    size_t n = 0;
    for (size_t i = 0; i < api->count; i++) n += strcmp(api->seen[i].path, path) == 0;
    return n;
}

static void the_server_counts_and_lists_one_at_most(void **state) {
    struct site s;
    open_site(&s, state);
    assert_census(&s, "[\"v1/Pod\",\"v1/Node\"]", "", "{\"counts\":{\"v1/Pod\":7,\"v1/Node\":3},\"failed\":[]}");
    assert_int_equal(lists(s.api, "/api/v1/pods"), 1);
    for (size_t i = 0; i < s.api->count; i++)
        if (strcmp(s.api->seen[i].path, "/api/v1/pods") == 0) assert_string_equal(s.api->seen[i].limit, "1");
    close_site(&s);
}

static void a_namespace_is_counted_alone_but_for_what_has_none(void **state) {
    struct site s;
    open_site(&s, state);
    assert_census(&s, "[\"v1/Pod\",\"v1/Node\"]", "shop", "{\"counts\":{\"v1/Pod\":7,\"v1/Node\":3},\"failed\":[]}");
    assert_int_equal(lists(s.api, "/api/v1/namespaces/shop/pods"), 1);
    assert_int_equal(lists(s.api, "/api/v1/nodes"), 1);
    pods = 2;
    assert_census(&s, "[\"v1/Pod\"]", "billing", "{\"counts\":{\"v1/Pod\":2},\"failed\":[]}");
    close_site(&s);
}

static void it_is_good_for_a_minute(void **state) {
    struct site s;
    open_site(&s, state);
    assert_census(&s, "[\"v1/Pod\"]", "", "{\"counts\":{\"v1/Pod\":7},\"failed\":[]}");
    pods = 0;
    time_skip_us(59 * 1000000LL);
    assert_census(&s, "[\"v1/Pod\"]", "", "{\"counts\":{\"v1/Pod\":7},\"failed\":[]}");
    assert_int_equal(lists(s.api, "/api/v1/pods"), 1);
    time_skip_us(2 * 1000000LL);
    assert_census(&s, "[\"v1/Pod\"]", "", "{\"counts\":{\"v1/Pod\":0},\"failed\":[]}");
    close_site(&s);
}

static void what_cannot_be_counted_is_named_and_no_number(void **state) {
    struct site s;
    open_site(&s, state);
    assert_census(&s, "[\"v1/ConfigMap\",\"v1/Pod\",\"example.com/v1/Ghost\"]", "",
                  "{\"counts\":{\"v1/Pod\":7,\"example.com/v1/Ghost\":0},\"failed\":[{\"kind\":\"v1/ConfigMap\",\"reason\":"
                  "\"configmaps is forbidden\"}]}");
    vague = true;
    time_skip_us(61 * 1000000LL);
    assert_census(&s, "[\"v1/Pod\"]", "",
                  "{\"counts\":{},\"failed\":[{\"kind\":\"v1/Pod\",\"reason\":\"the API server does not say how many there are\"}]}");
    close_site(&s);
}

static void what_is_no_kind_is_refused(void **state) {
    struct site s;
    struct err err;
    open_site(&s, state);
    assert_int_equal(start(&s, "[\"Pod\"]", "", &err), ERR_SYNTAX);
    assert_non_null(strstr(err.msg, "ctx.count: "));
    char many[4096] = "[\"v1/K0\"";
    for (int i = 1; i <= 64; i++) snprintf(many + strlen(many), sizeof many - strlen(many), ",\"v1/K%d\"", i);
    snprintf(many + strlen(many), sizeof many - strlen(many), "]");
    assert_int_equal(start(&s, many, "", &err), ERR_LIMIT);
    close_site(&s);
}

/* Who asked, or what was asked for, is gone before the answer is there: at each moment of the way. */
static void nobody_is_called_who_left(void **state) {
    for (int turns = 0; turns < 8; turns++) {
        struct site s;
        struct err err;
        open_site(&s, state);
        s.api->flag = false;
        assert_int_equal(start(&s, "[\"v1/Pod\",\"v1/Node\"]", "", &err), 0);
        census_leave(s.census);
        api_idle(s.api, turns);
        if (turns % 2 == 0) census_free(s.census);
        if (turns % 2 == 0) s.census = NULL;
        api_idle(s.api, 20);
        assert_false(s.api->flag);
        close_site(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_server_counts_and_lists_one_at_most, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(a_namespace_is_counted_alone_but_for_what_has_none, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(it_is_good_for_a_minute, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_counted_is_named_and_no_number, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_kind_is_refused, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(nobody_is_called_who_left, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
