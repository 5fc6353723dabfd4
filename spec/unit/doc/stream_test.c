#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "doc/json.h"
#include "doc/random_json.h"
#include "doc/stream.h"

/* What a stream handed over, as text. */
static void note(struct buf *seen, struct doc *doc) {
    assert_int_equal(json_write(doc_root(doc), JSON_COMPACT, seen, NULL), 0);
    random_puts(seen, "\n");
}

static int on_item(struct doc *item, void *arg, struct err *err) {
    (void)err;
    note(arg, item);
    return 0;
}

static int on_event(enum watch_type type, struct doc *object, void *arg, struct err *err) {
    (void)err;
    random_puts(arg, (const char *[]){"A ", "M ", "D ", "B ", "E "}[type]);
    note(arg, object);
    return 0;
}

typedef size_t (*chunker)(size_t at);

static size_t cut_at;
static size_t one_byte(size_t at) { return at + 1; }
static size_t in_two(size_t at) { return at < cut_at ? cut_at : SIZE_MAX; }
static size_t random_pieces(size_t at) { return at + 1 + random_below(random_below(4) ? 7 : 200); }
static size_t whole(size_t at) {
    (void)at;
    return SIZE_MAX;
}

struct feeder {
    int (*feed)(void *reader, struct str chunk, struct err *err);
    void *reader;
};

static int feed_list(void *reader, struct str chunk, struct err *err) { return list_reader_feed(reader, chunk, err); }
static int feed_watch(void *reader, struct str chunk, struct err *err) { return watch_reader_feed(reader, chunk, err); }

/* Each piece is a block of its own, so that the sanitizer sees a read past its end. */
static int feed(struct feeder f, struct str text, chunker next, struct err *err) {
    int rc = 0;
    for (size_t at = 0, end; !rc && at < text.n; at = end) {
        end = next(at);
        if (end > text.n) end = text.n;
        char *piece = malloc(end - at);
        memcpy(piece, text.p + at, end - at);
        rc = f.feed(f.reader, (struct str){piece, end - at}, err);
        free(piece);
    }
    return rc;
}

/* What a list reader makes of the text: its items, then what the end says. */
static struct buf read_list(struct str text, const struct projection *p, chunker next, int *rc, struct err *err) {
    struct buf seen = buf_new(1 << 26);
    struct list_reader *r = list_reader_new(STR("v1"), STR("Pod"), p, on_item, &seen);
    *rc = feed((struct feeder){feed_list, r}, text, next, err);
    if (!*rc) *rc = list_reader_end(r, err);
    if (!*rc) {
        struct str version = list_reader_resource_version(r), more = list_reader_continue(r);
        assert_int_equal(buf_printf(&seen, NULL, "rv=" STR_FMT " continue=" STR_FMT, STR_ARG(version), STR_ARG(more)), 0);
    }
    list_reader_free(r);
    return seen;
}

static struct buf read_watch(struct str text, const struct projection *p, chunker next, int *rc, struct err *err) {
    struct buf seen = buf_new(1 << 26);
    struct watch_reader *r = watch_reader_new(p, on_event, &seen);
    *rc = feed((struct feeder){feed_watch, r}, text, next, err);
    watch_reader_free(r);
    return seen;
}

typedef struct buf (*reading)(struct str text, const struct projection *p, chunker next, int *rc, struct err *err);

static void assert_same_in_all_chunkings(reading read, struct str text, const struct projection *p) {
    struct err err = {0};
    int rc;
    struct buf expected = read(text, p, whole, &rc, &err);
    if (rc) fail_msg("%s", err.msg);
    for (size_t i = 0; i < text.n + 10; i++) {
        cut_at = i;
        chunker next = i == 0 ? one_byte : i < text.n ? in_two : random_pieces;
        struct buf seen = read(text, p, next, &rc, &err);
        if (rc) fail_msg("cut at %zu: %s", i, err.msg);
        assert_string_equal(seen.data, expected.data);
        buf_free(&seen);
    }
    buf_free(&expected);
}

static struct projection *phase_only(void) {
    struct projection *p = projection_new();
    assert_int_equal(projection_add(p, STR("status.phase"), NULL), 0);
    return p;
}

