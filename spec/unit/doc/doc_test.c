#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "doc/builder.h"
#include "doc/json.h"
#include "doc/key.h"

static struct doc_builder *b;

static int setup(void **state) {
    (void)state;
    b = doc_builder_new();
    return b ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    doc_builder_free(b);
    return 0;
}

static struct doc *decode(const char *text) {
    struct err err;
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    if (!doc) fail_msg("%s: %s", text, err.msg);
    return doc;
}

static void assert_fails(enum err_code code) {
    struct err err = {0};
    assert_null(doc_builder_finish(b, &err));
    assert_int_equal(err.code, code);
    assert_true(err.msg[0]);
    doc_put_int(b, 1); /* the builder is usable again */
    struct doc *doc = doc_builder_finish(b, &err);
    assert_int_equal(doc_int(doc_root(doc)), 1);
    doc_unref(doc);
}

static void test_every_kind_of_value_comes_back(void **state) {
    (void)state;
    static const int64_t integers[] = {0, -1, 134217727, 134217728, -134217728, -134217729, INT64_MAX, INT64_MIN};
    static char text[70000];
    const size_t lengths[] = {0, 1, 255, 256, 65536, sizeof text};
    doc_begin_array(b);
    for (size_t i = 0; i < 8; i++) doc_put_int(b, integers[i]);
    for (size_t i = 0; i < 6; i++) doc_put_str(b, (struct str){text, lengths[i]});
    doc_put_double(b, -0.1);
    doc_put_bool(b, true);
    doc_null(b);
    doc_put_atom(b, STR("Running"));
    doc_end_array(b);
    struct err err;
    struct doc *doc = doc_builder_finish(b, &err);
    struct doc_value root = doc_root(doc);
    assert_int_equal(doc_len(root), 18);
    for (size_t i = 0; i < 8; i++) assert_true(doc_type(doc_at(root, i)) == DOC_INT && doc_int(doc_at(root, i)) == integers[i]);
    for (size_t i = 0; i < 6; i++) {
        struct str s = doc_str(doc_at(root, 8 + i));
        assert_int_equal(s.n, lengths[i]);
        assert_int_equal(s.p[s.n], 0);
    }
    assert_true(doc_double(doc_at(root, 14)) == -0.1);
    assert_true(doc_bool(doc_at(root, 15)));
    assert_int_equal(doc_type(doc_at(root, 16)), DOC_NULL);
    assert_true(str_is(doc_str(doc_at(root, 17)), "Running"));
    assert_int_equal(doc_type(doc_at(root, 18)), DOC_ABSENT);
    doc_unref(doc);
}

static void test_fields_are_found_by_name_id_and_path(void **state) {
    (void)state;
    struct doc *doc = decode("{\"metadata\":{\"name\":\"web\",\"labels\":{}},\"n\":1}");
    struct doc_value root = doc_root(doc);
    assert_true(str_is(doc_path_str(root, "metadata.name"), "web"));
    assert_int_equal(doc_int(doc_get_id(root, key_intern(STR("n")))), 1);
    assert_int_equal(doc_type(doc_path(root, "metadata.labels")), DOC_OBJECT);
    assert_int_equal(doc_type(doc_path(root, "metadata.name.x")), DOC_ABSENT);
    assert_int_equal(doc_type(doc_get(root, STR("a name that no document had"))), DOC_ABSENT);
    assert_int_equal(doc_path_str(root, "n").n, 0);
    struct str key;
    uint32_t id;
    assert_int_equal(doc_int(doc_pair(root, 1, &key, &id)), 1);
    assert_true(str_is(key, "n") && id == key_find(STR("n")));
    doc_unref(doc);
}

static void test_questions_about_nothing_are_quiet(void **state) {
    (void)state;
    struct doc_value nothing = doc_root(NULL);
    struct str key;
    assert_int_equal(doc_type(nothing), DOC_ABSENT);
    assert_true(!doc_bool(nothing) && doc_int(nothing) == 0 && doc_double(nothing) == 0 && doc_len(nothing) == 0);
    assert_int_equal(doc_type(doc_at(nothing, 0)), DOC_ABSENT);
    assert_int_equal(doc_type(doc_pair(nothing, 0, &key, NULL)), DOC_ABSENT);
    assert_null(doc_str(doc_path(nothing, "a.b")).p);
    doc_unref(NULL);
    assert_string_equal(doc_type_name(DOC_STRING), "string");
}

