/* Label and field selectors. */
#include "devcluster/selector.h"
#include "devcluster/status.h"
#include "devcluster/trees.h"

static struct dev_object *sample(void) {
    return dev_object_new(tree("{'metadata':{'name':'web-1','namespace':'shop','labels':{'app':'web','tier':'front','empty':''}},"
                               "'spec':{'nodeName':'n1','replicas':3},'status':{'phase':'Running'}}"),
                          7);
}

static bool matches(const char *labels, const char *fields) {
    struct dev_selector s;
    struct dev_object *o = sample();
    cJSON *refusal = dev_selector_parse(&s, str_of(labels), str_of(fields));
    assert_null(refusal);
    bool matches = dev_selector_matches(&s, o);
    dev_selector_free(&s);
    dev_object_unref(o);
    return matches;
}

static void labels_select_by_equality_and_sets(void **state) {
    (void)state;
    assert_true(matches("", ""));
    assert_true(matches("app=web", ""));
    assert_true(matches("app==web, tier != back", ""));
    assert_false(matches("app=web,tier=back", ""));
    assert_true(matches("nothing!=x", "")); /* absent labels are not equal */
    assert_true(matches("app in (api, web)", ""));
    assert_false(matches("app in (api)", ""));
    assert_true(matches("app notin (api)", ""));
    assert_true(matches("other notin (api)", ""));
    assert_true(matches("tier", ""));
    assert_false(matches("other", ""));
    assert_true(matches("!other", ""));
    assert_false(matches("!tier", ""));
    assert_true(matches("empty=", ""));
    assert_false(matches("index=1", ""));
}

static void fields_select_by_path(void **state) {
    (void)state;
    assert_true(matches("", "metadata.name=web-1"));
    assert_false(matches("", "metadata.name!=web-1"));
    assert_true(matches("", "metadata.namespace=shop,spec.nodeName=n1"));
    assert_true(matches("", "status.phase!=Pending,status.phase==Running"));
    assert_false(matches("", "status.phase=Pending"));
    assert_true(matches("", "spec.replicas=3"));
    assert_true(matches("", "spec.other="));
}

static void malformed_selectors_are_bad_requests(void **state) {
    (void)state;
    static const char *const LABELS[] = {"=x", "a in", "a in (b", "a b", "a=b c=d", ",", "!"};
    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++) {
        struct dev_selector s;
        cJSON *refusal = dev_selector_parse(&s, str_of(LABELS[i]), str_of(""));
        if (!refusal) fail_msg("accepted %s", LABELS[i]);
        assert_int_equal(dev_status_code(refusal), 400);
        cJSON_Delete(refusal);
        dev_selector_free(&s);
    }
    struct dev_selector s;
    cJSON *refusal = dev_selector_parse(&s, str_of(""), str_of("spec.nodeName"));
    assert_non_null(refusal);
    cJSON_Delete(refusal);
    dev_selector_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_select_by_equality_and_sets),
        cmocka_unit_test(fields_select_by_path),
        cmocka_unit_test(malformed_selectors_are_bad_requests),
    };
    return cmocka_run_group_tests(tests, init_trees, NULL);
}
