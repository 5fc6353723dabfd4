#include "fixture.h"

/* Layers: which file counts, what is refused, and what a cold start makes of broken ones. */

static void write_sink(struct fixture *fx, const char *path, const char *name, const char *fields, const char *result) {
    char text[2000];
    snprintf(text, sizeof text, "return { api = 1, kind = 'sink', name = '%s', %s request = function(ctx) return { %s } end }", name,
             fields, result);
    fx_write(fx, path, text);
}

static const char *sink(struct fixture *fx, const char *name) { return fx_run(fx, POLICY_SINK, name, "request", NULL); }

static void refused(struct fixture *fx, const char *message) {
    if (fx_load(fx, false)) fail_msg("loaded, instead of: %s", message);
    if (!strstr(fx->err.msg, message)) fail_msg("%s, not %s", fx->err.msg, message);
    assert_true(fx->problems.count > 0);
}

static void test_higher_layers_replace(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "", "'below'");
    write_sink(&fx, "builtin/sinks/Only/policy.lua", "Only", "", "'only'");
    write_sink(&fx, "cluster/sinks/S/policy.lua", "S", "", "'above'");
    write_sink(&fx, "cluster/sinks/New/policy.lua", "New", "", "'new'");
    assert_true(fx_load(&fx, false));
    assert_string_equal(sink(&fx, "S"), "[[\"above\"]]");
    assert_string_equal(sink(&fx, "Only"), "[[\"only\"]]");
    assert_string_equal(sink(&fx, "New"), "[[\"new\"]]");
    assert_int_equal(bundle_count(fx.bundle, POLICY_SINK), 3);
    assert_string_equal(bundle_at(fx.bundle, POLICY_SINK, 0)->name, "New");
    assert_string_equal(bundle_at(fx.bundle, POLICY_SINK, 2)->name, "S");
    assert_null(bundle_at(fx.bundle, POLICY_SINK, 3));
    const struct policy *p = bundle_find(fx.bundle, POLICY_SINK, STR("S"));
    assert_int_equal(p->layer, LAYER_CLUSTER);
    assert_int_equal(p->lower->layer, LAYER_BUILTIN);
    assert_false(p->wraps);
    fx_free(&fx);
}

/* Keys of a ConfigMap, behind the links that the kubelet makes. */
static void test_config_map_layout(void **state) {
    (void)state;
    struct fixture fx;
    char target[512], link[512];
    fx_new(&fx);
    write_sink(&fx, "cluster/..2026_03_01/sinks.S.lua", "S", "params = { a = 1 },", "require('lib.names') .. ctx.params.a");
    fx_write(&fx, "cluster/..2026_03_01/sinks.S.params.yaml", "a: 2\n");
    fx_write(&fx, "cluster/..2026_03_01/sinks.S.test.yaml", "not: [read");
    fx_write(&fx, "cluster/..2026_03_01/lib.names.lua", "return 'n'");
    fx_write(&fx, "cluster/..2025_old/sinks.Old.lua", "broken");
    snprintf(link, sizeof link, "%s/cluster/..data", fx.dir);
    assert_int_equal(symlink("..2026_03_01", link), 0);
    snprintf(link, sizeof link, "%s/cluster/sinks.S.lua", fx.dir);
    assert_int_equal(symlink("..data/sinks.S.lua", link), 0);
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    assert_string_equal(sink(&fx, "S"), "[[\"n2\"]]");
    assert_int_equal(bundle_count(fx.bundle, POLICY_SINK), 1);
    snprintf(target, sizeof target, "%s/cluster/sinks.S.lua", fx.dir);
    assert_string_equal(bundle_find(fx.bundle, POLICY_SINK, STR("S"))->source, target);
    fx_write(&fx, "cluster/..2026_03_01/README.md", "hello");
    refused(&fx, "README.md: the key does not begin with");
    fx_free(&fx);
}

