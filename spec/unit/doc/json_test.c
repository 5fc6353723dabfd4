#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "doc/json.h"
#include "doc/json_skip.h"
#include "doc/random_json.h"

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

/* ---- against cJSON ---- */

static bool same(const cJSON *c, struct doc_value v);

static bool same_children(const cJSON *c, struct doc_value v) {
    size_t i = 0;
    for (const cJSON *child = c->child; child; child = child->next, i++) {
        struct str key = {0};
        struct doc_value w = c->type == cJSON_Object ? doc_pair(v, i, &key, NULL) : doc_at(v, i);
        if (!w.doc || !same(child, w) || (child->string && !str_is(key, child->string))) return false;
    }
    return i == doc_len(v);
}

/* Whether two parsers understood the same; cJSON's numbers are doubles, its strings end at a NUL. */
static bool same(const cJSON *c, struct doc_value v) {
    enum doc_type type = doc_type(v);
    switch (c->type & 0xff) {
    case cJSON_NULL: return type == DOC_NULL;
    case cJSON_True: return type == DOC_BOOL && doc_bool(v);
    case cJSON_False: return type == DOC_BOOL && !doc_bool(v);
    case cJSON_Number: return (type == DOC_INT || type == DOC_DOUBLE) && doc_double(v) == c->valuedouble;
    case cJSON_String: return type == DOC_STRING && strcmp(doc_str(v).p, c->valuestring) == 0;
    case cJSON_Array: return type == DOC_ARRAY && same_children(c, v);
    case cJSON_Object: return type == DOC_OBJECT && same_children(c, v);
    default: return false;
    }
}

static void check_round_trip(const struct doc *doc, enum json_style style) {
    struct err err;
    struct buf text = buf_new(1 << 24);
    assert_int_equal(json_write(doc_root(doc), style, &text, &err), 0);
    struct doc *again = json_decode(b, (struct str){text.data, text.len}, NULL, &err);
    if (!again) fail_msg("%s: %s", text.data, err.msg);
    assert_true(doc_equal(doc_root(doc), doc_root(again)));
    cJSON *c = cJSON_Parse(text.data);
    if (!c || !same(c, doc_root(doc))) fail_msg("cJSON reads otherwise: %s", text.data);
    cJSON_Delete(c);
    doc_unref(again);
    buf_free(&text);
}

static void test_random_values_agree_with_cjson_both_ways(void **state) {
    (void)state;
    srand(11);
    for (int round = 0; round < 1500; round++) {
        struct err err;
        struct buf text = random_json(5);
        struct doc *doc = json_decode(b, (struct str){text.data, text.len}, NULL, &err);
        if (!doc) fail_msg("%s: %s", text.data, err.msg);
        cJSON *c = cJSON_Parse(text.data);
        if (!c || !same(c, doc_root(doc))) fail_msg("%s", text.data);
        char *theirs = cJSON_PrintUnformatted(c);
        struct doc *back = json_decode(b, str_of(theirs), NULL, &err);
        if (!back || !doc_equal(doc_root(back), doc_root(doc))) fail_msg("%s", theirs);
        check_round_trip(doc, (enum json_style)(round % 3));
        doc_unref(back);
        doc_unref(doc);
        free(theirs);
        cJSON_Delete(c);
        buf_free(&text);
    }
}

/* Whatever we accept of broken text, cJSON accepts and understands alike; what it alone accepts is what RFC 8259 forbids. */
static void test_mutated_bytes_are_never_misread(void **state) {
    (void)state;
    int accepted = 0, refused = 0;
    srand(12);
    for (int round = 0; round < 1000; round++) {
        struct buf text = random_json(3);
        for (int i = 0; i < 20; i++) {
            size_t at = random_below((unsigned)text.len);
            char was = text.data[at];
            text.data[at] = i % 2 ? (char)rand() : "{}[]\",:\\01-.eE nu\x80\xc3"[random_below(19)];
            /* A block of its own, so that the sanitizer sees a read past the end. */
            char *exact = malloc(text.len);
            memcpy(exact, text.data, text.len);
            struct err err;
            struct doc *doc = json_decode(b, (struct str){exact, text.len}, NULL, &err);
            cJSON *c = doc ? cJSON_Parse(text.data) : NULL;
            if (doc && (!c || !same(c, doc_root(doc)))) fail_msg("%s", text.data);
            *(doc ? &accepted : &refused) += 1;
            cJSON_Delete(c);
            doc_unref(doc);
            free(exact);
            text.data[at] = was;
        }
        buf_free(&text);
    }
    assert_true(accepted > 1000 && refused > 1000);
}

