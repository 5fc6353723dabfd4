#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "doc/json.h"
#include "doc/random_json.h"
#include "doc/yaml.h"

static int note(struct doc *doc, void *arg, struct err *err) {
    int rc = json_write(doc_root(doc), JSON_COMPACT, arg, err);
    return rc ? rc : buf_puts(arg, ";", err);
}

static void assert_reads(const char *text, const char *expected) {
    struct err err = {0};
    struct buf seen = buf_new(100000);
    if (yaml_read(str_of(text), note, &seen, &err)) fail_msg("%s: %s", text, err.msg);
    assert_string_equal(seen.len ? seen.data : "", expected);
    buf_free(&seen);
}

static void assert_refused(const char *text, enum err_code code, const char *message) {
    struct err err = {0};
    struct buf seen = buf_new(100000);
    int rc = yaml_read(str_of(text), note, &seen, &err);
    if (rc != (int)code || !strstr(err.msg, message)) fail_msg("%s: %d %s", text, rc, err.msg);
    buf_free(&seen);
}

static void test_plain_scalars_are_read_as_kubectl_reads_them(void **state) {
    (void)state;
    assert_reads("[~, null, Null, NULL, nuLL]", "[null,null,null,null,\"nuLL\"];");
    assert_reads("a:\nb: \n", "{\"a\":null,\"b\":null};");
    assert_reads("[true, True, TRUE, yes, Yes, YES, on, On, ON, tRUE]", "[true,true,true,true,true,true,true,true,true,\"tRUE\"];");
    assert_reads("[false, no, No, NO, off, Off, OFF, oFF, y, n, Y, N]",
                 "[false,false,false,false,false,false,false,\"oFF\",\"y\",\"n\",\"Y\",\"N\"];");
    assert_reads("[0, 12, -12, +12, 0x1F, -0x1f, 0o17, 017, 0b101, 1_000, 0]", "[0,12,-12,12,31,-31,15,15,5,1000,0];");
    assert_reads("[9223372036854775807, -9223372036854775808, 9223372036854775808]",
                 "[9223372036854775807,-9223372036854775808,9.223372036854776e+18];");
    assert_reads("[1.5, -.5, 5., 1e3, 1.5E-3, 08, 1_0.5]", "[1.5,-0.5,5,1000,0.0015,8,10.5];");
    assert_reads("[0x, 0b2, 1.2.3, 10Mi, 100m, 1e, '-', +, ., 1:30, 2001-01-01, 2001-12-14T21:59:43Z]",
                 "[\"0x\",\"0b2\",\"1.2.3\",\"10Mi\",\"100m\",\"1e\",\"-\",\"+\",\".\",\"1:30\",\"2001-01-01\",\"2001-12-14T21:59:43Z\"];");
}

static void test_quoted_and_block_scalars_are_strings(void **state) {
    (void)state;
    assert_reads("[\"yes\", '12', \"\", '~']", "[\"yes\",\"12\",\"\",\"~\"];");
    assert_reads("a: |\n  12\n  x\nb: >-\n  12\n", "{\"a\":\"12\\nx\\n\",\"b\":\"12\"};");
    assert_reads("yes: 1\n12: 2\n'<<': 3\n", "{\"yes\":1,\"12\":2,\"<<\":3};");
}

static void test_core_tags_are_obeyed(void **state) {
    (void)state;
    assert_reads("[!!str 12, ! 12, !!int \"12\", !!float 1, !!bool yes, !!null ~]", "[\"12\",\"12\",12,1,true,null];");
    assert_reads("a: !!map {b: !!seq [1]}", "{\"a\":{\"b\":[1]}};");
    assert_refused("a: 1\nb: !!int x", ERR_INVALID, "line 2: ");
    assert_refused("a: !!binary aGk=", ERR_UNSUPPORTED, "line 1: a tag");
    assert_refused("a: !custom {}", ERR_UNSUPPORTED, "line 1: a tag");
    assert_refused("a: !!set {}", ERR_UNSUPPORTED, "line 1: a tag");
}