static void test_a_document_can_be_moved_as_bytes(void **state) {
    (void)state;
    struct doc *doc = decode("{\"a\":[1,2.5,\"text\",{\"b\":[]}],\"c\":12345678901}");
    struct doc *moved = malloc(doc_size_bytes(doc));
    assert_non_null(moved);
    memcpy(moved, doc, doc_size_bytes(doc));
    assert_true(doc_equal(doc_root(doc), doc_root(moved)));
    assert_true(str_is(doc_str(doc_at(doc_path(doc_root(moved), "a"), 2)), "text"));
    doc_unref(doc);
    doc_unref(moved);
}

static void test_equality_is_by_content(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1.0}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false},
        {"{\"a\":null}", "{\"b\":null}", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,1]", false},
        {"9007199254740993", "9007199254740992.0", false},
        {"9007199254740992", "9007199254740992.0", true},
        {"9223372036854775807", "9223372036854775808", false},
        {"1", "true", false},
        {"0", "null", false},
        {"\"1\"", "1", false},
        {"[]", "{}", false},
        {"1e300", "1e300", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct doc *x = decode(cases[i].a), *y = decode(cases[i].b);
        bool one = doc_equal(doc_root(x), doc_root(y)), other = doc_equal(doc_root(y), doc_root(x));
        if (one != cases[i].equal || other != cases[i].equal) fail_msg("%s and %s", cases[i].a, cases[i].b);
        doc_unref(x);
        doc_unref(y);
    }
}

static void test_same_object_looks_past_the_resource_version_alone(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"},\"s\":1}",
         "{\"s\":1,\"metadata\":{\"resourceVersion\":\"2\",\"name\":\"a\"}}", true},
        {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}", "{\"metadata\":{\"name\":\"a\"}}", true},
        {"{\"metadata\":{\"name\":\"a\"}}", "{\"metadata\":{\"name\":\"b\"}}", false},
        {"{\"metadata\":{\"name\":\"a\"}}", "{\"metadata\":{\"name\":\"a\",\"x\":1}}", false},
        {"{\"metadata\":{\"name\":\"a\"}}", "{}", false},
        {"{\"resourceVersion\":\"1\"}", "{\"resourceVersion\":\"2\"}", false},
        {"{\"metadata\":{},\"s\":{\"resourceVersion\":\"1\"}}", "{\"metadata\":{},\"s\":{\"resourceVersion\":\"2\"}}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct doc *x = decode(cases[i].a), *y = decode(cases[i].b);
        if (doc_same_object(x, y) != cases[i].same || doc_same_object(y, x) != cases[i].same) fail_msg("%s and %s", cases[i].a, cases[i].b);
        doc_unref(x);
        doc_unref(y);
    }
}

static void test_unbalanced_builds_are_refused(void **state) {
    (void)state;
    assert_fails(ERR_INVALID); /* nothing */
    doc_begin_object(b);
    assert_fails(ERR_INVALID);
    doc_begin_object(b);
    doc_put_int(b, 1);
    assert_fails(ERR_INVALID);
    doc_begin_object(b);
    doc_key(b, STR("a"));
    doc_end_object(b);
    assert_fails(ERR_INVALID);
    doc_begin_array(b);
    doc_end_object(b);
    assert_fails(ERR_INVALID);
    doc_begin_array(b);
    doc_key(b, STR("a"));
    assert_fails(ERR_INVALID);
    doc_end_array(b);
    assert_fails(ERR_INVALID);
    doc_put_int(b, 1);
    doc_begin_array(b);
    assert_fails(ERR_INVALID);
    doc_put_int(b, 1);
    doc_put_int(b, 1);
    assert_fails(ERR_INVALID);
}

static void test_the_first_error_sticks(void **state) {
    (void)state;
    struct err err;
    doc_builder_fail(b, ERR_SYNTAX, "first %d", 1);
    doc_builder_fail(b, ERR_IO, "second");
    doc_end_array(b);
    assert_true(doc_builder_failed(b));
    assert_null(doc_builder_finish(b, &err));
    assert_int_equal(err.code, ERR_SYNTAX);
    assert_string_equal(err.msg, "first 1");
    assert_false(doc_builder_failed(b));
}

