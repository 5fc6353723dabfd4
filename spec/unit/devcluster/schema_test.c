/* Defaulting, pruning and validation by CRD schemas. */
#include "devcluster/schema.h"
#include "devcluster/trees.h"

static const char SCHEMA[] = "{'type':'object','properties':{'spec':{'type':'object','required':['mode'],'properties':{"
                             "'mode':{'type':'string','enum':['a','b']},"
                             "'interval':{'type':'string','pattern':'^\\\\d+[smh]$','default':'5m'},"
                             "'count':{'type':'integer','minimum':1,'maximum':5},"
                             "'name':{'type':'string','minLength':2,'maxLength':3},"
                             "'list':{'type':'array','minItems':1,'maxItems':2,'items':{'type':'object','properties':{"
                             "'on':{'type':'boolean','default':true}}}},"
                             "'keyed':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['k'],"
                             "'items':{'type':'object','properties':{'k':{'type':'string'}}}},"
                             "'port':{'x-kubernetes-int-or-string':true},"
                             "'map':{'type':'object','additionalProperties':{'type':'string'}},"
                             "'open':{'type':'object','x-kubernetes-preserve-unknown-fields':true},"
                             "'maybe':{'type':'string','nullable':true}}}}}";

/* The one cause that checking {spec: …} gives, as "field: message"; "" for none. */
static void expect_cause(const char *spec, const char *wanted) {
    char text[512], object[512];
    snprintf(object, sizeof object, "{'apiVersion':'x/v1','kind':'X','metadata':{'name':'n'},'spec':%s}", spec);
    cJSON *schema = tree(SCHEMA), *node = tree(object), *causes = cJSON_CreateArray();
    dev_schema_check(schema, node, causes);
    const cJSON *cause = causes->child;
    snprintf(text, sizeof text, "%s%s%s", tree_text(cause, "field"), cause ? ": " : "", tree_text(cause, "message"));
    assert_string_equal(text, wanted);
    assert_true(cJSON_GetArraySize(causes) <= 1);
    cJSON_Delete(causes);
    cJSON_Delete(node);
    cJSON_Delete(schema);
}

static void violations_are_told_as_the_real_server_does(void **state) {
    (void)state;
    expect_cause("{'mode':'a','interval':'30s','count':5,'name':'ab','list':[{}],'port':80,'map':{'x':'y'},'maybe':null}", "");
    expect_cause("{}", "spec.mode: Required value");
    expect_cause("{'mode':'c'}", "spec.mode: Unsupported value: \"c\": supported values: \"a\", \"b\"");
    expect_cause("{'mode':'a','interval':'5d'}", "spec.interval: Invalid value: \"5d\": spec.interval in body should match '^\\d+[smh]$'");
    expect_cause("{'mode':'a','count':0}", "spec.count: Invalid value: 0: spec.count in body should be greater than or equal to 1");
    expect_cause("{'mode':'a','count':6}", "spec.count: Invalid value: 6: spec.count in body should be less than or equal to 5");
    expect_cause("{'mode':'a','count':1.5}",
                 "spec.count: Invalid value: \"number\": spec.count in body must be of type integer: \"number\"");
    expect_cause("{'mode':'a','count':'1'}",
                 "spec.count: Invalid value: \"string\": spec.count in body must be of type integer: \"string\"");
    expect_cause("{'mode':'a','name':'x'}", "spec.name: Invalid value: \"x\": spec.name in body should be at least 2 chars long");
    expect_cause("{'mode':'a','name':'äöü'}", "");
    expect_cause("{'mode':'a','name':'abcd'}", "spec.name: Too long: may not be more than 3 bytes");
    expect_cause("{'mode':'a','list':[]}", "spec.list: Invalid value: 0: spec.list in body should have at least 1 items");
    expect_cause("{'mode':'a','list':[{},{},{}]}", "spec.list: Too many: 3: must have at most 2 items");
    expect_cause("{'mode':'a','list':[{'on':1}]}",
                 "spec.list[0].on: Invalid value: \"integer\": spec.list[0].on in body must be of type boolean: \"integer\"");
    expect_cause("{'mode':'a','keyed':[{'k':'1'},{'k':'1'}]}", "spec.keyed[1]: Duplicate value: {\"k\":\"1\"}");
    expect_cause("{'mode':'a','port':true}",
                 "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"");
    expect_cause("{'mode':'a','map':{'x':1}}",
                 "spec.map.x: Invalid value: \"integer\": spec.map.x in body must be of type string: \"integer\"");
    expect_cause("{'mode':null}", "spec.mode: Invalid value: \"null\": spec.mode in body must be of type string: \"null\"");
}

static void unknown_fields_are_pruned_unless_kept(void **state) {
    (void)state;
    cJSON *schema = tree(SCHEMA);
    cJSON *node = tree("{'kind':'X','metadata':{'labels':{'l':'1'}},'spec':{'mode':'a','bogus':1,'list':[{'on':true,'x':1}],"
                       "'map':{'any':'s'},'open':{'deep':{'x':1}}},'extra':1}");
    dev_schema_prune(schema, node, NULL);
    assert_tree(node, "{'kind':'X','metadata':{'labels':{'l':'1'}},'spec':{'mode':'a','list':[{'on':true}],'map':{'any':'s'},"
                      "'open':{'deep':{'x':1}}}}");
    cJSON_Delete(node);
    cJSON_Delete(schema);
}

static void defaults_fill_what_is_absent(void **state) {
    (void)state;
    cJSON *schema = tree(SCHEMA), *node = tree("{'spec':{'interval':null,'list':[{},{'on':false}]}}"), *none = tree("{}");
    dev_schema_default(schema, node);
    assert_tree(node, "{'spec':{'interval':'5m','list':[{'on':true},{'on':false}]}}");
    dev_schema_default(schema, none); /* parents are not made for the sake of defaults below */
    assert_tree(none, "{}");
    cJSON_Delete(none);
    cJSON_Delete(node);
    cJSON_Delete(schema);
}

static void patterns_read_as_in_go(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } CASES[] = {
        {"^[0-9]+[smh]$", "20s", true},
        {"^[0-9]+[smh]$", "5d", false},
        {"^\\d{1,3}$", "123", true},
        {"^\\d{1,3}$", "12a", false},
        {"^[\\w.-]+$", "a_b.c-d", true},
        {"^[\\w.-]+$", "a b", false},
        {"^(?:a|b)$", "b", true},
        {"\\.", "a.b", true},
        {"\\.", "ab", false},
        {"^[^\\s]+$", "a b", false},
        {"^[a\\-z]+$", "a-z", true},
        {"^[a\\-z]+$", "b", false},
        {"^\\S+$", "ab", true},
        {"^\\S+$", "a b", false},
        {"b", "abc", true},
        {"^$", "", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (dev_pattern_matches(CASES[i].pattern, CASES[i].text) != CASES[i].matches) fail_msg("%s on %s", CASES[i].pattern, CASES[i].text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(violations_are_told_as_the_real_server_does),
        cmocka_unit_test(unknown_fields_are_pruned_unless_kept),
        cmocka_unit_test(defaults_fill_what_is_absent),
        cmocka_unit_test(patterns_read_as_in_go),
    };
    return cmocka_run_group_tests(tests, init_trees, NULL);
}
