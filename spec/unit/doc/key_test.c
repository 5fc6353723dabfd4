#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "doc/key.h"

enum { TEXTS = 600, LONGEST = 27 };

/* Short texts of two letters: many share their beginning, their end, or both. */
static void test_every_text_has_one_id_for_ever(void **state) {
    (void)state;
    static char texts[TEXTS][LONGEST + 1];
    static uint32_t ids[TEXTS];
    srand(51);
    for (int i = 0; i < TEXTS; i++) {
        int n = i % (LONGEST + 1);
        for (int j = 0; j < n; j++) texts[i][j] = "ab"[rand() % 2];
    }
    for (int round = 0; round < 20000; round++) {
        int i = rand() % TEXTS;
        struct str text = str_of(texts[i]);
        uint32_t known = KEY_NONE;
        for (int j = 0; j < TEXTS; j++) {
            if (ids[j] != KEY_NONE && strcmp(texts[i], texts[j]) == 0) known = ids[j];
        }
        assert_int_equal(key_find(text), known);
        if (rand() % 8) continue;
        ids[i] = key_intern(text);
        assert_true(ids[i] != KEY_NONE && (known == KEY_NONE || known == ids[i]));
        assert_string_equal(key_text(ids[i]).p, texts[i]);
    }
}

static void test_long_names_stay_out(void **state) {
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text);
    assert_int_equal(key_intern((struct str){text, sizeof text}), KEY_NONE);
    assert_true(key_intern((struct str){text, 317}) != KEY_NONE);
    assert_int_equal(key_text(UINT32_MAX).n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_text_has_one_id_for_ever),
        cmocka_unit_test(test_long_names_stay_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
