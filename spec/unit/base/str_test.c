#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"

static void test_cut_walks_a_list(void **state) {
    (void)state;
    struct str head, rest = STR("a,,b");
    assert_true(str_cut(rest, ',', &head, &rest));
    assert_true(str_is(head, "a"));
    assert_true(str_cut(rest, ',', &head, &rest));
    assert_int_equal(head.n, 0);
    assert_false(str_cut(rest, ',', &head, &rest));
    assert_true(str_is(head, "b"));
    assert_int_equal(rest.n, 0);
    assert_false(str_cut((struct str){0}, ',', &head, &rest));
}

static void test_prefix_suffix_and_order(void **state) {
    (void)state;
    assert_true(str_starts(STR("status.phase"), STR("status")));
    assert_false(str_starts(STR("sta"), STR("status")));
    assert_true(str_starts((struct str){0}, STR("")));
    assert_true(str_ends(STR("a.yaml"), STR(".yaml")));
    assert_false(str_ends(STR("yaml"), STR(".yaml")));
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_int_equal(str_cmp(STR("ab"), STR("ab")), 0);
    assert_int_equal(str_cmp((struct str){0}, STR("")), 0);
}

static void test_parts_stand_behind_each_other(void **state) {
    (void)state;
    const struct str parts[] = {STR("Pod"), STR("/"), {NULL, 0}, STR("web")};
    char *all = str_join(parts, 4), *nothing = str_join(parts, 0);
    assert_string_equal(all, "Pod/web");
    assert_string_equal(nothing, "");
    free(all);
    free(nothing);
}

static void test_integers_fill_the_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {{"0", true, 0},
                 {"-7", true, -7},
                 {"+7", true, 7},
                 {"9223372036854775807", true, INT64_MAX},
                 {"-9223372036854775808", true, INT64_MIN},
                 {"9223372036854775808", false, 0},
                 {"-9223372036854775809", false, 0},
                 {"", false, 0},
                 {"-", false, 0},
                 {"1 ", false, 0},
                 {"0x1", false, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        assert_int_equal(str_to_int(str_of(cases[i].text), &value), cases[i].ok);
        if (cases[i].ok) assert_true(value == cases[i].value);
    }
}

/* The definition of a glob, exponential in the worst case. */
static bool glob_by_definition(const char *pattern, const char *text) {
    if (!*pattern) return !*text;
    if (*pattern == '*') return glob_by_definition(pattern + 1, text) || (*text && glob_by_definition(pattern, text + 1));
    return *text && (*pattern == '?' || *pattern == *text) && glob_by_definition(pattern + 1, text + 1);
}

static void random_text(char *out, size_t max, const char *alphabet) {
    size_t n = (size_t)rand() % max;
    for (size_t i = 0; i < n; i++) out[i] = alphabet[(size_t)rand() % strlen(alphabet)];
    out[n] = '\0';
}

static void test_glob_is_what_it_says(void **state) {
    (void)state;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        char pattern[7], text[9];
        random_text(pattern, sizeof pattern, "ab*?");
        random_text(text, sizeof text, "ab");
        if (str_glob(str_of(pattern), str_of(text)) != glob_by_definition(pattern, text)) fail_msg("%s ~ %s", pattern, text);
    }
}

/* By definition this would take longer than the universe has. */
static void test_glob_does_not_explode(void **state) {
    (void)state;
    static char pattern[400], text[20000];
    for (size_t i = 0; i + 1 < sizeof pattern; i++) pattern[i] = i % 2 ? 'a' : '*';
    memset(text, 'a', sizeof text - 1);
    pattern[sizeof pattern - 2] = 'b';
    assert_false(str_glob(str_of(pattern), str_of(text)));
}

/* Names that differ in one bit, or in length alone, must not share a slot more often than chance has it. */
static void test_hash_spreads(void **state) {
    (void)state;
    enum { SLOTS = 4096 };
    static unsigned count[SLOTS];
    unsigned worst = 0;
    for (int i = 0; i < SLOTS; i++) {
        char text[40];
        int n = snprintf(text, sizeof text, "example.com/label-%d", i);
        size_t slot = str_hash((struct str){text, (size_t)n}, 7) % SLOTS;
        if (++count[slot] > worst) worst = count[slot];
    }
    assert_true(worst < 10);
    assert_true(str_hash(STR("a"), 0) != str_hash(STR("a"), 1));
    char zeros[32] = {0};
    for (size_t n = 1; n < sizeof zeros; n++) {
        assert_true(str_hash((struct str){zeros, n}, 0) != str_hash((struct str){zeros, n - 1}, 0));
    }
}

/* RFC 4231, cases 2 and 6, and what every implementation gives for nothing at all; a key says nothing of the next one. */
static void test_hmac_known_answers(void **state) {
    (void)state;
    char hex[SHA256_HEX_LEN + 1], long_key[131];
    struct err err;
    memset(long_key, 0xaa, sizeof long_key);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(sha256_hmac(STR("Jefe"), STR("what do ya want for nothing?"), hex, &err), 0);
        assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        struct str key = {long_key, sizeof long_key};
        assert_int_equal(sha256_hmac(key, STR("Test Using Larger Than Block-Size Key - Hash Key First"), hex, &err), 0);
        assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        assert_int_equal(sha256_hmac(STR(""), STR(""), hex, &err), 0);
        assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    }
}

static void test_sha256_known_answer(void **state) {
    (void)state;
    char hex[SHA256_HEX_LEN + 1], other[SHA256_HEX_LEN + 1];
    struct err err;
    assert_int_equal(sha256_bytes(STR("abc"), hex, &err), 0); /* FIPS 180-4, example 1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(sha256_parts((const struct str[]){STR("ab"), STR("c")}, 2, hex, &err), 0);
    assert_int_equal(sha256_parts((const struct str[]){STR("a"), STR("bc")}, 2, other, &err), 0);
    assert_string_not_equal(hex, other);
}

static void test_err_keeps_code_and_place(void **state) {
    (void)state;
    struct err err;
    assert_int_equal(err_set(&err, ERR_GONE, "version %d", 5), ERR_GONE);
    assert_int_equal(err_prefix(&err, "pods in %s", "ns"), ERR_GONE);
    assert_string_equal(err.msg, "pods in ns: version 5");
    assert_string_equal(err_code_name(err.code), "Expired");
    assert_int_equal(err_set(NULL, ERR_IO, "nobody asks"), ERR_IO);
}

static void test_err_prefix_fits_into_a_full_message(void **state) {
    (void)state;
    struct err err;
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    err_set(&err, ERR_IO, "%s", long_text);
    err_prefix(&err, "here");
    assert_memory_equal(err.msg, "here: xxx", 9);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    err_prefix(&err, "%s", long_text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_walks_a_list),
        cmocka_unit_test(test_prefix_suffix_and_order),
        cmocka_unit_test(test_parts_stand_behind_each_other),
        cmocka_unit_test(test_integers_fill_the_text),
        cmocka_unit_test(test_glob_is_what_it_says),
        cmocka_unit_test(test_glob_does_not_explode),
        cmocka_unit_test(test_hash_spreads),
        cmocka_unit_test(test_sha256_known_answer),
        cmocka_unit_test(test_hmac_known_answers),
        cmocka_unit_test(test_err_keeps_code_and_place),
        cmocka_unit_test(test_err_prefix_fits_into_a_full_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