static void test_what_is_refused_names_its_line(void **state) {
    (void)state;
    assert_refused("a: &x 1\nb: *x\n", ERR_UNSUPPORTED, "line 2: aliases");
    assert_refused("a: {b: 1}\nc:\n  <<: {d: 1}\n", ERR_UNSUPPORTED, "line 3: the merge key");
    assert_refused("a: 1\nb: 2\na: 3\n", ERR_INVALID, "line 3: the name \"a\" stands twice");
    assert_refused("? [a]\n: 1\n", ERR_UNSUPPORTED, "line 1: a name that is not a scalar");
    assert_refused("a: .inf", ERR_INVALID, "line 1: a number");
    assert_refused("a: 1\nb: -.INF", ERR_INVALID, "line 2: a number");
    assert_refused("a: .nan", ERR_INVALID, "line 1: a number");
    assert_refused("a: 1e999", ERR_INVALID, "line 1: a number");
    assert_refused("a: 1\n b: 2\n", ERR_SYNTAX, "line 2: ");
    assert_refused("a: [1\nb: 2\n", ERR_SYNTAX, "line ");
    assert_refused("a: \xff", ERR_SYNTAX, "line 1: ");
}

static void test_streams_of_documents(void **state) {
    (void)state;
    assert_reads("a: 1\n---\n---\n# only a comment\n---\nnull\n---\n- 2\n...\n", "{\"a\":1};[2];");
    assert_reads("", "");
    assert_reads("# nothing\n", "");
    assert_reads("a: &anchor 1\n", "{\"a\":1};");
    struct err err;
    struct doc *doc = yaml_decode(STR("a: 1\n---\n"), &err);
    assert_int_equal(doc_int(doc_path(doc_root(doc), "a")), 1);
    doc_unref(doc);
    assert_null(yaml_decode(STR("a: 1\n---\nb: 1\n"), &err));
    assert_string_equal(err.msg, "more than one document");
    assert_null(yaml_decode(STR("---\n"), &err));
    assert_string_equal(err.msg, "no document");
    assert_null(yaml_decode((struct str){0}, &err)); /* an empty file */
    assert_string_equal(err.msg, "no document");
}

static int stop(struct doc *doc, void *arg, struct err *err) {
    (void)doc;
    ++*(int *)arg;
    return err_set(err, ERR_CANCELLED, "enough");
}

static void test_a_receiver_can_stop(void **state) {
    (void)state;
    struct err err;
    int calls = 0;
    assert_int_equal(yaml_read(STR("a: 1\n---\nb: 2\n"), stop, &calls, &err), ERR_CANCELLED);
    assert_int_equal(calls, 1);
}