#define ITEM_A                                                                                                                             \
    "{\"metadata\":{\"name\":\"a\",\"managedFields\":[{\"f:x\":{}}]},\"spec\":{\"x\":\"}]\\\"{\\\\\",\"y\":[[1],{}]},"                     \
    "\"status\":{\"phase\":\"Run\\u006eing \xf0\x9f\x98\x80\",\"n\":-1.5e3}}"
#define ITEM_B "{\"kind\":\"Own\",\"status\":{\"phase\":null}}"

static void test_a_list_in_every_chunking(void **state) {
    (void)state;
    struct projection *p = phase_only();
    struct str text = STR(" {\"kind\":\"PodList\", \"apiVersion\":\"v1\",\"extra\":[{\"a\":1.5},true,null,12 "
                          "],\"number\":-12,\"yes\":true,\n\"items\":[" ITEM_A " , " ITEM_B
                          ",{}],\"metadata\" : {\"resourceVersion\":\"77\",\"continue\":\"tok\\n\"},\"last\":\"x\"}\n");
    struct err err;
    int rc;
    struct buf seen = read_list(text, p, whole, &rc, &err);
    assert_int_equal(rc, 0);
    assert_string_equal(
        seen.data,
        "{\"metadata\":{\"name\":\"a\"},\"status\":{\"phase\":\"Running \xf0\x9f\x98\x80\"},\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n"
        "{\"kind\":\"Own\",\"status\":{\"phase\":null},\"apiVersion\":\"v1\"}\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n"
        "rv=77 continue=tok\n");
    buf_free(&seen);
    assert_same_in_all_chunkings(read_list, text, p);
    assert_same_in_all_chunkings(read_list, text, NULL);
    assert_same_in_all_chunkings(read_list, STR("{\"items\":null,\"metadata\":{}}"), p);
    assert_same_in_all_chunkings(read_list, STR("{\"items\":[ ]}"), p);
    projection_unref(p);
}

static void test_random_lists_in_random_chunks(void **state) {
    (void)state;
    srand(31);
    for (int round = 0; round < 150; round++) {
        struct buf text = buf_new(1 << 24);
        random_puts(&text, "{\"items\":[");
        for (unsigned i = 0, n = random_below(6); i < n; i++) {
            struct buf item = random_json(5);
            random_puts(&text, i ? "," : "");
            random_puts(&text, item.data);
            buf_free(&item);
        }
        random_puts(&text, "]}");
        struct err err = {0};
        int rc, other_rc;
        struct buf one = read_list((struct str){text.data, text.len}, NULL, whole, &rc, &err);
        struct buf other = read_list((struct str){text.data, text.len}, NULL, random_pieces, &other_rc, &err);
        if (rc || other_rc) fail_msg("%s", err.msg);
        assert_string_equal(one.data, other.data);
        buf_free(&one);
        buf_free(&other);
        buf_free(&text);
    }
}

static void test_a_cut_list_is_never_whole(void **state) {
    (void)state;
    struct str text = STR("{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"77\"},\"items\":[" ITEM_A "," ITEM_B "]}");
    for (size_t n = 0; n < text.n; n++) {
        struct err err = {0};
        int rc;
        struct buf seen = read_list((struct str){text.p, n}, NULL, whole, &rc, &err);
        assert_int_equal(rc, ERR_SYNTAX);
        assert_non_null(strstr(err.msg, "cut off"));
        buf_free(&seen);
    }
}