static void test_unknown_keys(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    fx_write(&fx, "cluster/analysers.Pod.lua", "return {}");
    refused(&fx, "analysers.Pod.lua: the key does not begin with");
    fx_free(&fx);
    fx_new(&fx);
    fx_write(&fx, "cluster/analysers/Pod/policy.lua", "return {}");
    refused(&fx, "analysers: not a kind of policy");
    fx_free(&fx);
    fx_new(&fx);
    fx_write(&fx, "cluster/sinks.S.txt", "x");
    fx_write(&fx, "cluster/sinks.a b.lua", "return {}");
    refused(&fx, "letters, digits and -");
    assert_int_equal(fx.problems.count, 1);
    fx_free(&fx);
}

static void test_disable(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "", "'below'");
    fx_write(&fx, "cluster/sinks/S/policy.lua", "return { api = 1, kind = 'sink', name = 'S', enabled = false }");
    assert_true(fx_load(&fx, false));
    assert_int_equal(bundle_count(fx.bundle, POLICY_SINK), 0);
    assert_null(bundle_find(fx.bundle, POLICY_SINK, STR("S")));
    fx_write(&fx, "cluster/sinks/S/policy.lua",
             "return { api = 1, kind = 'sink', name = 'S', enabled = false, params = {} , description = 'x' }");
    refused(&fx, "nothing but api, kind and name");
    fx_free(&fx);
}

static void test_unknown_targets(void **state) {
    (void)state;
    static const struct {
        const char *path, *text, *message;
    } cases[] = {
        {"cluster/sinks/S/policy.lua", "return { api = 1, kind = 'sink', name = 'S', enabled = false }",
         "there is no sinks/S below to switch off"},
        {"cluster/sinks/S/policy.lua", "return { api = 1, kind = 'sink', name = 'S', mode = 'wrap', request = function() end }",
         "there is no sinks/S below to wrap"},
        {"cluster/sinks/S/params.yaml", "a: 1", "there is no policy sinks/S"},
        {"cluster/sinks/Known/params.yaml", "b: 1", "sinks/Known has no parameter b"},
        {"cluster/sinks/Known/params.yaml", "- a", "must hold names and values"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fx;
        fx_new(&fx);
        write_sink(&fx, "builtin/sinks/Known/policy.lua", "Known", "params = { a = 1 },", "ctx.params.a");
        fx_write(&fx, cases[i].path, cases[i].text);
        refused(&fx, cases[i].message);
        fx_free(&fx);
    }
}

static void test_params_field_by_field(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "params = { a = 1, b = { c = 2 }, d = 'x' },",
               "ctx.params.a, #ctx.params.b, ctx.params.d");
    fx_write(&fx, "builtin/sinks/S/params.yaml", "d: y\n");
    fx_write(&fx, "cluster/sinks/S/params.yaml", "b: [1, 2, 3]\n");
    fx_write(&fx, "object/x", "");
    assert_true(fx_load(&fx, false));
    assert_string_equal(sink(&fx, "S"), "[[1,3,\"y\"]]");
    write_sink(&fx, "cluster/sinks/S/policy.lua", "S", "params = { a = 7, b = {}, d = 'z' },", "ctx.params.a, #ctx.params.b, ctx.params.d");
    assert_true(fx_load(&fx, false));
    assert_string_equal(sink(&fx, "S"), "[[7,3,\"z\"]]");
    fx_write(&fx, "object/sinks.S.params.yaml", "a: 5\n");
    refused(&fx, "filters and routes only");
    fx_free(&fx);
}

