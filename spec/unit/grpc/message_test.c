/* Bytes from outside, without a peer: frames and messages that are cut, hostile or too many, statuses, and allocations that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/alloc_fault.h"

#include <string.h>

#include "doc/builder.h"
#include "doc/json.h"
#include "grpc/frame.h"
#include "grpc/message.h"
#include "grpc/status.h"

/* AnalyzeResponse {errors: ["e"], status: "OK", problems: 2, results: [{kind: "Pod", name: "a/b", error: [{text: "t"}]}]} */
static const char ANSWER[] = "\x12\x01"
                             "e\x1a\x02OK\x20\x02\x2a\x0f\x0a\x03Pod\x12\x03"
                             "a/b\x1a\x03\x0a\x01"
                             "t";
static const struct str BYTES = {ANSWER, sizeof ANSWER - 1};

static const struct grpc_method *analyze(void) { return grpc_method(STR("Analyze")); }

static struct doc *json(const char *text) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    doc_builder_free(b);
    if (!doc) fail_msg("%s", err.msg);
    return doc;
}

static void items_are_documents_of_their_own(void **state) {
    (void)state;
    struct message m;
    struct err err;
    assert_int_equal(message_unpack(analyze(), BYTES, &m, &err), 0);
    struct doc *head = json("{\"errors\":[\"e\"],\"status\":\"OK\",\"problems\":2}");
    struct doc *item =
        json("{\"kind\":\"Pod\",\"name\":\"a/b\",\"error\":[{\"text\":\"t\",\"sensitive\":[]}],\"details\":\"\",\"parentObject\":\"\"}");
    assert_true(doc_equal(doc_root(m.head), doc_root(head)));
    assert_int_equal(m.item_count, 1);
    assert_true(doc_equal(doc_root(m.items[0]), doc_root(item)));
    doc_unref(head);
    doc_unref(item);
    message_free(&m);
}

static void fields_of_later_versions_are_left_out(void **state) {
    (void)state;
    static const char later[] = "\x1a\x02OK\xf2\x01\x03new\xf9\x01"
                                "12345678\xfd\x01"
                                "1234\xf0\x01\x05";
    struct message m;
    struct err err;
    if (message_unpack(analyze(), (struct str){later, sizeof later - 1}, &m, &err)) fail_msg("%s", err.msg);
    assert_true(str_is(doc_path_str(doc_root(m.head), "status"), "OK"));
    message_free(&m);
}

/* Cut between two fields, a message is a shorter message: the frame has its length. */
static void a_cut_message_is_refused_or_shorter(void **state) {
    (void)state;
    int refused = 0;
    for (size_t n = 0; n < BYTES.n; n++) {
        char *copy = malloc(n ? n : 1); /* exactly so long: a sanitizer sees a read beyond */
        struct message m;
        struct err err;
        if (n) memcpy(copy, BYTES.p, n);
        int rc = message_unpack(analyze(), (struct str){copy, n}, &m, &err);
        assert_true(rc == 0 || (rc == ERR_SYNTAX && err.msg[0]));
        refused += rc != 0;
        if (rc) assert_null(m.head);
        message_free(&m);
        free(copy);
    }
    assert_int_equal(refused, BYTES.n - 4); /* whole fields end after 0, 3, 7 and 9 bytes */
}

static void refuses(const char *bytes, size_t n, enum err_code code, const char *message) {
    struct message m;
    struct err err;
    assert_int_equal(message_unpack(analyze(), (struct str){bytes, n}, &m, &err), code);
    if (!strstr(err.msg, message)) fail_msg("%s", err.msg);
    assert_null(m.items);
}

static void more_items_than_anybody_has_are_refused(void **state) {
    (void)state;
    enum { ITEMS = 100001 };
    char *bytes = malloc(ITEMS * 2);
    for (size_t i = 0; i < ITEMS; i++) memcpy(bytes + i * 2, "\x2a\0", 2);
    refuses(bytes, (size_t)ITEMS * 2, ERR_LIMIT, "over 100000 results in one answer");
    free(bytes);
}

/* Two bytes each on the wire, fifty in memory. */
static void a_small_message_that_grows_is_refused(void **state) {
    (void)state;
    enum { DETAILS = 500000 };
    size_t n = (size_t)DETAILS * 2;
    char *bytes = malloc(n + 4);
    memcpy(bytes, "\x2a\xc0\x84\x3d", 4); /* results, 1,000,000 bytes */
    for (size_t i = 0; i < DETAILS; i++) memcpy(bytes + 4 + i * 2, "\x1a\0", 2);
    refuses(bytes, n + 4, ERR_SYNTAX, "results 1: bytes that are no Result, or one too large");
    free(bytes);
}

static void an_item_too_large_is_refused(void **state) {
    (void)state;
    size_t n = (1 << 20) + 1;
    char *bytes = calloc(1, n + 4);
    memcpy(bytes, "\x2a\x81\x80\x40", 4);
    refuses(bytes, n + 4, ERR_LIMIT, "one of the results has over 1048576 bytes");
    free(bytes);
}