static void test_depth_and_size_are_bounded(void **state) {
    (void)state;
    for (int i = 0; i < DOC_MAX_DEPTH; i++) doc_begin_array(b);
    for (int i = 0; i < DOC_MAX_DEPTH; i++) doc_end_array(b);
    struct err err;
    struct doc *doc = doc_builder_finish(b, &err);
    assert_non_null(doc);
    doc_unref(doc);
    for (int i = 0; i <= DOC_MAX_DEPTH; i++) doc_begin_array(b);
    assert_fails(ERR_LIMIT);
    doc_begin_array(b);
    for (int i = 0; i < DOC_MAX_BYTES / 4; i++) doc_put_int(b, i % 100);
    doc_end_array(b);
    assert_fails(ERR_LIMIT);
    char *text = calloc(1, DOC_MAX_BYTES);
    doc_put_str(b, (struct str){text, DOC_MAX_BYTES});
    assert_fails(ERR_LIMIT);
    doc_put_str(b, (struct str){text, DOC_MAX_BYTES - 100});
    doc = doc_builder_finish(b, &err);
    assert_int_equal(doc_str(doc_root(doc)).n, DOC_MAX_BYTES - 100);
    doc_unref(doc);
    free(text);
}

static void put_names(int count, int repeat) {
    doc_begin_object(b);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i == count - 1 && repeat >= 0 ? repeat : i);
        doc_pair_int(b, name, i);
    }
    doc_end_object(b);
}

static void test_duplicate_names_are_refused_at_any_size(void **state) {
    (void)state;
    static const int sizes[] = {2, 5, 31, 32, 33, 34, 70, 500, 20000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct err err;
        put_names(sizes[i], -1);
        struct doc *doc = doc_builder_finish(b, &err);
        if (!doc) fail_msg("%d: %s", sizes[i], err.msg);
        assert_int_equal(doc_len(doc_root(doc)), sizes[i]);
        doc_unref(doc);
        put_names(sizes[i], sizes[i] / 3);
        assert_null(doc_builder_finish(b, &err));
        assert_int_equal(err.code, ERR_INVALID);
        char name[16];
        snprintf(name, sizeof name, "\"n%d\"", sizes[i] / 3);
        assert_non_null(strstr(err.msg, name));
    }
}

static void test_deep_copies_are_equal(void **state) {
    (void)state;
    struct doc *doc = decode("{\"a\":[1,2.5,\"text\",{\"b\":[],\"c\":null}],\"d\":12345678901,\"e\":true}");
    doc_begin_array(b);
    doc_put_value(b, doc_root(doc));
    doc_put_value(b, DOC_NO_VALUE);
    doc_end_array(b);
    struct err err;
    struct doc *copy = doc_builder_finish(b, &err);
    assert_true(doc_equal(doc_at(doc_root(copy), 0), doc_root(doc)));
    assert_int_equal(doc_type(doc_at(doc_root(copy), 1)), DOC_NULL);
    doc_unref(doc);
    doc_unref(copy);
}

/* Last, as it fills the process-wide table: from here on new names stay inside their documents. */
/* {"n<from>": 0, "n<from+1>": 1, ...} */
static struct doc *doc_of_names(int from, int count) {
    doc_begin_object(b);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", from + i);
        doc_pair_int(b, name, i);
    }
    doc_end_object(b);
    struct err err;
    struct doc *doc = doc_builder_finish(b, &err);
    assert_non_null(doc);
    return doc;
}

static void assert_names(const struct doc *doc, int from, int count) {
    assert_int_equal(doc_len(doc_root(doc)), count);
    for (int i = 0; i < count; i++) {
        char name[16];
        struct str key;
        uint32_t id;
        snprintf(name, sizeof name, "n%d", from + i);
        assert_int_equal(doc_int(doc_get(doc_root(doc), str_of(name))), i);
        assert_int_equal(doc_int(doc_pair(doc_root(doc), (size_t)i, &key, &id)), i);
        assert_true(str_is(key, name) && id == key_find(key));
        assert_int_equal(doc_int(doc_at(doc_root(doc), (size_t)i)), i);
    }
    assert_false(doc_get(doc_root(doc), STR("other")).doc);
}

