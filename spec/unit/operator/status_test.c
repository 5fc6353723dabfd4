/* Conditions of a status: when their time of transition moves, and what survives a restart. */
#include "document.h"

#include "base/clock.h"
#include "operator/status.h"
#include "support/alloc_fault.h"

static const char CR[] =
    "{\"apiVersion\":\"core.k8sgpt.ai/v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"namespace\":\"ns\",\"name\":\"k\","
    "\"generation\":7,\"labels\":{\"a\":\"b\"}},\"spec\":{},\"status\":%s}";

static void at(const char *time) {
    int64_t ms;
    assert_true(clock_parse(str_of(time), &ms));
    clock_fix_wall(ms);
}

static void put(struct status *s, const char *value, const char *message) {
    struct err err;
    assert_int_equal(status_condition(s, STR("Ready"), str_of(value), STR("Because"), str_of(message), &err), 0);
}

static struct doc *written(const struct status *s, const struct doc *cr) {
    struct err err;
    struct doc *doc = status_document(s, cr, &err);
    assert_non_null(doc);
    return doc;
}

static void assert_since(const struct status *s, const struct doc *cr, const char *since) {
    struct doc *doc = written(s, cr);
    assert_str(doc_path_str(doc_at(doc_path(doc_root(doc), "status.conditions"), 0), "lastTransitionTime"), since);
    doc_unref(doc);
}

static void time_moves_with_the_value_alone(void **state) {
    (void)state;
    struct doc *cr = document(CR, "{}");
    struct status *s = status_new(cr);
    at("2026-03-01T10:00:00Z");
    put(s, "False", "starting");
    at("2026-03-01T10:01:00Z");
    put(s, "False", "still starting");
    assert_since(s, cr, "2026-03-01T10:00:00Z");
    put(s, "True", "ready");
    assert_since(s, cr, "2026-03-01T10:01:00Z");
    at("2026-03-01T10:02:00Z");
    put(s, "True", "ready with 3 problems");
    assert_since(s, cr, "2026-03-01T10:01:00Z");
    status_free(s);
    doc_unref(cr);
}

static void it_is_blank_until_somebody_says_something(void **state) {
    (void)state;
    struct doc *cr = document(CR, "{}"), *told = document(CR, "{\"upstream\":\"kept\"}");
    struct status *s = status_new(cr), *other = status_new(told);
    assert_true(status_is_blank(s));
    assert_false(status_is_blank(other));
    put(s, "True", "ready");
    assert_false(status_is_blank(s));
    status_free(s);
    status_free(other);
    doc_unref(cr);
    doc_unref(told);
}

static void a_restart_goes_on_with_what_the_resource_says(void **state) {
    (void)state;
    struct doc *cr = document(CR, "{\"problems\":{\"high\":2},\"upstream\":\"kept\",\"conditions\":["
                                  "{\"type\":\"Other\",\"status\":\"True\",\"reason\":\"R\",\"message\":\"m\",\"lastTransitionTime\":"
                                  "\"2026-01-01T00:00:00Z\",\"observedGeneration\":1},"
                                  "{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"R\",\"message\":\"m\",\"lastTransitionTime\":"
                                  "\"2026-02-02T00:00:00Z\",\"observedGeneration\":1}]}");
    at("2026-03-01T10:00:00Z");
    struct status *s = status_new(cr);
    put(s, "True", "after the restart");
    struct doc *doc = written(s, cr);
    assert_document(doc_root(doc), "{\"apiVersion\":\"core.k8sgpt.ai/v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"name\":\"k\","
                                   "\"namespace\":\"ns\"},\"status\":{\"problems\":{\"high\":2},\"upstream\":\"kept\",\"conditions\":["
                                   "{\"type\":\"Other\",\"status\":\"True\",\"reason\":\"R\",\"message\":\"m\",\"lastTransitionTime\":"
                                   "\"2026-01-01T00:00:00Z\",\"observedGeneration\":7},{\"type\":\"Ready\",\"status\":\"True\",\"reason\":"
                                   "\"Because\",\"message\":\"after the restart\",\"lastTransitionTime\":\"2026-02-02T00:00:00Z\","
                                   "\"observedGeneration\":7}]}}");
    doc_unref(doc);
    status_free(s);
    doc_unref(cr);
}

static void fields_replace_those_of_their_name(void **state) {
    (void)state;
    struct doc *cr = document(CR, "{\"problems\":{\"high\":2}}"), *fields = document("{\"problems\":{\"low\":1},\"analyzers\":[]}");
    struct err err;
    struct status *s = status_new(cr);
    assert_int_equal(status_fields(s, doc_root(fields), &err), 0);
    struct doc *doc = written(s, cr);
    assert_document(doc_path(doc_root(doc), "status"), "{\"problems\":{\"low\":1},\"analyzers\":[],\"conditions\":[]}");
    doc_unref(doc);
    status_free(s);
    doc_unref(fields);
    doc_unref(cr);
}

/* A condition that changed has its time, also when memory ran out half-way and the step was run again. */
static void a_failed_allocation_loses_no_time(void **state) {
    (void)state;
    struct doc *cr = document(CR, "{}");
    for (int after = 0, failed = 1; failed; after++) {
        struct err err;
        struct status *s = status_new(cr);
        at("2026-03-01T10:00:00Z");
        alloc_fault_after(after);
        int rc = status_condition(s, STR("Ready"), STR("True"), STR("Because"), STR("a message"), &err);
        failed = alloc_fault_end();
        assert_int_equal(rc, failed ? ERR_NOMEM : 0);
        put(s, "True", "again");
        assert_since(s, cr, "2026-03-01T10:00:00Z");
        status_free(s);
    }
    doc_unref(cr);
}

static void nothing_leaks_without_memory(void **state) {
    (void)state;
    struct doc *cr = document(CR, "{\"problems\":{\"high\":2},\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}");
    struct doc *fields = document("{\"one\":1,\"two\":[2]}");
    for (int after = 0, failed = 1; failed; after++) {
        struct err err;
        struct doc *doc = NULL;
        alloc_fault_after(after);
        struct status *s = status_new(cr);
        if (s && !status_fields(s, doc_root(fields), &err)) doc = status_document(s, cr, &err);
        failed = alloc_fault_end();
        assert_true(doc || failed); /* a document does without what it would share with others */
        doc_unref(doc);
        status_free(s);
    }
    doc_unref(fields);
    doc_unref(cr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_moves_with_the_value_alone),
        cmocka_unit_test(it_is_blank_until_somebody_says_something),
        cmocka_unit_test(a_restart_goes_on_with_what_the_resource_says),
        cmocka_unit_test(fields_replace_those_of_their_name),
        cmocka_unit_test(a_failed_allocation_loses_no_time),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