static void test_answers_that_are_no_list(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
        const char *message;
    } cases[] = {
        {"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"no such thing\",\"code\":404}", ERR_SERVER,
         "no such thing"},
        {"{\"kind\":\"Pod\",\"metadata\":{}}", ERR_SYNTAX, "without items"},
        {"{}", ERR_SYNTAX, "without items"},
        {"{\"items\":{}}", ERR_SYNTAX, "not an array"},
        {"{\"items\":null\xff\xff}", ERR_SYNTAX, "not JSON"},
        {"{\"items\":[1]}", ERR_SYNTAX, "item 0 of the list is not an object"},
        {"{\"items\":[{},[]]}", ERR_SYNTAX, "item 1 of the list is not an object"},
        {"{\"items\":[{},{\"a\":1,\"a\":2}]}", ERR_INVALID, "item 1 of the list: the name \"a\""},
        {"{\"items\":[{},]}", ERR_SYNTAX, "item 1 of the list"},
        {"{\"items\":[{} {}]}", ERR_SYNTAX, "not JSON"},
        {"{\"items\":[{\"a\":[}]}]}", ERR_SYNTAX, "item 0"},
        {"{\"items\":[],}", ERR_SYNTAX, "not JSON"},
        {"{\"items\":[]}}", ERR_SYNTAX, "not JSON"},
        {"{\"items\":[],\"items\":[]}", ERR_SYNTAX, "two items"},
        {"{\"items\" []}", ERR_SYNTAX, "not JSON"},
        {"{\"kind\":tru,\"items\":[]}", ERR_SYNTAX, ""},
        {"<html>", ERR_SYNTAX, "not JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int pieces = 0; pieces < 2; pieces++) {
            struct err err = {0};
            int rc;
            struct buf seen = read_list(str_of(cases[i].text), NULL, pieces ? one_byte : whole, &rc, &err);
            if (rc != (int)cases[i].code || !strstr(err.msg, cases[i].message)) fail_msg("%s: %d %s", cases[i].text, rc, err.msg);
            assert_int_equal(err.code, rc);
            buf_free(&seen);
        }
    }
}

/* In single bytes this takes minutes unless each byte is looked at a bounded number of times. */
/* Neither how the text is cut nor where in a block of the skipper a bracket stands decides. */
static void test_skipped_brackets_are_judged_the_same_in_every_chunking(void **state) {
    (void)state;
    const struct {
        const char *first, *second;
        bool refused;
    } cases[] = {{"]", "[", false}, {"", "", false}, {"]", "{", true}, {"[", "}", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        int n = snprintf(text, sizeof text, "{\"items\":[],\"x\":{{{{{{{{{{{{ \"%0100d\" %s %s }}}}}}}}}}}}}", 0, cases[i].first,
                         cases[i].second);
        for (cut_at = 0; cut_at < (size_t)n; cut_at++) {
            struct err err = {0};
            int rc;
            struct buf seen = read_list((struct str){text, (size_t)n}, NULL, in_two, &rc, &err);
            if (!rc == cases[i].refused) fail_msg("case %zu cut at %zu: %s", i, cut_at, err.msg);
            buf_free(&seen);
        }
    }
}

static void test_a_large_item_in_single_bytes_is_linear(void **state) {
    (void)state;
    struct buf text = buf_new(1 << 24);
    random_puts(&text, "{\"items\":[{\"a\":[");
    for (int i = 0; i < 60000; i++) random_puts(&text, "{\"x\":\"0123456789\"},");
    random_puts(&text, "1]}]}");
    struct err err;
    int rc;
    struct buf seen = read_list((struct str){text.data, text.len}, NULL, one_byte, &rc, &err);
    assert_int_equal(rc, 0);
    buf_free(&seen);
    buf_free(&text);
}

static void test_an_endless_item_is_refused(void **state) {
    (void)state;
    static char block[1 << 20];
    struct err err = {0};
    memset(block, 'x', sizeof block);
    struct list_reader *r = list_reader_new(STR("v1"), STR("Pod"), NULL, on_item, NULL);
    struct watch_reader *w = watch_reader_new(NULL, on_event, NULL);
    int rc = list_reader_feed(r, STR("{\"items\":[{\"a\":\""), &err), watch_rc = watch_reader_feed(w, STR("{\"a\":\""), &err);
    for (int i = 0; i < 9; i++) {
        if (!rc) rc = list_reader_feed(r, (struct str){block, sizeof block}, &err);
        if (!watch_rc) watch_rc = watch_reader_feed(w, (struct str){block, sizeof block}, &err);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_int_equal(watch_rc, ERR_LIMIT);
    assert_int_equal(list_reader_feed(r, STR("\"}]}"), &err), ERR_LIMIT); /* the error sticks */
    assert_int_equal(list_reader_end(r, &err), ERR_LIMIT);
    list_reader_free(r);
    watch_reader_free(w);
}

static void test_a_watch_in_every_chunking(void **state) {
    (void)state;
    struct projection *p = phase_only();
    struct str text = STR("{\"type\":\"ADDED\",\"object\":" ITEM_A "}\n"
                          "{\"object\":" ITEM_A ",\"extra\":[1,\"]\"] , \"type\":\"MODIFIED\"}\r\n\n"
                          "{\"type\":\"DELETED\",\"object\":{\"kind\":\"Pod\",\"drop\":1}} \n"
                          "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"9\",\"annotations\":"
                          "{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
                          "{\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"},\"type\":\"ERROR\"}\n"
                          "{\"type\":\"ADDED\",\"object\":{\"cut\":");
    struct err err;
    int rc;
    struct buf seen = read_watch(text, p, whole, &rc, &err);
    assert_int_equal(rc, 0);
#define KEPT_A "{\"metadata\":{\"name\":\"a\"},\"status\":{\"phase\":\"Running \xf0\x9f\x98\x80\"}}\n"
    assert_string_equal(
        seen.data,
        "A " KEPT_A "M " KEPT_A "D {\"kind\":\"Pod\"}\n"
        "B {\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"9\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}\n"
        "E {\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}\n");
    buf_free(&seen);
    assert_same_in_all_chunkings(read_watch, text, p);
    assert_same_in_all_chunkings(read_watch, text, NULL);
    projection_unref(p);
}