static void test_depth_and_size_are_bounded(void **state) {
    (void)state;
    char text[2 * YAML_MAX_DEPTH + 3] = {0};
    for (int depth = YAML_MAX_DEPTH; depth <= YAML_MAX_DEPTH + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        struct err err = {0};
        struct doc *doc = yaml_decode((struct str){text, 2 * (size_t)depth}, &err);
        assert_int_equal(doc != NULL, depth == YAML_MAX_DEPTH);
        assert_int_equal(err.code, depth == YAML_MAX_DEPTH ? ERR_NONE : ERR_LIMIT);
        doc_unref(doc);
    }
    char *large = malloc(YAML_MAX_BYTES + 1);
    memset(large, ' ', YAML_MAX_BYTES + 1);
    struct err err;
    assert_null(yaml_decode((struct str){large, YAML_MAX_BYTES + 1}, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    free(large);
}

/* What JSON means, it means in YAML, too; also to libyaml alone, once the text does not begin with a brace. */
static void test_json_reads_alike(void **state) {
    (void)state;
    struct doc_builder *b = doc_builder_new();
    assert_reads("{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"};");
    assert_reads("{a: 1, b: [x]}", "{\"a\":1,\"b\":[\"x\"]};");
    srand(41);
    for (int round = 0; round < 300; round++) {
        struct err err;
        struct buf json = random_json(4), yaml = buf_new(1 << 24);
        random_puts(&yaml, "- ");
        random_puts(&yaml, json.data);
        struct doc *expected = json_decode(b, (struct str){json.data, json.len}, NULL, &err);
        struct doc *same = yaml_decode((struct str){json.data, json.len}, &err);
        if (!same) fail_msg("%s: %s", json.data, err.msg);
        assert_true(doc_equal(doc_root(expected), doc_root(same)));
        doc_unref(same);
        if (!strstr(json.data, "\\ud83d") && !strpbrk(json.data, "\r\n\t\x7f")) {
            struct doc *other = yaml_decode((struct str){yaml.data, yaml.len}, &err);
            if (!other) fail_msg("%s: %s", yaml.data, err.msg);
            if (!doc_equal(doc_root(expected), doc_at(doc_root(other), 0))) fail_msg("%s", yaml.data);
            doc_unref(other);
        }
        doc_unref(expected);
        buf_free(&json);
        buf_free(&yaml);
    }
    doc_builder_free(b);
}

static void test_mutated_text_does_no_harm(void **state) {
    (void)state;
    srand(42);
    const struct str good = STR("a: &x [1, 'two', \"three\\n\", {b: c}]\nd: |\n  text\n  more\ne: !!str 5\n---\n- f: ~\n  g: 0x1f\n");
    for (int round = 0; round < 3000; round++) {
        char *text = malloc(good.n);
        memcpy(text, good.p, good.n);
        for (unsigned i = 0; i < 3; i++) text[random_below((unsigned)good.n)] = " \n-:[]{}&*!|>'\"\\#?,%@\x80"[random_below(22)];
        struct err err;
        struct buf seen = buf_new(100000);
        (void)!yaml_read((struct str){text, good.n}, note, &seen, &err);
        buf_free(&seen);
        free(text);
    }
}

static struct buf written(struct doc_value v) {
    struct err err;
    struct buf text = buf_new(1 << 24);
    if (yaml_write(v, &text, &err)) fail_msg("%s", err.msg);
    return text;
}

static void assert_writes(const char *json, const char *yaml) {
    struct err err;
    struct doc *doc = yaml_decode(str_of(json), &err);
    struct buf text = written(doc_root(doc));
    assert_string_equal(text.data, yaml);
    buf_free(&text);
    doc_unref(doc);
}

static void test_values_are_written_as_kubectl_writes_them(void **state) {
    (void)state;
    assert_writes("{\"a\": {\"b\": [1, true, null, 1.5, \"x\"], \"c\": {}, \"d\": []}}",
                  "---\na:\n  b:\n  - 1\n  - true\n  - null\n  - 1.5\n  - x\n  c: {}\n  d: []\n");
    assert_writes(
        "[\"yes\", \"n\", \"\", \"12\", \"1e3\", \"10:30\", \"2026-03-01T10:10:00Z\", \"~\", \"512Mi\", \"v1\"]",
        "---\n- \"yes\"\n- \"n\"\n- \"\"\n- \"12\"\n- \"1e3\"\n- \"10:30\"\n- \"2026-03-01T10:10:00Z\"\n- \"~\"\n- 512Mi\n- v1\n");
    assert_writes("{\"script\": \"a\\nb\\n\", \"yes\": 1}", "---\nscript: |\n  a\n  b\n\"yes\": 1\n");
}

static void test_what_is_written_is_read_again(void **state) {
    (void)state;
    struct doc_builder *b = doc_builder_new();
    srand(7);
    for (int i = 0; i < 300; i++) {
        struct err err = {0};
        struct buf json = random_json(4);
        struct doc *doc = json_decode(b, (struct str){json.data, json.len}, NULL, &err);
        struct buf text = written(doc_root(doc));
        struct doc *again = yaml_decode((struct str){text.data, text.len}, &err);
        if (!again || !doc_equal(doc_root(doc), doc_root(again))) fail_msg("%s: %s", json.data, text.data);
        doc_unref(again);
        doc_unref(doc);
        buf_free(&text);
        buf_free(&json);
    }
    doc_builder_free(b);
}

static void test_writing_stops_where_there_is_no_room(void **state) {
    (void)state;
    struct err err;
    struct doc *doc = yaml_decode(STR("[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]"), &err);
    struct buf text = buf_new(8);
    assert_int_equal(yaml_write(doc_root(doc), &text, &err), ERR_LIMIT);
    buf_free(&text);
    doc_unref(doc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_scalars_are_read_as_kubectl_reads_them),
        cmocka_unit_test(test_quoted_and_block_scalars_are_strings),
        cmocka_unit_test(test_core_tags_are_obeyed),
        cmocka_unit_test(test_what_is_refused_names_its_line),
        cmocka_unit_test(test_streams_of_documents),
        cmocka_unit_test(test_a_receiver_can_stop),
        cmocka_unit_test(test_depth_and_size_are_bounded),
        cmocka_unit_test(test_json_reads_alike),
        cmocka_unit_test(test_mutated_text_does_no_harm),
        cmocka_unit_test(test_values_are_written_as_kubectl_writes_them),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_writing_stops_where_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
