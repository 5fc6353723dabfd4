#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/log.h"

static char *text;
static size_t text_len;

static FILE *start(enum log_format format, enum log_level level) {
    FILE *out = open_memstream(&text, &text_len);
    assert_non_null(out);
    log_init(out, format, level);
    return out;
}

static void stop(FILE *out) {
    fclose(out);
    free(text);
    log_init(NULL, LOG_CONSOLE, LOG_INFO);
}

static void assert_text_field(const cJSON *line, const char *name, const char *value) {
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(line, name)), value);
}

static void test_a_json_line_reads_back(void **state) {
    (void)state;
    FILE *out = start(LOG_JSON, LOG_INFO);
    clock_fix_wall(1772359800123);
    log_warn("kube.watch", "list \"done\"", LOG_S("resource", "pods\n\t\x1b[0m\x7f\\"), LOG_I("items", -12), LOG_R("ids", STR("[1,2]")),
             LOG_T("absent", (struct str){0}));
    cJSON *line = cJSON_Parse(text);
    assert_non_null(line);
    assert_text_field(line, "ts", "2026-03-01T10:10:00.123Z");
    assert_text_field(line, "level", "warn");
    assert_text_field(line, "logger", "kube.watch");
    assert_text_field(line, "msg", "list \"done\"");
    assert_text_field(line, "resource", "pods\n\t\x1b[0m\x7f\\");
    assert_text_field(line, "absent", "");
    assert_int_equal(cJSON_GetObjectItem(line, "items")->valueint, -12);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(line, "ids")), 2);
    cJSON_Delete(line);
    stop(out);
}

/* Whatever the bytes: one line, valid JSON, nothing that moves a terminal's cursor. */
static void check_no_forgery(enum log_format format) {
    srand(5);
    for (int round = 0; round < 300; round++) {
        char bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(rand() % (round % 2 ? 256 : 40));
        FILE *out = start(format, LOG_INFO);
        log_info("test", "text", LOG_T("bytes", ((struct str){bytes, sizeof bytes})));
        assert_int_equal(text[text_len - 1], '\n');
        for (size_t i = 0; i + 1 < text_len; i++) {
            assert_true((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
            if (text[i] == '\xc2') assert_true((unsigned char)text[i + 1] >= 0xa0);
        }
        cJSON *line = format == LOG_JSON ? cJSON_Parse(text) : NULL;
        assert_true(format != LOG_JSON || line);
        cJSON_Delete(line);
        stop(out);
    }
}

static void test_cluster_text_cannot_forge_json_lines(void **state) {
    (void)state;
    check_no_forgery(LOG_JSON);
}

static void test_cluster_text_cannot_forge_console_lines(void **state) {
    (void)state;
    check_no_forgery(LOG_CONSOLE);
}

static void test_utf8_stays_readable(void **state) {
    (void)state;
    FILE *out = start(LOG_CONSOLE, LOG_INFO);
    log_info("test", "caf\xc3\xa9 \xf0\x9f\x98\x80 \xed\xa0\x80");
    assert_non_null(strstr(text, "info  test: caf\xc3\xa9 \xf0\x9f\x98\x80 \\ufffd"));
    stop(out);
}

static void test_levels_below_are_silent(void **state) {
    (void)state;
    FILE *out = start(LOG_CONSOLE, LOG_WARN);
    log_debug("test", "no");
    log_info("test", "no");
    fflush(out);
    assert_int_equal(text_len, 0);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_ERROR));
    log_error("test", "yes");
    assert_true(text_len > 0);
    stop(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_json_line_reads_back),
        cmocka_unit_test(test_cluster_text_cannot_forge_json_lines),
        cmocka_unit_test(test_cluster_text_cannot_forge_console_lines),
        cmocka_unit_test(test_utf8_stays_readable),
        cmocka_unit_test(test_levels_below_are_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
