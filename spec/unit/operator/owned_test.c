/* Whether an object is as we applied it, by the server's books. */
#include "document.h"

#include "operator/owned.h"

#define WANTED                                                                                                                             \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"main\",\"namespace\":\"ops\",\"labels\":{\"a\":\"1\"},"  \
    "\"annotations\":{\"k8sgpt.ai/applied\":\"m\"}},\"spec\":{\"replicas\":1,\"empty\":{},\"none\":null,\"template\":{\"spec\":{"          \
    "\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}],\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",\"args\":[\"serve\"],"               \
    "\"ports\":[{\"containerPort\":8080}]}],\"hosts\":[\"x\"]}}}}"

#define CONTAINER                                                                                                                          \
    "\".\":{},\"f:name\":{},\"f:image\":{},\"f:args\":{},\"f:ports\":{\"k:{\\\"containerPort\\\":8080,\\\"protocol\\\":\\\"TCP\\\"}\":"    \
    "{\".\":{},\"f:containerPort\":{}}}"

#define FIELDS(labels, spec, container)                                                                                                    \
    "{\"f:metadata\":{\"f:labels\":{" labels "},\"f:annotations\":{\"f:k8sgpt.ai/applied\":{}}},\"f:spec\":{" spec                         \
    "\"f:template\":{\"f:spec\":{\"f:volumes\":{\"k:{\\\"name\\\":\\\"v\\\"}\":{\"f:name\":{},\"f:emptyDir\":{}}},\"f:hosts\":"            \
    "{\"v:\\\"x\\\"\":{}},\"f:containers\":{\"k:{\\\"name\\\":\\\"b\\\"}\":{},\"k:{\\\"name\\\":\\\"c\\\"}\":{" container "}}}}}}"

#define METADATA "\"f:metadata\":{\"f:labels\":{\"f:a\":{}},\"f:annotations\":{\"f:k8sgpt.ai/applied\":{}}},"

#define ALL FIELDS("\"f:a\":{}", "\"f:replicas\":{},", CONTAINER)

static struct doc *live(const char *manager, const char *operation, const char *more, const char *fields) {
    return document("{\"metadata\":{\"annotations\":{\"k8sgpt.ai/applied\":\"m\"},\"managedFields\":[{\"manager\":\"other\",\"operation\":"
                    "\"Apply\",\"fieldsV1\":{}},{\"manager\":\"%s\",\"operation\":\"%s\",%s\"fieldsV1\":%s}]}}",
                    manager, operation, more, fields);
}

static bool is_whole(struct doc *have) {
    struct doc *wanted = document("%s", WANTED);
    bool whole = owned_is_whole(doc_root(wanted), doc_root(have));
    doc_unref(wanted);
    doc_unref(have);
    return whole;
}

static bool is_whole_by(const char *fields) { return is_whole(live("k8sgpt-operator", "Apply", "", fields)); }

static void every_field_that_is_wanted_has_to_be_ours(void **state) {
    (void)state;
    assert_true(is_whole_by(ALL));
    assert_false(is_whole_by(FIELDS("\"f:b\":{}", "\"f:replicas\":{},", CONTAINER)));
    assert_false(is_whole_by(FIELDS("\"f:a\":{}", "", CONTAINER)));
    assert_false(is_whole_by(FIELDS("\"f:a\":{}", "\"f:replicas\":{},", "\".\":{},\"f:name\":{},\"f:args\":{},\"f:ports\":{}")));
}

static void a_path_that_ends_is_owned_with_all_below(void **state) {
    (void)state;
    assert_true(is_whole_by("{" METADATA "\"f:spec\":{}}"));
    assert_false(is_whole_by("{" METADATA "\"f:status\":{}}"));
}

static void only_what_we_applied_counts(void **state) {
    (void)state;
    assert_false(is_whole(live("somebody", "Apply", "", ALL)));
    assert_false(is_whole(live("k8sgpt-operator", "Update", "", ALL)));
    assert_false(is_whole(live("k8sgpt-operator", "Apply", "\"subresource\":\"status\",", ALL)));
    assert_true(is_whole(live("k8sgpt-operator", "Apply", "", ALL)));
}

static void items_are_found_by_key_and_by_value(void **state) {
    (void)state;
    assert_false(is_whole_by("{" METADATA "\"f:spec\":{\"f:replicas\":{},\"f:template\":{\"f:spec\":{\"f:volumes\":{},\"f:hosts\":"
                             "{\"v:\\\"y\\\"\":{}},\"f:containers\":{}}}}}"));
    assert_false(is_whole_by("{" METADATA "\"f:spec\":{\"f:replicas\":{},\"f:template\":{\"f:spec\":{\"f:volumes\":"
                             "{\"k:{\\\"name\\\":\\\"w\\\"}\":{}},\"f:hosts\":{},\"f:containers\":{}}}}}"));
    assert_false(is_whole_by("{" METADATA "\"f:spec\":{\"f:replicas\":{},\"f:template\":{\"f:spec\":{\"f:volumes\":{\"k:not json\":{}},"
                             "\"f:hosts\":{},\"f:containers\":{}}}}}"));
}

static void the_mark_tells_one_wish_from_another(void **state) {
    (void)state;
    struct doc *wanted = document("%s", WANTED), *same = live("k8sgpt-operator", "Apply", "", "{}");
    struct doc *other = document("{\"metadata\":{\"annotations\":{\"k8sgpt.ai/applied\":\"n\"}}}"), *none = document("{\"metadata\":{}}");
    assert_true(owned_is_marked(doc_root(wanted), doc_root(same)));
    assert_false(owned_is_marked(doc_root(wanted), doc_root(other)));
    assert_false(owned_is_marked(doc_root(wanted), doc_root(none)));
    assert_false(owned_is_marked(doc_root(none), doc_root(none)));
    doc_unref(wanted);
    doc_unref(same);
    doc_unref(other);
    doc_unref(none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_that_is_wanted_has_to_be_ours),
        cmocka_unit_test(a_path_that_ends_is_owned_with_all_below),
        cmocka_unit_test(only_what_we_applied_counts),
        cmocka_unit_test(items_are_found_by_key_and_by_value),
        cmocka_unit_test(the_mark_tells_one_wish_from_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
