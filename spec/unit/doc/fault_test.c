#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/alloc_fault.h"

#include <string.h>

#include "doc/json.h"
#include "doc/stream.h"
#include "doc/yaml.h"

/* Runs a job again and again, each time with a later allocation failing, until none fails: each run ends well or says why it did not. */
static void fail_each_allocation(int (*job)(struct err *err), int at_least) {
    int failures = 0;
    bool hit = true;
    for (long n = 0; hit; n++) {
        struct err err = {0};
        alloc_fault_after(n);
        int rc = job(&err);
        hit = alloc_fault_end();
        if (rc && (!hit || rc != ERR_NOMEM || err.code != ERR_NOMEM || !err.msg[0])) fail_msg("after %ld: %d %s", n, rc, err.msg);
        failures += rc != 0;
    }
    if (failures < at_least) fail_msg("only %d failures", failures);
}

static int no_memory(struct err *err) { return err_set(err, ERR_NOMEM, "no memory"); }

/* First, while the key table is still empty: what could not be interned stays in the document, and both kinds compare. */
static int decode_job(struct err *err) {
    static int run;
    char text[300];
    run++;
    int n = snprintf(text, sizeof text, "{\"new-%d\":[1,2.5,\"%0100d\\n\"],\"b\":{\"new-%d\":null},\"c\":12345678901}", run, run, run);
    struct doc_builder *b = doc_builder_new();
    if (!b) return no_memory(err);
    struct doc *doc = json_decode(b, (struct str){text, (size_t)n}, NULL, err);
    if (doc) {
        struct err second;
        alloc_fault_end();
        struct doc *again = json_decode(b, (struct str){text, (size_t)n}, NULL, &second);
        assert_true(doc_equal(doc_root(doc), doc_root(again)));
        alloc_fault_hit = alloc_fault_hit || run < 3;
        doc_unref(again);
    }
    doc_unref(doc);
    doc_builder_free(b);
    return doc ? 0 : (int)err->code;
}

static void test_decoding(void **state) {
    (void)state;
    fail_each_allocation(decode_job, 3);
}

/* Large enough that every part of the builder grows several times. */
static int build_job(struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) return no_memory(err);
    doc_begin_array(b);
    doc_begin_object(b);
    for (int i = 0; i < 2000; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        doc_pair_str(b, name, str_of(name));
    }
    doc_end_object(b);
    doc_end_array(b);
    struct doc *doc = doc_builder_finish(b, err);
    if (doc) assert_int_equal(doc_len(doc_at(doc_root(doc), 0)), 2000);
    doc_unref(doc);
    doc_put_bool(b, true);
    struct err second;
    struct doc *usable = doc_builder_finish(b, &second);
    assert_true(usable || alloc_fault_hit);
    doc_unref(usable);
    doc_builder_free(b);
    return doc ? 0 : (int)err->code;
}

static void test_building(void **state) {
    (void)state;
    fail_each_allocation(build_job, 8);
}

static int projection_job(struct err *err) {
    struct projection *a = projection_new(), *b = projection_object(), *both = NULL;
    int rc = a && b ? 0 : no_memory(err);
    if (!rc) rc = projection_add(a, STR("spec.volumes[].configMap.name"), err);
    if (!rc) rc = projection_add(a, STR("metadata.annotations[\"a.b/c\"]"), err);
    if (!rc && !(both = projection_union(a, b))) rc = no_memory(err);
    if (!rc) assert_true(projection_covers(both, a) && projection_covers(both, b));
    projection_unref(a);
    projection_unref(b);
    projection_unref(both);
    return rc;
}

static void test_projections(void **state) {
    (void)state;
    fail_each_allocation(projection_job, 15);
}

static int count(struct doc *doc, void *arg, struct err *err) {
    (void)doc;
    (void)err;
    ++*(int *)arg;
    return 0;
}

static int count_event(enum watch_type type, struct doc *doc, void *arg, struct err *err) {
    (void)type;
    return count(doc, arg, err);
}

static int list_job(struct err *err) {
    int items = 0;
    struct str text = STR("{\"kind\":\"PodList\",\"items\":[{\"a\":[1,2,3]},{\"b\":\"text\\n\"}],\"metadata\":{\"continue\":\"x\"}}");
    struct list_reader *r = list_reader_new(STR("v1"), STR("Pod"), NULL, count, &items);
    if (!r) return no_memory(err);
    int rc = 0;
    for (size_t i = 0; !rc && i < text.n; i += 7) rc = list_reader_feed(r, (struct str){text.p + i, text.n - i < 7 ? text.n - i : 7}, err);
    if (!rc) rc = list_reader_end(r, err);
    if (!rc) assert_int_equal(items, 2);
    list_reader_free(r);
    return rc;
}

static int watch_job(struct err *err) {
    int events = 0;
    struct str text = STR("{\"type\":\"ADDED\",\"object\":{\"a\":[1,2,3]}}\n{\"object\":{\"b\":\"text\\n\"},\"type\":\"ERROR\"}\n");
    struct watch_reader *r = watch_reader_new(NULL, count_event, &events);
    if (!r) return no_memory(err);
    int rc = 0;
    for (size_t i = 0; !rc && i < text.n; i += 7) rc = watch_reader_feed(r, (struct str){text.p + i, text.n - i < 7 ? text.n - i : 7}, err);
    if (!rc) assert_int_equal(events, 2);
    watch_reader_free(r);
    return rc;
}

static void test_streams(void **state) {
    (void)state;
    fail_each_allocation(list_job, 8);
    fail_each_allocation(watch_job, 5);
}

static int yaml_job(struct err *err) {
    int docs = 0;
    int rc = yaml_read(STR("a: [1, 'two', {b: c}]\n---\nd: |\n  text\n"), count, &docs, err);
    if (!rc) assert_int_equal(docs, 2);
    return rc;
}

static void test_yaml(void **state) {
    (void)state;
    fail_each_allocation(yaml_job, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoding), cmocka_unit_test(test_building), cmocka_unit_test(test_projections),
        cmocka_unit_test(test_streams),  cmocka_unit_test(test_yaml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
