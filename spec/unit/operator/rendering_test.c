/* What render policies want, and which wishes are refused. */
#include "world.h"

#include "operator/rendering.h"

#define POLICY(name, order, body)                                                                                                          \
    "return { api = 1, kind = 'render', name = '" name "', order = " order ", writes = { 'v1/Service' },\n"                                \
    "render = function(ctx, cr) local L = { ['k8sgpts.k8sgpt.ai/namespace'] = 'ops' }\n" body " end }"

#define SERVICE(name, more)                                                                                                                \
    "{ apiVersion = 'v1', kind = 'Service', metadata = { name = '" name "', namespace = 'ops', labels = L" more " } }"

static struct doc *render_sized(struct world *w, struct doc *size, struct err *err) {
    struct rendering r = {.bundle = w->fx.bundle, .cluster = w->cluster, .calls = w->calls};
    struct doc *cr = document("{\"metadata\":{\"namespace\":\"ops\",\"name\":\"main\"},\"spec\":{}}");
    struct doc *objects = rendering_objects(&r, cr, size, err);
    doc_unref(cr);
    return objects;
}

static struct doc *render(struct world *w, struct err *err) { return render_sized(w, NULL, err); }

static void objects_come_in_the_order_of_the_policies(void **state) {
    (void)state;
    struct world w;
    struct err err;
    world_new(&w);
    fx_write(&w.fx, "builtin/render/A/policy.lua", POLICY("A", "2", "return { " SERVICE("last", "") " }"));
    fx_write(&w.fx, "builtin/render/B/policy.lua", POLICY("B", "1", "return { " SERVICE("first", "") ", " SERVICE("second", "") " }"));
    fx_write(&w.fx, "builtin/render/C/policy.lua", POLICY("C", "0", "return {}"));
    fx_write(&w.fx, "builtin/render/D/policy.lua", POLICY("D", "0", "return nil"));
    world_open(&w);
    struct doc *objects = render(&w, &err);
    assert_int_equal(doc_len(doc_root(objects)), 3);
    assert_true(str_is(doc_path_str(doc_at(doc_root(objects), 0), "metadata.name"), "first"));
    assert_true(str_is(doc_path_str(doc_at(doc_root(objects), 2), "metadata.name"), "last"));
    doc_unref(objects);
    world_free(&w);
}

static void a_size_is_told_where_there_is_one(void **state) {
    (void)state;
    struct world w;
    struct err err;
    world_new(&w);
    fx_write(&w.fx, "builtin/render/A/policy.lua",
             "return { api = 1, kind = 'render', name = 'A', writes = { 'v1/Service' }, render = function(ctx, cr, size)\n"
             "  local L = { ['k8sgpts.k8sgpt.ai/namespace'] = 'ops' }\n"
             "  return { " SERVICE("a", "") ", size and " SERVICE("b", "") " or nil } end }");
    fx_write(&w.fx, "cluster/render/A/policy.lua",
             "return { api = 1, kind = 'render', name = 'A', mode = 'wrap', render = function(ctx, ...) return ctx.next(...) end }");
    world_open(&w);
    struct doc *size = document("{\"replicas\":3}"), *objects = render(&w, &err);
    assert_int_equal(doc_len(doc_root(objects)), 1);
    doc_unref(objects);
    objects = render_sized(&w, size, &err);
    assert_int_equal(doc_len(doc_root(objects)), 2);
    doc_unref(objects);
    doc_unref(size);
    world_free(&w);
}

static void note_kind(const struct gvk *gvk, bool written, void *arg) {
    snprintf((char *)arg + strlen(arg), 100 - strlen(arg), "%s%s ", gvk->text, written ? "" : "~");
}

static void each_kind_is_written_or_followed(void **state) {
    (void)state;
    struct world w;
    char kinds[100] = "";
    world_new(&w);
    fx_write(&w.fx, "builtin/render/A/policy.lua",
             "return { api = 1, kind = 'render', name = 'A', writes = { 'v1/Service' }, follows = { 'v1/Endpoints' },\n"
             "render = function() return {} end }");
    world_open(&w);
    rendering_each_kind(w.fx.bundle, note_kind, kinds);
    assert_string_equal(kinds, "v1/Service v1/Endpoints~ ");
    world_free(&w);
}

static void wishes_that_cannot_be_granted_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *policy, *message;
    } cases[] = {
        {POLICY("A", "0", "return { { apiVersion = 'v1', kind = 'Service', metadata = { labels = L } } }"), "needs apiVersion, kind"},
        {POLICY("A", "0", "return { { apiVersion = 'v1', kind = 'Secret', metadata = { name = 'x', labels = L } } }"), "add it to writes"},
        {POLICY("A", "0", "return { " SERVICE("x", ", namespace = 'kube-system'") " }"), "another namespace"},
        {POLICY("A", "0", "L = nil return { " SERVICE("x", "") " }"), "does not say whose it is"},
        {POLICY("A", "0", "return { " SERVICE("x", "") ", " SERVICE("x", "") " }"), "is wanted twice"},
        {POLICY("A", "0", "return " SERVICE("x", "")), "must return a list"},
        {POLICY("A", "0", "return nil, ctx.retry(7, 'not now')"), "render/A: not now"},
        {POLICY("A", "0", "error('broken')"), "broken"},
        {POLICY("A", "0", "local t = {} for i = 1, 65 do t[i] = " SERVICE("x", "") " t[i].metadata.name = 'x' .. i end return t"),
         "one too many"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct err err = {0};
        world_new(&w);
        fx_write(&w.fx, "builtin/render/A/policy.lua", cases[i].policy);
        world_open(&w);
        assert_null(render(&w, &err));
        if (!strstr(err.msg, cases[i].message)) fail_msg("%s lacks %s", err.msg, cases[i].message);
        assert_int_equal(err.code, ERR_POLICY);
        world_free(&w);
    }
}

/* Nothing is taken for unwanted meanwhile. */
static void a_policy_that_keeps_failing_gives_way_to_the_layer_below(void **state) {
    (void)state;
    struct world w;
    struct err err;
    struct doc *objects = NULL;
    int tries = 0;
    world_new(&w);
    fx_write(&w.fx, "builtin/render/A/policy.lua", POLICY("A", "0", "return { " SERVICE("x", "") " }"));
    fx_write(&w.fx, "cluster/render/A/policy.lua", POLICY("A", "0", "error('broken')"));
    fx_write(&w.fx, "cluster/render/Z/policy.lua", POLICY("Z", "1", "return {}"));
    world_open(&w);
    while (!objects && ++tries < 20) objects = render(&w, &err);
    assert_int_equal(tries, BREAKER_FAILURES + 1);
    assert_int_equal(doc_len(doc_root(objects)), 1);
    doc_unref(objects);
    world_free(&w);
}

static void one_without_a_layer_below_goes_on_failing(void **state) {
    (void)state;
    struct world w;
    struct err err;
    world_new(&w);
    fx_write(&w.fx, "cluster/render/A/policy.lua", POLICY("A", "0", "error('broken')"));
    world_open(&w);
    for (int i = 0; i < 2 * BREAKER_FAILURES; i++) assert_null(render(&w, &err));
    world_free(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_come_in_the_order_of_the_policies),
        cmocka_unit_test(a_size_is_told_where_there_is_one),
        cmocka_unit_test(each_kind_is_written_or_followed),
        cmocka_unit_test(wishes_that_cannot_be_granted_are_refused),
        cmocka_unit_test(a_policy_that_keeps_failing_gives_way_to_the_layer_below),
        cmocka_unit_test(one_without_a_layer_below_goes_on_failing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