/* ---- what is refused, and how ---- */

static void test_refuses_what_rfc_8259_refuses(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "line 1"},
        {" ", "line 1"},
        {"{\"a\":1}\n\n x", "line 3: text after the value"},
        {"[1,]", "value expected"},
        {"{\"a\":1,}", "double quotes expected"},
        {"{a:1}", "double quotes expected"},
        {"{\"a\"}", "':' expected"},
        {"{\"a\" 1}", "':' expected"},
        {"{\"a\":1 \"b\":2}", "',' or '}' expected"},
        {"[1 2]", "',' or ']' expected"},
        {"[1}", "',' or ']' expected"},
        {"01", "leading zero"},
        {"-", "ends inside"},
        {"+1", "value expected"},
        {".5", "value expected"},
        {"1.", "ends inside"},
        {"[1.]", "behind its point"},
        {"[1e]", "exponent"},
        {"1e400", "range"},
        {"NaN", "value expected"},
        {"tru", "ends inside"},
        {"truth", "value expected"},
        {"\"\t\"", "control character"},
        {"\"\\x\"", "escape"},
        {"\"\\u12g4\"", "\\u escape"},
        {"\"\\ud800\"", "\\u escape"},
        {"\"\\ud800\\u0041\"", "\\u escape"},
        {"\"\\udc00\"", "\\u escape"},
        {"\"abc", "ends inside"},
        {"\"\xff\"", "UTF-8"},
        {"\"\xc0\xaf\"", "UTF-8"},
        {"\"\xed\xa0\x80\"", "UTF-8"},
        {"\"\xf4\x90\x80\x80\"", "UTF-8"},
        {"\"\xe2\x82\"", "UTF-8"},
        {"\"0123456789abcdef\xe2\x82 0123456789abcdef\"", "UTF-8"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "\"a\" stands twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct doc *doc = json_decode(b, str_of(cases[i].text), NULL, &err);
        if (doc || !strstr(err.msg, cases[i].message)) fail_msg("%s: %s", cases[i].text, err.msg);
    }
}

static void test_numbers_keep_their_kind(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum doc_type type;
        double value;
    } cases[] = {{"9223372036854775807", DOC_INT, 0x1p63},
                 {"-9223372036854775808", DOC_INT, -0x1p63},
                 {"9223372036854775808", DOC_DOUBLE, 0x1p63},
                 {"-9223372036854775809", DOC_DOUBLE, -0x1p63},
                 {"1.0", DOC_DOUBLE, 1},
                 {"1e2", DOC_DOUBLE, 100},
                 {"100000000000000000000", DOC_DOUBLE, 1e20},
                 {"-0", DOC_INT, 0},
                 {"0.1", DOC_DOUBLE, 0.1},
                 {"5e-324", DOC_DOUBLE, 5e-324},
                 {"1.7976931348623157e308", DOC_DOUBLE, 1.7976931348623157e308}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err;
        struct doc *doc = json_decode(b, str_of(cases[i].text), NULL, &err);
        if (doc_type(doc_root(doc)) != cases[i].type || doc_double(doc_root(doc)) != cases[i].value) fail_msg("%s", cases[i].text);
        check_round_trip(doc, JSON_COMPACT);
        doc_unref(doc);
    }
}

/* Depth counts kept and dropped parts alike. */
static void test_depth_is_bounded_in_kept_and_dropped_parts(void **state) {
    (void)state;
    struct projection *p = projection_new();
    for (int dropped = 0; dropped < 2; dropped++) {
        for (int depth = DOC_MAX_DEPTH; depth <= DOC_MAX_DEPTH + 1; depth++) {
            struct buf text = buf_new(1000);
            random_puts(&text, "{\"x\":");
            for (int i = 1; i < depth; i++) random_puts(&text, "[");
            for (int i = 1; i < depth; i++) random_puts(&text, "]");
            random_puts(&text, "}");
            struct err err;
            struct doc *doc = json_decode(b, (struct str){text.data, text.len}, dropped ? p : NULL, &err);
            assert_int_equal(doc != NULL, depth <= DOC_MAX_DEPTH);
            if (!doc) assert_int_equal(err.code, ERR_LIMIT);
            doc_unref(doc);
            buf_free(&text);
        }
    }
    projection_unref(p);
}