static void test_libraries_come_from_this_layer_or_below(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    fx_write(&fx, "builtin/lib/names.lua", "return 'below'");
    fx_write(&fx, "cluster/lib/names.lua", "return 'above'");
    fx_write(&fx, "cluster/lib/fresh.lua", "return 'fresh'");
    write_sink(&fx, "builtin/sinks/Low/policy.lua", "Low", "", "require 'lib.names'");
    write_sink(&fx, "cluster/sinks/High/policy.lua", "High", "", "require 'lib.names', require 'lib.fresh'");
    assert_true(fx_load(&fx, false));
    assert_string_equal(sink(&fx, "Low"), "[[\"below\"]]");
    assert_string_equal(sink(&fx, "High"), "[[\"above\",\"fresh\"]]");
    fx_write(&fx, "builtin/sinks/Low/policy.lua", "require 'lib.fresh'");
    refused(&fx, "there is no module lib.fresh");
    fx_free(&fx);
}

static void test_require_cycles_are_named(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    fx_write(&fx, "cluster/lib/a.lua", "return require 'lib.b'");
    fx_write(&fx, "cluster/lib/b.lua", "return require 'lib.a'");
    fx_write(&fx, "cluster/sinks/S/policy.lua", "return require 'lib.a'");
    refused(&fx, "a cycle: lib.a requires lib.b requires lib.a");
    fx_free(&fx);
}

static void test_modules_of_the_host(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    fx_write(&fx, "lua/k8sgpt/text.lua", "local m = {} function m.twice(s) return s .. s end return m");
    fx_write(&fx, "lua/k8sgpt/meta.lua", "error 'not to be loaded'");
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "", "require('k8sgpt.text').twice('x')");
    assert_true(fx_load(&fx, false));
    assert_string_equal(sink(&fx, "S"), "[[\"xx\"]]");
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "", "pcall(function() require('k8sgpt.text').twice = nil end)");
    assert_true(fx_load(&fx, false));
    assert_non_null(strstr(sink(&fx, "S"), "twice cannot be set: k8sgpt.text is read-only"));
    fx_write(&fx, "builtin/sinks/S/policy.lua", "require 'k8sgpt.meta'");
    refused(&fx, "there is no module k8sgpt.meta");
    fx_free(&fx);
}

static void test_broken_files(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "", "'below'");
    write_sink(&fx, "builtin/sinks/T/policy.lua", "T", "", "'T'");
    fx_write(&fx, "cluster/sinks/S/policy.lua", "return {\n  api = 1,\n  kind = = 'sink' }");
    write_sink(&fx, "cluster/sinks/T/policy.lua", "T", "", "'above'");
    fx_write(&fx, "cluster/sinks/T/params.yaml", "nope: 1");
    refused(&fx, "cluster/sinks/S/policy.lua:3: unexpected symbol near '='");
    assert_non_null(strstr(fx.err.msg, "(and 1 more)"));
    assert_int_equal(fx.problems.count, 2);
    assert_string_equal(fx.problems.items[0].name, "sinks/S");
    assert_non_null(strstr(fx.problems.items[0].source, "cluster/sinks/S/policy.lua"));

    assert_true(fx_load(&fx, true));
    assert_int_equal(fx.problems.count, 2);
    assert_string_equal(sink(&fx, "S"), "[[\"below\"]]");
    assert_string_equal(sink(&fx, "T"), "[[\"above\"]]");
    char hash[65];
    snprintf(hash, sizeof hash, "%s", bundle_hash(fx.bundle));
    fx_write(&fx, "cluster/sinks/S/policy.lua", "broken otherwise");
    assert_true(fx_load(&fx, true));
    assert_string_equal(bundle_hash(fx.bundle), hash);

    fx_write(&fx, "builtin/sinks/T/policy.lua", "broken");
    assert_false(fx_load(&fx, true));
    fx_free(&fx);
}