static void test_documents_share_the_names_of_their_objects(void **state) {
    (void)state;
    struct doc *small = doc_of_names(0, 8), *large = doc_of_names(0, 80);
    /* A head of 16 bytes, the shared empty block, then a count or shape and for each field a value, or a name and a value. */
    assert_int_equal(doc_size_bytes(small), 16 + 4 + 4 + 8 * 4);
    assert_int_equal(doc_size_bytes(large), 16 + 4 + 4 + 80 * 8);
    assert_names(small, 0, 8);
    assert_names(large, 0, 80);
    doc_unref(small);
    doc_unref(large);
}

/* Whoever invents names without end uses up the table of their sequences, and nothing else. */
static void test_a_full_shape_table_changes_nothing_but_size(void **state) {
    (void)state;
    enum { SEQUENCES = 20000, NAMES = 3 };
    struct doc *early = doc_of_names(0, NAMES);
    size_t last_bytes = 0;
    for (int i = 1; i <= SEQUENCES; i++) {
        struct doc *doc = doc_of_names(i, NAMES);
        assert_names(doc, i, NAMES);
        last_bytes = doc_size_bytes(doc);
        doc_unref(doc);
    }
    assert_true(last_bytes > doc_size_bytes(early));
    assert_names(early, 0, NAMES);
    doc_unref(early);
}

static void test_a_full_key_table_changes_nothing_but_size(void **state) {
    (void)state;
    char name[32];
    for (int i = 0; i < 70000; i++) {
        snprintf(name, sizeof name, "filler-%d", i);
        key_intern(str_of(name));
    }
    assert_int_equal(key_intern(STR("one too many")), KEY_NONE);
    assert_int_equal(key_find(STR("one too many")), KEY_NONE);
    assert_true(str_is(key_text(key_find(STR("filler-5"))), "filler-5"));
    struct doc *x = decode("{\"one too many\":1,\"filler-5\":{\"two too many\":\"x\"}}");
    struct doc *y = decode("{\"filler-5\":{\"two too many\":\"x\"},\"one too many\":1}");
    assert_true(doc_equal(doc_root(x), doc_root(y)));
    assert_int_equal(doc_int(doc_get(doc_root(x), STR("one too many"))), 1);
    assert_true(str_is(doc_path_str(doc_root(x), "filler-5.two too many"), "x"));
    uint32_t id = 1;
    struct str key;
    doc_pair(doc_root(x), 0, &key, &id);
    assert_true(id == KEY_NONE && str_is(key, "one too many"));
    doc_unref(x);
    doc_unref(y);
    doc_put_atom(b, STR("an atom too many"));
    struct err err;
    x = doc_builder_finish(b, &err);
    assert_true(str_is(doc_str(doc_root(x)), "an atom too many"));
    doc_unref(x);
    doc_begin_object(b);
    doc_pair_int(b, "twice", 1);
    doc_pair_int(b, "filler-6", 2);
    doc_pair_int(b, "twice", 3);
    doc_end_object(b);
    assert_fails(ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_value_comes_back),
        cmocka_unit_test(test_fields_are_found_by_name_id_and_path),
        cmocka_unit_test(test_questions_about_nothing_are_quiet),
        cmocka_unit_test(test_a_document_can_be_moved_as_bytes),
        cmocka_unit_test(test_equality_is_by_content),
        cmocka_unit_test(test_same_object_looks_past_the_resource_version_alone),
        cmocka_unit_test(test_unbalanced_builds_are_refused),
        cmocka_unit_test(test_the_first_error_sticks),
        cmocka_unit_test(test_depth_and_size_are_bounded),
        cmocka_unit_test(test_duplicate_names_are_refused_at_any_size),
        cmocka_unit_test(test_deep_copies_are_equal),
        cmocka_unit_test(test_documents_share_the_names_of_their_objects),
        cmocka_unit_test(test_a_full_shape_table_changes_nothing_but_size),
        cmocka_unit_test(test_a_full_key_table_changes_nothing_but_size),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
