#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

static void test_grows_to_its_limit_and_no_further(void **state) {
    (void)state;
    struct err err;
    struct buf b = buf_new(1000);
    for (int i = 0; i < 100; i++) assert_int_equal(buf_append(&b, "0123456789", 10, &err), 0);
    assert_int_equal(b.len, 1000);
    assert_int_equal(buf_append(&b, "x", 1, &err), ERR_LIMIT);
    assert_int_equal(buf_printf(&b, &err, "%d", 1), ERR_LIMIT);
    assert_int_equal(b.len, 1000);
    assert_int_equal(strlen(b.data), 1000);
    buf_free(&b);
}

static void test_parts_come_out_in_order(void **state) {
    (void)state;
    struct err err;
    struct buf b = buf_new(1 << 20);
    assert_int_equal(buf_puts(&b, "a", &err), 0);
    assert_int_equal(buf_printf(&b, &err, "%0200d", 5), 0);
    assert_int_equal(buf_append(&b, NULL, 0, &err), 0);
    assert_int_equal(b.len, 201);
    buf_consume(&b, 200);
    assert_string_equal(b.data, "5");
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    assert_int_equal(buf_puts(&b, "kept", &err), 0);
    size_t n;
    char *taken = buf_take(&b, &n);
    assert_string_equal(taken, "kept");
    assert_int_equal(n, 4);
    assert_int_equal(b.cap, 0);
    assert_null(buf_take(&b, NULL));
    free(taken);
}

static void test_no_limit_is_no_overflow(void **state) {
    (void)state;
    struct err err;
    struct buf b = buf_new(SIZE_MAX);
    assert_int_equal(buf_puts(&b, "x", &err), 0);
    assert_int_equal(buf_append(&b, "x", SIZE_MAX / 2, &err), ERR_LIMIT);
    buf_free(&b);
}

static void test_file_round_trip_replaces_whole(void **state) {
    (void)state;
    struct err err;
    char dir[] = "/tmp/k8sgpt-file-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x", dir);
    assert_int_equal(file_write(path, STR("a longer first content"), 0600, &err), 0);
    assert_int_equal(file_write(path, STR("second"), 0640, &err), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    struct buf b = buf_new(6);
    assert_int_equal(file_read(path, &b, &err), 0);
    assert_string_equal(b.data, "second");
    assert_int_equal(file_read(path, &b, &err), ERR_LIMIT);
    assert_non_null(strstr(err.msg, path));
    buf_free(&b);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* no temporary neighbour is left */
}

static void test_file_errors_name_the_path(void **state) {
    (void)state;
    struct err err;
    struct buf b = buf_new(10);
    assert_int_equal(file_read("/nonexistent/file", &b, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/nonexistent/file"));
    assert_int_equal(file_read("/", &b, &err), ERR_IO);
    assert_int_equal(file_write("/nonexistent/file", STR("x"), 0600, &err), ERR_NOT_FOUND);
    buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_to_its_limit_and_no_further), cmocka_unit_test(test_parts_come_out_in_order),
        cmocka_unit_test(test_no_limit_is_no_overflow),           cmocka_unit_test(test_file_round_trip_replaces_whole),
        cmocka_unit_test(test_file_errors_name_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