static void test_hash_follows_content(void **state) {
    (void)state;
    struct fixture fx;
    char first[65];
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "params = { a = 1 },", "1");
    assert_true(fx_load(&fx, false));
    snprintf(first, sizeof first, "%s", bundle_hash(fx.bundle));
    assert_int_equal(strlen(first), 64);
    assert_true(fx_load(&fx, false));
    assert_string_equal(bundle_hash(fx.bundle), first);
    fx_write(&fx, "builtin/sinks/S/params.yaml", "a: 1");
    assert_true(fx_load(&fx, false));
    assert_string_not_equal(bundle_hash(fx.bundle), first);
    snprintf(first, sizeof first, "%s", bundle_hash(fx.bundle));
    fx_write(&fx, "cluster/lib/x.lua", "return 1");
    assert_true(fx_load(&fx, false));
    assert_string_not_equal(bundle_hash(fx.bundle), first);
    fx_free(&fx);
}

static void count_override(const struct policy *p, bool disabled, void *arg) {
    char *text = arg;
    snprintf(text + strlen(text), 200, "%s%s@%s ", disabled ? "-" : "", p->name, policy_layer_name(p->layer));
}

static void test_overrides_are_listed(void **state) {
    (void)state;
    struct fixture fx;
    char text[1000] = "";
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/Plain/policy.lua", "Plain", "", "1");
    write_sink(&fx, "builtin/sinks/Off/policy.lua", "Off", "", "1");
    fx_write(&fx, "cluster/sinks/Off/policy.lua", "return { api = 1, kind = 'sink', name = 'Off', enabled = false }");
    fx_write(&fx, "builtin/filters/F/policy.lua", "return { api = 1, kind = 'filter', name = 'F', keep = function() return true end }");
    fx_write(&fx, "cluster/filters/F/policy.lua", "return { api = 1, kind = 'filter', name = 'F', keep = function() return true end }");
    fx_write(&fx, "object/filters/F/policy.lua",
             "return { api = 1, kind = 'filter', name = 'F', mode = 'wrap', keep = function(ctx) return ctx.next() end }");
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    bundle_each_override(fx.bundle, count_override, text);
    assert_string_equal(text, "F@object F@cluster -Off@cluster ");
    fx_free(&fx);
}

/* A wrapping policy reads and reports what the one below does, without saying it again. */
static void test_wrapping_inherits(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    fx_write(&fx, "builtin/analyzers/A/policy.lua",
             "return { api = 1, kind = 'analyzer', name = 'A', description = 'below', watches = { 'v1/Pod', 'v1/Secret',\n"
             "{ 'v1/Node', fields = { 'spec' }, subject = true } },\n"
             "fields = { 'status' }, indexes = { ['v1/Node'] = { 'spec.x' } },\n"
             "rules = { one = { severity = 'low' }, two = { severity = 'low' } }, run = function() return {} end }");
    fx_write(&fx, "cluster/analyzers/A/policy.lua",
             "return { api = 1, kind = 'analyzer', name = 'A', mode = 'wrap', watches = { 'v1/Pod' }, fields = { 'spec.nodeName' },\n"
             "rules = { two = { severity = 'high', grace = 5, settle = 6 } }, run = function(ctx) return ctx.next() end }");
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    const struct policy *p = bundle_find(fx.bundle, POLICY_ANALYZER, STR("A"));
    assert_string_equal(p->description, "below");
    assert_int_equal(p->watch_count, 3);
    assert_string_equal(p->watches[0].gvk->text, "v1/Pod");
    assert_true(projection_covers(p->watches[0].projection, p->lower->watches[0].projection));
    assert_int_equal(p->watches[2].index_count, 1);
    assert_ptr_equal(policy_subject(p, STR("Pod")), &p->watches[0]);
    assert_ptr_equal(policy_subject(p, STR("Node")), &p->watches[2]);
    assert_null(policy_subject(p, STR("Secret")));
    assert_int_equal(p->rule_count, 2);
    assert_int_equal(policy_rule(p, STR("two"))->severity, SEVERITY_HIGH);
    assert_int_equal(policy_rule(p, STR("two"))->grace_s, 5);
    assert_int_equal(policy_rule(p, STR("two"))->settle_s, 6);
    assert_int_equal(policy_rule(p->lower, STR("two"))->severity, SEVERITY_LOW);
    assert_null(policy_rule(p, STR("three")));
    fx_write(&fx, "cluster/analyzers/A/policy.lua",
             "return { api = 1, kind = 'analyzer', name = 'A', mode = 'wrap', watches = { 'v1/Node' }, run = function(ctx) return "
             "ctx.next() end }");
    refused(&fx, "its first watch must be that too");
    fx_free(&fx);
}

