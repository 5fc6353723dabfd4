/* The built-in layer goes from bundle to bundle: compiled once, as it was, whatever the layers above do with it. */
#include <time.h>

#include "fixture.h"

static void write_sink(struct fixture *fx, const char *layer, const char *name, const char *fields, const char *result) {
    char path[100], text[1000];
    snprintf(path, sizeof path, "%s/sinks/%s/policy.lua", layer, name);
    snprintf(text, sizeof text,
             "local calls = 0\n"
             "return { api = 1, kind = 'sink', name = '%s', %s request = function(ctx) calls = calls + 1 return { %s } end }\n",
             name, fields, result);
    fx_write(fx, path, text);
}

static const char *sink(struct fixture *fx, const char *name) { return fx_run(fx, POLICY_SINK, name, "request", NULL); }

/* The next bundle takes the place of the one in use, which goes. */
static bool load_next(struct fixture *fx) {
    struct bundle *next = fx_bundle(fx, false, fx->bundle);
    if (!next) return false;
    bundle_unref(fx->bundle);
    fx->bundle = next;
    return true;
}

static void test_stays_in_use(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "builtin", "S", "", "calls");
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    assert_string_equal(sink(&fx, "S"), "[[1]]");
    fx_write(&fx, "builtin/sinks/S/policy.lua", "broken");
    write_sink(&fx, "cluster", "New", "", "'new'");
    if (!load_next(&fx)) fail_msg("%s", fx.err.msg);
    assert_string_equal(sink(&fx, "S"), "[[2]]"); /* in the same state */
    assert_string_equal(sink(&fx, "New"), "[[\"new\"]]");
    fx_free(&fx);
}

static void test_serves_two_bundles_at_once(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "builtin", "S", "params = { a = 'built in' },", "ctx.params.a");
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    fx_write(&fx, "cluster/sinks/S/params.yaml", "a: overlaid");
    struct bundle *first = bundle_ref(fx.bundle);
    if (!load_next(&fx)) fail_msg("%s", fx.err.msg);
    struct bundle *second = fx.bundle;
    assert_string_equal(sink(&fx, "S"), "[[\"overlaid\"]]");
    assert_string_not_equal(bundle_hash(first), bundle_hash(second));
    fx.bundle = first;
    assert_string_equal(sink(&fx, "S"), "[[\"built in\"]]");
    bundle_unref(second);
    assert_string_equal(sink(&fx, "S"), "[[\"built in\"]]");
    fx_free(&fx);
}

static void test_can_be_wrapped_and_uncovered(void **state) {
    (void)state;
    struct fixture fx;
    char path[200], hash[65];
    fx_new(&fx);
    fx_write(&fx, "builtin/lib/word.lua", "return 'below'");
    write_sink(&fx, "builtin", "S", "", "require('lib.word')");
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    snprintf(hash, sizeof hash, "%s", bundle_hash(fx.bundle));
    write_sink(&fx, "cluster", "S", "mode = 'wrap',", "'above ' .. ctx.next()[1] .. ' ' .. require('lib.word')");
    if (!load_next(&fx)) fail_msg("%s", fx.err.msg);
    assert_string_equal(sink(&fx, "S"), "[[\"above below below\"]]");
    fx_write(&fx, "cluster/sinks/S/policy.lua", "broken");
    assert_false(load_next(&fx));
    assert_string_equal(sink(&fx, "S"), "[[\"above below below\"]]");
    snprintf(path, sizeof path, "%s/cluster/sinks/S/policy.lua", fx.dir);
    assert_int_equal(remove(path), 0);
    if (!load_next(&fx)) fail_msg("%s", fx.err.msg);
    assert_string_equal(sink(&fx, "S"), "[[\"below\"]]");
    assert_string_equal(bundle_hash(fx.bundle), hash);
    fx_free(&fx);
}

static int64_t cpu_us(void) {
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct bundle *load_ours(struct fixture *fx, const struct bundle *before, int64_t *took_us) {
    char above[200];
    snprintf(above, sizeof above, "%s/cluster", fx->dir);
    const struct bundle_source sources[] = {{"policies", LAYER_BUILTIN}, {above, LAYER_CLUSTER}};
    struct bundle_options options = {.lua_dir = "lua", .sources = sources, .source_count = 2, .before = before};
    int64_t start_us = cpu_us();
    struct bundle *b = bundle_load(&options, &fx->problems, &fx->err);
    *took_us = cpu_us() - start_us;
    if (!b) fail_msg("%s", fx->err.msg);
    return b;
}

/* By our own policies: an override costs a small part of what all do (a twentieth, as measured). */
static void test_override_costs_itself(void **state) {
    (void)state;
    struct fixture fx;
    int64_t all_us, one_us, best_us = INT64_MAX;
    fx_new(&fx);
    fx_write(&fx, "cluster/analyzers/Pod/policy.lua",
             "return { api = 1, kind = 'analyzer', name = 'Pod', mode = 'wrap', run = function(ctx, pod) return (ctx.next(pod)) end }");
    struct bundle *first = load_ours(&fx, NULL, &all_us);
    for (int i = 0; i < 5; i++) {
        bundle_unref(load_ours(&fx, first, &one_us));
        if (one_us < best_us) best_us = one_us;
    }
    print_message("all %.1f ms, one override %.1f ms\n", (double)all_us / 1000, (double)best_us / 1000);
    assert_true(best_us < all_us / 4);
    bundle_unref(first);
    fx_free(&fx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stays_in_use),
        cmocka_unit_test(test_serves_two_bundles_at_once),
        cmocka_unit_test(test_can_be_wrapped_and_uncovered),
        cmocka_unit_test(test_override_costs_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