static void test_bad_watch_lines_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"type\":\"ADDED\"}\n", "no object"},
        {"{\"object\":{}}\n", "no type"},
        {"{}\n", "no type"},
        {"{\"type\":\"UPDATED\",\"object\":{}}\n", "UPDATED"},
        {"{\"type\":1,\"object\":{}}\n", "not a string"},
        {"{\"type\":\"ADDED\",\"object\":[]}\n", "not an object"},
        {"{\"object\":null,\"type\":\"ADDED\"}\n", "not an object"},
        {"{\"type\":\"ADDED\",\"object\":{\"a\":}}\n", "value expected"},
        {"{\"type\":\"ADDED\",\"object\":{}}x\n", "text after"},
        {"{\"type\":\"ADDED\",\"object\":{},}\n", "double quotes"},
        {"{\"type\":\"ADDED\",\"object\":{}\n", "ends inside"},
        {"{\"type\":\"ADDED\",\"type\":\"ADDED\",\"object\":{}}\n", "twice"},
        {"{\"object\":{},\"object\":{},\"type\":\"ADDED\"}\n", "twice"},
        {"<html>\n", "expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int pieces = 0; pieces < 2; pieces++) {
            struct err err = {0};
            int rc;
            struct buf seen = read_watch(str_of(cases[i].text), NULL, pieces ? one_byte : whole, &rc, &err);
            if (rc != ERR_SYNTAX || !strstr(err.msg, cases[i].message)) fail_msg("%s: %d %s", cases[i].text, rc, err.msg);
            assert_int_equal(seen.len, 0);
            buf_free(&seen);
        }
    }
}

static int refuse(struct doc *item, void *arg, struct err *err) {
    (void)item;
    ++*(int *)arg;
    return err_set(err, ERR_CANCELLED, "enough");
}

static void test_a_receiver_can_end_the_stream(void **state) {
    (void)state;
    struct err err;
    int calls = 0;
    struct list_reader *r = list_reader_new(STR("v1"), STR("Pod"), NULL, refuse, &calls);
    assert_int_equal(list_reader_feed(r, STR("{\"items\":[{},{}]}"), &err), ERR_CANCELLED);
    assert_string_equal(err.msg, "enough");
    assert_int_equal(list_reader_feed(r, STR("{}"), &err), ERR_CANCELLED);
    assert_int_equal(calls, 1);
    list_reader_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_in_every_chunking),
        cmocka_unit_test(test_random_lists_in_random_chunks),
        cmocka_unit_test(test_a_cut_list_is_never_whole),
        cmocka_unit_test(test_answers_that_are_no_list),
        cmocka_unit_test(test_skipped_brackets_are_judged_the_same_in_every_chunking),
        cmocka_unit_test(test_a_large_item_in_single_bytes_is_linear),
        cmocka_unit_test(test_an_endless_item_is_refused),
        cmocka_unit_test(test_a_watch_in_every_chunking),
        cmocka_unit_test(test_bad_watch_lines_are_refused),
        cmocka_unit_test(test_a_receiver_can_end_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