/* What a wrapping policy has no function for, the one below does. */
static void test_wrapping_without_the_function(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "params = { a = 1 }, response = function() return { ref = 'below' } end,",
               "ctx.params.a");
    fx_write(&fx, "cluster/sinks/S/policy.lua",
             "return { api = 1, kind = 'sink', name = 'S', mode = 'wrap', request = function(ctx) local r = ctx.next() r[2] = 'above' "
             "return r end }");
    if (!fx_load(&fx, false)) fail_msg("%s", fx.err.msg);
    const struct policy *p = bundle_find(fx.bundle, POLICY_SINK, STR("S"));
    assert_true(script_has(p, "request") && script_has(p, "response") && !script_has(p, "run"));
    assert_ptr_equal(script_holder(p, "request"), p);
    assert_ptr_equal(script_holder(p, "response"), p->lower);
    assert_null(script_holder(p, "run"));
    assert_string_equal(sink(&fx, "S"), "[[1,\"above\"]]");
    assert_string_equal(fx_run(&fx, POLICY_SINK, "S", "response", NULL), "[{\"ref\":\"below\"}]");
    fx_free(&fx);
}

static void test_missing_folder(void **state) {
    (void)state;
    struct fixture fx;
    char builtin[200], missing[200];
    struct err err = {0};
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "", "1");
    snprintf(builtin, sizeof builtin, "%s/builtin", fx.dir);
    snprintf(missing, sizeof missing, "%s/missing", fx.dir);
    const struct bundle_source sources[] = {{builtin, LAYER_BUILTIN}, {missing, LAYER_CLUSTER}};
    struct bundle_options options = {.sources = sources, .source_count = 2};
    assert_null(bundle_load(&options, &fx.problems, &err));
    assert_non_null(strstr(err.msg, "missing: cannot be read"));
    bundle_problems_free(&fx.problems);
    options.tolerate = true;
    fx.bundle = bundle_load(&options, &fx.problems, &err);
    assert_non_null(fx.bundle);
    assert_int_equal(fx.problems.count, 1);
    bundle_problems_free(&fx.problems);
    options.source_count = 1;
    const struct bundle_source none = {missing, LAYER_BUILTIN};
    options.sources = &none;
    assert_null(bundle_load(&options, &fx.problems, &err));
    fx_free(&fx);
}

#define OK_FIELDS "api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, rules = R, run = r"