static void requests_say_what_is_wrong_with_them(void **state) {
    (void)state;
    static const struct {
        const char *method, *json, *message;
    } WRONG[] = {
        {"Analyze", "{\"explain\":\"yes\"}", "Analyze.explain must be true or false"},
        {"Analyze", "{\"maxConcurrency\":4294967296}", "Analyze.maxConcurrency must be a 32-bit integer"},
        {"Analyze", "{\"maxConcurrency\":1.5}", "Analyze.maxConcurrency must be a 32-bit integer"},
        {"Analyze", "{\"backend\":1}", "Analyze.backend must be a text without NUL"},
        {"Analyze", "{\"backend\":\"a\\u0000b\"}", "Analyze.backend must be a text without NUL"},
        {"Analyze", "{\"filters\":\"Pod\"}", "Analyze.filters must be a list"},
        {"Analyze", "{\"filters\":[\"Pod\",1]}", "Analyze.filters must be a text without NUL"},
        {"Analyze", "{\"label_selector\":\"\"}", "Analyze has no field label_selector"},
        {"Analyze", "[1]", "Analyze must be an object"},
        {"AddConfig", "{\"cache\":1}", "cache must be an object"},
        {"AddConfig", "{\"customAnalyzers\":[{\"name\":\"a\"},{\"name\":true}]}", "customAnalyzers.name must be a text without NUL"},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        struct doc *doc = json(WRONG[i].json);
        struct buf out = buf_new(1024);
        struct err err;
        assert_int_equal(message_pack(grpc_method(str_of(WRONG[i].method)), doc_root(doc), &out, &err), ERR_INVALID);
        assert_string_equal(err.msg, WRONG[i].message);
        assert_int_equal(out.len, 0);
        doc_unref(doc);
    }
    assert_null(grpc_method(STR("Shutdown")));
}

/* ---- statuses ----------------------------------------------------------------------------------------------------------------- */

static void messages_become_a_line_that_fits(void **state) {
    (void)state;
    static const struct {
        const char *encoded;
        size_t size;
        const char *expected;
    } CASES[] = {
        {"plain", 100, "plain"},
        {"a%20b%0Ac%7F%00d", 100, "a b c  d"},
        {"100%, %zz, %4", 100, "100%, %zz, %4"},
        {"%E2%9C%93", 100, "\xe2\x9c\x93"},
        {"%E2%9C", 100, "??"},
        {"%ff\xff", 100, "??"},
        {"12345", 4, "123"},
        {"12%E2%9C%93", 5, "12"}, /* never a part of a character */
        {"", 100, ""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char out[100];
        grpc_message_decode(str_of(CASES[i].encoded), out, CASES[i].size);
        assert_string_equal(out, CASES[i].expected);
    }
}

static void what_may_be_asked_again(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool retry;
    } STATUSES[] = {
        {"OK", false},
        {"CANCELLED", true},
        {"UNKNOWN", true},
        {"INVALID_ARGUMENT", false},
        {"DEADLINE_EXCEEDED", true},
        {"NOT_FOUND", false},
        {"ALREADY_EXISTS", false},
        {"PERMISSION_DENIED", false},
        {"RESOURCE_EXHAUSTED", true},
        {"FAILED_PRECONDITION", false},
        {"ABORTED", true},
        {"OUT_OF_RANGE", false},
        {"UNIMPLEMENTED", false},
        {"INTERNAL", true},
        {"UNAVAILABLE", true},
        {"DATA_LOSS", true},
        {"UNAUTHENTICATED", false},
    };
    for (int i = 0; i <= GRPC_STATUS_UNAUTHENTICATED; i++) {
        assert_string_equal(grpc_status_name(i), STATUSES[i].name);
        if (grpc_may_retry(grpc_status_code(i)) != STATUSES[i].retry) fail_msg("%s", STATUSES[i].name);
        assert_int_equal(grpc_status_code(i) == ERR_NONE, i == 0);
    }
    assert_string_equal(grpc_status_name(99), "UNKNOWN");
}

/* ---- failed allocations ------------------------------------------------------------------------------------------------------- */

static void without_memory_it_says_so_and_keeps_nothing(void **state) {
    (void)state;
    struct doc *request =
        json("{\"cache\":{\"s3Cache\":{\"region\":\"r\"}},\"customAnalyzers\":[{\"name\":\"a\",\"connection\":{\"url\":\"u\"}}]}");
    bool hit = true;
    int failures = 0;
    alloc_fault_own(false);
    for (long n = 0; hit; n++) {
        struct buf out = buf_new(1024);
        struct message m;
        struct err err = {0};
        alloc_fault_after(n);
        int rc = message_pack(grpc_method(STR("AddConfig")), doc_root(request), &out, &err);
        if (!rc) rc = message_unpack(analyze(), BYTES, &m, &err);
        hit = alloc_fault_end();
        if (rc && !err.msg[0]) fail_msg("after %ld: %d", n, rc);
        failures += rc != 0;
        buf_free(&out);
        if (!rc) message_free(&m);
    }
    assert_true(failures > 10);
    doc_unref(request);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_documents_of_their_own),
        cmocka_unit_test(fields_of_later_versions_are_left_out),
        cmocka_unit_test(a_cut_message_is_refused_or_shorter),
        cmocka_unit_test(more_items_than_anybody_has_are_refused),
        cmocka_unit_test(a_small_message_that_grows_is_refused),
        cmocka_unit_test(an_item_too_large_is_refused),
        cmocka_unit_test(requests_say_what_is_wrong_with_them),
        cmocka_unit_test(messages_become_a_line_that_fits),
        cmocka_unit_test(what_may_be_asked_again),
        cmocka_unit_test(without_memory_it_says_so_and_keeps_nothing),
    };
    return cmocka_run_group_tests_name("grpc message", tests, NULL, NULL);
}
