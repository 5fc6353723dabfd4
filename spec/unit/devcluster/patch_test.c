/* Merge, JSON and strategic merge patches. */
#include "devcluster/patch.h"
#include "devcluster/status.h"
#include "devcluster/trees.h"

static void expect_merge(const char *target, const char *patch, const char *result) {
    cJSON *t = tree(target), *p = tree(patch);
    dev_patch_merge(t, p);
    assert_tree(t, result);
    cJSON_Delete(t);
    cJSON_Delete(p);
}

/* The cases of RFC 7386, appendix A. */
static void merge_patch_follows_the_rfc(void **state) {
    (void)state;
    static const char *const CASES[][3] = {
        {"{'a':'b'}", "{'a':'c'}", "{'a':'c'}"},
        {"{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}"},
        {"{'a':'b'}", "{'a':null}", "{}"},
        {"{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}"},
        {"{'a':['b']}", "{'a':'c'}", "{'a':'c'}"},
        {"{'a':'c'}", "{'a':['b']}", "{'a':['b']}"},
        {"{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}"},
        {"{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}"},
        {"['a','b']", "['c','d']", "['c','d']"},
        {"{'a':'b'}", "['c']", "['c']"},
        {"{'a':'foo'}", "'bar'", "'bar'"},
        {"{'e':null}", "{'a':1}", "{'e':null,'a':1}"},
        {"[1,2]", "{'a':'b','c':null}", "{'a':'b'}"},
        {"{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) expect_merge(CASES[i][0], CASES[i][1], CASES[i][2]);
}

static void expect_json(const char *target, const char *operations, const char *result) {
    cJSON *t = tree(target), *p = tree(operations), *refusal = dev_patch_json(t, p);
    assert_int_equal(refusal == NULL, result != NULL);
    if (refusal) assert_int_equal(dev_status_code(refusal), 422);
    if (result) assert_tree(t, result);
    cJSON_Delete(refusal);
    cJSON_Delete(t);
    cJSON_Delete(p);
}

/* After the examples of RFC 6902, appendix A; NULL: refused. */
static void json_patch_follows_the_rfc(void **state) {
    (void)state;
    static const char *const CASES[][3] = {
        {"{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'qux'}]", "{'baz':'qux','foo':'bar'}"},
        {"{'foo':['bar','baz']}", "[{'op':'add','path':'/foo/1','value':'qux'}]", "{'foo':['bar','qux','baz']}"},
        {"{'foo':['bar']}", "[{'op':'add','path':'/foo/-','value':['abc','def']}]", "{'foo':['bar',['abc','def']]}"},
        {"{'baz':'qux','foo':'bar'}", "[{'op':'remove','path':'/baz'}]", "{'foo':'bar'}"},
        {"{'foo':['bar','qux','baz']}", "[{'op':'remove','path':'/foo/1'}]", "{'foo':['bar','baz']}"},
        {"{'baz':'qux','foo':'bar'}", "[{'op':'replace','path':'/baz','value':'boo'}]", "{'baz':'boo','foo':'bar'}"},
        {"{'foo':{'bar':'baz','waldo':'fred'},'qux':{'corge':'grault'}}", "[{'op':'move','from':'/foo/waldo','path':'/qux/thud'}]",
         "{'foo':{'bar':'baz'},'qux':{'corge':'grault','thud':'fred'}}"},
        {"{'foo':['all','grass','cows','eat']}", "[{'op':'move','from':'/foo/1','path':'/foo/3'}]", "{'foo':['all','cows','eat','grass']}"},
        {"{'a':{'b':1}}", "[{'op':'copy','from':'/a','path':'/c'}]", "{'a':{'b':1},'c':{'b':1}}"},
        {"{'/':9,'~1':10}", "[{'op':'test','path':'/~01','value':10}]", "{'/':9,'~1':10}"},
        {"{'a/b':1}", "[{'op':'replace','path':'/a~1b','value':2}]", "{'a/b':2}"},
        {"{'foo':null}", "[{'op':'test','path':'/foo','value':null}]", "{'foo':null}"},
        {"{'baz':'qux'}", "[{'op':'test','path':'/baz','value':'bar'}]", NULL},
        {"{'foo':'bar'}", "[{'op':'add','path':'/baz/bat','value':'qux'}]", NULL},
        {"{'foo':'bar'}", "[{'op':'remove','path':'/baz'}]", NULL},
        {"{'foo':'bar'}", "[{'op':'replace','path':'/baz','value':1}]", NULL},
        {"{'foo':['a']}", "[{'op':'add','path':'/foo/2','value':1}]", NULL},
        {"{'foo':['a']}", "[{'op':'add','path':'/foo/01','value':1}]", NULL},
        {"{'foo':['a']}", "[{'op':'bogus','path':'/foo'}]", NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) expect_json(CASES[i][0], CASES[i][1], CASES[i][2]);
}

static void expect_strategic(const char *target, const char *patch, const char *result) {
    struct dev_kinds kinds;
    dev_kinds_init(&kinds);
    cJSON *t = tree(target), *p = tree(patch);
    dev_patch_strategic(dev_kinds_by_name(&kinds, "apps/v1", "Deployment"), t, p);
    assert_tree(t, result);
    cJSON_Delete(t);
    cJSON_Delete(p);
    dev_kinds_free(&kinds);
}

static void strategic_patch_merges_keyed_lists(void **state) {
    (void)state;
    expect_strategic(
        "{'containers':[{'name':'a','image':'x','env':[{'name':'E','value':'1'}]},{'name':'b'}]}",
        "{'containers':[{'name':'a','image':'y','env':[{'name':'F','value':'2'}]},{'name':'c'}]}",
        "{'containers':[{'name':'a','image':'y','env':[{'name':'E','value':'1'},{'name':'F','value':'2'}]},{'name':'b'},{'name':'c'}]}");
    expect_strategic("{'containers':[{'name':'a','args':['x','y']}]}", "{'containers':[{'name':'a','args':['z']}]}",
                     "{'containers':[{'name':'a','args':['z']}]}");
}

static void strategic_patch_obeys_directives(void **state) {
    (void)state;
    expect_strategic("{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'name':'a','$patch':'delete'}]}",
                     "{'containers':[{'name':'b'}]}");
    expect_strategic("{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'$patch':'replace'},{'name':'c'}]}",
                     "{'containers':[{'name':'c'}]}");
    expect_strategic("{'strategy':{'type':'RollingUpdate','rollingUpdate':{}}}", "{'strategy':{'$patch':'replace','type':'Recreate'}}",
                     "{'strategy':{'type':'Recreate'}}");
    expect_strategic("{'a':{'b':1},'c':2}", "{'a':{'$patch':'delete'},'c':null}", "{}");
    expect_strategic("{'finalizers':['x','y']}", "{'$deleteFromPrimitiveList/finalizers':['x'],'finalizers':['z']}",
                     "{'finalizers':['y','z']}");
    expect_strategic("{'containers':[{'name':'a'}]}",
                     "{'$setElementOrder/containers':[{'name':'a'}],'containers':[{'name':'a','image':'i'}]}",
                     "{'containers':[{'name':'a','image':'i'}]}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_patch_follows_the_rfc),
        cmocka_unit_test(json_patch_follows_the_rfc),
        cmocka_unit_test(strategic_patch_merges_keyed_lists),
        cmocka_unit_test(strategic_patch_obeys_directives),
    };
    return cmocka_run_group_tests(tests, init_trees, NULL);
}