/* Every field of the table is checked; each case breaks one. */
static void test_tables_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *fields, *message;
    } cases[] = {
        {"api = 2, kind = 'analyzer', name = 'A', run = r", "api must be 1"},
        {"api = 1, kind = 'sink', name = 'A', run = r", "kind must be \"analyzer\""},
        {"api = 1, kind = 'analyzer', name = 'B', run = r", "name must be \"A\""},
        {OK_FIELDS ", remote = 1", "remote must be of type"},
        {OK_FIELDS ", logs = true", "add remote = true"},
        {OK_FIELDS ", aws = true", "aws is for analyzers that ask while they run"},
        {OK_FIELDS ", secret_content = true", "secret_content is for analyzers that ask while they run"},
        {OK_FIELDS ", colour = 'red'", "a policy has no field colour"},
        {OK_FIELDS ", keep = r", "analyzer has no function keep"},
        {OK_FIELDS ", order = 1", "order is for correlate and render policies; remove it"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, rules = R", "needs a function run"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, rules = R, run = true",
         "run must be a function"},
        {"api = 1, kind = 'analyzer', name = 'A', watches = { 'v1/Pod' }, rules = R, run = r", "needs a description"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd\\ne', watches = { 'v1/Pod' }, rules = R, run = r", "one line"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', rules = R, run = r", "needs watches"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, run = r", "needs rules"},
        {OK_FIELDS ", mode = 'around'", "mode must be"},
        {OK_FIELDS ", enabled = true", "enabled can only be false"},
        {OK_FIELDS ", fields = { 'a..b' }", "fields"},
        {OK_FIELDS ", fields = { 1 }", "fields must be a list of paths"},
        {OK_FIELDS ", fields = 'status'", "fields must be of type array"},
        {OK_FIELDS ", indexes = { ['v1/Node'] = { 'spec' } }", "not among watches"},
        {OK_FIELDS ", indexes = { ['v1/Pod'] = 'spec' }", "must be a list of paths"},
        {OK_FIELDS ", params = function() end", "params must be of type object"},
        {OK_FIELDS ", rules2 = {}", "no field rules2"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'Pod' }, rules = R, run = r", "watches"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { { 'v1/Pod', field = {} } }, rules = R, run = r",
         "a watch has no field field"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod', { 'v1/Node', subject = 1 } }, rules = R, run = "
         "r",
         "subject of a watch must be true or false"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { { fields = {} } }, rules = R, run = r", "a watch must be"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, rules = { x = {} }, run = r",
         "severity of rule x"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, rules = { x = { severity = 'low', grace = -1 "
         "} }, run = r",
         "grace of rule x"},
        {"api = 1, kind = 'analyzer', name = 'A', description = 'd', watches = { 'v1/Pod' }, rules = { x = { severity = 'low', graze = 1 } "
         "}, run = r",
         "unknown field"},
        {"api = 1, kind = 'analyzer', name = 'A', 5", "a policy has no field 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fx;
        char text[2000];
        fx_new(&fx);
        snprintf(text, sizeof text, "local r, R = function() end, { x = { severity = 'low' } }\nreturn { %s }", cases[i].fields);
        fx_write(&fx, "cluster/analyzers/A/policy.lua", text);
        refused(&fx, cases[i].message);
        assert_non_null(strstr(fx.err.msg, "cluster/analyzers/A/policy.lua"));
        fx_free(&fx);
    }
}

#define RENDER(fields) "return { api = 1, kind = 'render', name = 'R', render = function() end, " fields " }"

static void test_render_policies_say_what_they_write(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {RENDER(""), "needs writes"},
        {RENDER("writes = 'v1/Service'"), "writes must be of type array"},
        {RENDER("writes = { 1 }"), "writes must be a list of kinds"},
        {RENDER("writes = { 'Service' }"), "writes"},
        {RENDER("writes = { 'v1/Service' }, rules = {}"), "rules is for analyzers"},
        {RENDER("writes = { 'v1/Service' }, follows = { 'Pod' }"), "follows"},
        {"return { api = 1, kind = 'render', name = 'R', writes = { 'v1/Service' } }", "needs a function render"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fx;
        fx_new(&fx);
        fx_write(&fx, "cluster/render/R/policy.lua", cases[i].text);
        refused(&fx, cases[i].message);
        fx_free(&fx);
    }
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "cluster/sinks/S/policy.lua", "S", "writes = { 'v1/Service' },", "1");
    refused(&fx, "writes is for steps and render policies");
    fx_free(&fx);
    fx_new(&fx);
    write_sink(&fx, "cluster/sinks/S/policy.lua", "S", "follows = { 'v1/Service' },", "1");
    refused(&fx, "follows is for render policies");
    fx_free(&fx);
}