static void test_every_prefix_asks_for_more(void **state) {
    (void)state;
    srand(13);
    struct projection *half = projection_new();
    for (int round = 0; round < 40; round++) {
        struct buf text = random_json(4);
        const struct projection_node *node = round % 2 ? projection_root(half) : NULL;
        for (size_t n = 0; n <= text.len; n++) {
            char *exact = malloc(n + !n);
            memcpy(exact, text.data, n);
            size_t used = 0;
            enum json_step step = json_read_value(b, (struct str){exact, n}, node, &used);
            assert_int_equal(step, n < text.len ? JSON_MORE : JSON_DONE);
            if (step == JSON_DONE) assert_int_equal(used, n);
            doc_builder_reset(b);
            free(exact);
        }
        buf_free(&text);
    }
    projection_unref(half);
}

static void test_a_number_at_the_end_may_go_on(void **state) {
    (void)state;
    size_t used;
    struct projection *whole = projection_whole();
    const struct projection_node *node = projection_root(whole);
    assert_int_equal(json_read_value(b, STR("12"), node, &used), JSON_MORE);
    assert_int_equal(json_read_value(b, STR("12,"), node, &used), JSON_DONE);
    assert_int_equal(used, 2);
    doc_builder_reset(b);
    assert_int_equal(json_read_value(b, STR("[1x"), node, &used), JSON_FAILED);
    assert_true(doc_builder_failed(b));
    projection_unref(whole);
}

static void assert_written(const char *text, enum json_style style, const char *expected) {
    struct err err;
    struct buf out = buf_new(1000);
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    assert_int_equal(json_write(doc_root(doc), style, &out, &err), 0);
    assert_string_equal(out.data, expected);
    doc_unref(doc);
    buf_free(&out);
}

static void test_the_three_styles(void **state) {
    (void)state;
    const char *text = "{\"a\":[1,{\"b\":\"<&>\\u2028\\u0001\\n\\u007f\"}],\"c\":{},\"d\":[]}";
    assert_written(text, JSON_COMPACT, "{\"a\":[1,{\"b\":\"<&>\xe2\x80\xa8\\u0001\\n\x7f\"}],\"c\":{},\"d\":[]}");
    assert_written(text, JSON_GO_COMPACT, "{\"a\":[1,{\"b\":\"\\u003c\\u0026\\u003e\\u2028\\u0001\\n\x7f\"}],\"c\":{},\"d\":[]}");
    assert_written("{\"a\":[1,{}],\"b\":{\"c\":[]}}", JSON_PRETTY,
                   "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": []\n  }\n}\n");
    assert_written("[0.1,1e21,-2.5]", JSON_COMPACT, "[0.1,1e+21,-2.5]");
}

static void test_what_json_cannot_say_is_an_error_or_replaced(void **state) {
    (void)state;
    struct err err;
    struct buf out = buf_new(1000), tiny = buf_new(3);
    assert_int_equal(json_write_str(STR("a\xff\xc3\xa9\xe2\x82"), JSON_COMPACT, &out, &err), 0);
    assert_string_equal(out.data, "\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_int_equal(json_write_str(STR("abc"), JSON_COMPACT, &tiny, &err), ERR_LIMIT);
    doc_put_double(b, __builtin_inf());
    struct doc *doc = doc_builder_finish(b, &err);
    assert_int_equal(json_write(doc_root(doc), JSON_COMPACT, &out, &err), ERR_INVALID);
    doc_unref(doc);
    buf_free(&out);
    buf_free(&tiny);
}

static void test_a_value_is_whole_at_its_end(void **state) {
    (void)state;
    static const char *const WHOLE[] = {"{}", " {\"a\":[1,\"}\"]}\n", "\"x\"", "true ", "[[]]"};
    static const char *const PARTS[] = {"", " ", "{", "{\"a\":[1,\"}\"]", "{}{", "{} x", "{\"a\":\"}", "12", "[}"};
    for (size_t i = 0; i < sizeof WHOLE / sizeof *WHOLE; i++) assert_true(json_is_whole(str_of(WHOLE[i])));
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++) {
        if (json_is_whole(str_of(PARTS[i]))) fail_msg("%s", PARTS[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_values_agree_with_cjson_both_ways),
        cmocka_unit_test(test_mutated_bytes_are_never_misread),
        cmocka_unit_test(test_refuses_what_rfc_8259_refuses),
        cmocka_unit_test(test_numbers_keep_their_kind),
        cmocka_unit_test(test_depth_is_bounded_in_kept_and_dropped_parts),
        cmocka_unit_test(test_every_prefix_asks_for_more),
        cmocka_unit_test(test_a_number_at_the_end_may_go_on),
        cmocka_unit_test(test_the_three_styles),
        cmocka_unit_test(test_what_json_cannot_say_is_an_error_or_replaced),
        cmocka_unit_test(test_a_value_is_whole_at_its_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