/* Who wraps a policy goes on watching what that writes, in the order of that. */
static void test_wrapping_inherits_what_is_written(void **state) {
    (void)state;
    struct fixture fx;
    struct err err;
    fx_new(&fx);
    fx_write(&fx, "builtin/render/R/policy.lua", RENDER("writes = { 'v1/Service', 'v1/Service' }, follows = { 'v1/Pod' }, order = 7"));
    fx_write(&fx, "cluster/render/R/policy.lua", RENDER("mode = 'wrap', writes = { 'v1/ConfigMap' }"));
    assert_true(fx_load(&fx, false));
    const struct policy *p = bundle_find(fx.bundle, POLICY_RENDER, STR("R"));
    assert_int_equal(p->write_count, 2);
    assert_int_equal(p->lower->write_count, 1);
    assert_int_equal(p->follow_count, 1);
    assert_int_equal(p->order, 7);
    assert_true(policy_writes(p, gvk_parse(STR("v1/Service"), &err)) && policy_writes(p, gvk_parse(STR("v1/ConfigMap"), &err)));
    assert_false(policy_writes(p, gvk_parse(STR("v1/Secret"), &err)));
    fx_free(&fx);
}

static void test_layers_have_their_limits(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "object/sinks/S/policy.lua", "S", "", "1");
    refused(&fx, "filters and routes only");
    fx_free(&fx);
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "mode = 'replace',", "1");
    refused(&fx, "mode is for layers above the built-in one");
    fx_free(&fx);
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "rules = {},", "1");
    refused(&fx, "rules is for analyzers");
    fx_free(&fx);
    fx_new(&fx);
    char pipe[512];
    fx_write(&fx, "cluster/lib/x.lua", "return 1");
    snprintf(pipe, sizeof pipe, "%s/cluster/lib/pipe.lua", fx.dir);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    refused(&fx, "pipe.lua: not a regular file");
    fx_free(&fx);
    fx_new(&fx);
    fx_write(&fx, "cluster/sinks/S/policy.lua", "while true do end");
    refused(&fx, "used up its instructions");
    fx_free(&fx);
    fx_new(&fx);
    fx_write(&fx, "cluster/sinks/S/policy.lua", "return 1, 2");
    refused(&fx, "must return one table");
    fx_free(&fx);
}

/* Who has no use for a kind does not pay for it, nor for what is wrong with it. */
static void test_only_the_kinds_wanted(void **state) {
    (void)state;
    struct fixture fx;
    fx_new(&fx);
    write_sink(&fx, "builtin/sinks/S/policy.lua", "S", "", "'s'");
    fx_write(&fx, "cluster/steps/Init/policy.lua", "broken");
    refused(&fx, "policy.lua");
    fx.kinds = 1u << POLICY_SINK;
    assert_true(fx_load(&fx, false));
    assert_string_equal(sink(&fx, "S"), "[[\"s\"]]");
    fx.kinds = 1u << POLICY_ROUTE;
    assert_true(fx_load(&fx, false));
    assert_int_equal(bundle_count(fx.bundle, POLICY_SINK), 0);
    fx_free(&fx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_higher_layers_replace),
        cmocka_unit_test(test_config_map_layout),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_disable),
        cmocka_unit_test(test_unknown_targets),
        cmocka_unit_test(test_params_field_by_field),
        cmocka_unit_test(test_libraries_come_from_this_layer_or_below),
        cmocka_unit_test(test_require_cycles_are_named),
        cmocka_unit_test(test_modules_of_the_host),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_hash_follows_content),
        cmocka_unit_test(test_overrides_are_listed),
        cmocka_unit_test(test_wrapping_inherits),
        cmocka_unit_test(test_wrapping_without_the_function),
        cmocka_unit_test(test_missing_folder),
        cmocka_unit_test(test_tables_are_checked),
        cmocka_unit_test(test_render_policies_say_what_they_write),
        cmocka_unit_test(test_wrapping_inherits_what_is_written),
        cmocka_unit_test(test_layers_have_their_limits),
        cmocka_unit_test(test_only_the_kinds_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
