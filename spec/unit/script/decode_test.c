/* What objects carry as bytes: packed texts and certificates. */
#include "fixture.h"

#include <zlib.h>

/* Of web.example.org and *.shop.example.org, from 2026-01-01 to 2026-06-01. */
#define CERTIFICATE                                                                                                                        \
    "-----BEGIN CERTIFICATE-----\\n"                                                                                                       \
    "MIIBPDCB46ADAgECAgEBMAoGCCqGSM49BAMCMA4xDDAKBgNVBAMMA3dlYjAeFw0y\\n"                                                                  \
    "NjAxMDEwMDAwMDBaFw0yNjA2MDEwMDAwMDBaMA4xDDAKBgNVBAMMA3dlYjBZMBMG\\n"                                                                  \
    "ByqGSM49AgEGCCqGSM49AwEHA0IABJhjP8ffzfFqKTK8J+diib07P9VS7mKHilTp\\n"                                                                  \
    "wBBdq/eMg4gTV+K0W6uMxRCoXIiFmH7CdiBQJm8XQPcFRjAN5IajMjAwMC4GA1Ud\\n"                                                                  \
    "EQQnMCWCD3dlYi5leGFtcGxlLm9yZ4ISKi5zaG9wLmV4YW1wbGUub3JnMAoGCCqG\\n"                                                                  \
    "SM49BAMCA0gAMEUCIHYOEn6G7y2/j297IzbHev29MbnURGpbfnkOHz1bY0cEAiEA\\n"                                                                  \
    "pjOr2Me0V7U8J4tce29qEq4SD47YkDUq8ASXvzibsOM=\\n"                                                                                      \
    "-----END CERTIFICATE-----\\n"

enum { PACKED_BYTES = 4096, LUA_BYTES = 4 * PACKED_BYTES + 2048 };

/* What the body returns, as JSON, or the error. */
static void expect(const char *body, const char *expected) {
    struct fixture fx;
    struct script_outcome out;
    struct buf text = buf_new(4096);
    fx_new(&fx);
    fx_try(&fx, "", body, &out);
    if (out.values) assert_int_equal(json_write(doc_root(out.values), JSON_COMPACT, &text, &out.err), 0);
    const char *have = out.result == SCRIPT_OK && text.data ? text.data : out.err.msg;
    if (!strstr(have, expected)) fail_msg("%s, not %s", have, expected);
    doc_unref(out.values);
    buf_free(&text);
    fx_free(&fx);
}

/* Packs n times the byte, and writes the result as a Lua string without its last `cut` bytes. */
static void pack(char byte, size_t n, size_t cut, char *out) {
    static unsigned char packed[PACKED_BYTES];
    z_stream z = {0};
    char *plain = malloc(n);
    assert_non_null(plain);
    memset(plain, byte, n);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)plain;
    z.avail_in = (uInt)n;
    z.next_out = packed;
    z.avail_out = sizeof packed;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    for (size_t i = 0; i + cut < z.total_out; i++) out += snprintf(out, 5, "\\x%02x", packed[i]);
    assert_int_equal(deflateEnd(&z), Z_OK);
    free(plain);
}

static void expect_unpacked(size_t n, size_t cut, const char *expected) {
    static char packed[LUA_BYTES], body[LUA_BYTES + 256];
    pack('a', n, cut, packed);
    snprintf(body, sizeof body, "local text, why = k8sgpt.gunzip('%s') return text and { #text, text == ('a'):rep(%zu) } or why", packed,
             n);
    expect(body, expected);
}

static void a_text_is_unpacked(void **state) {
    (void)state;
    expect_unpacked(0, 0, "[[0,true]]");
    expect_unpacked(5, 0, "[[5,true]]");
    expect_unpacked(300000, 0, "[[300000,true]]");
    expect_unpacked(1024 * 1024, 0, "[[1048576,true]]");
}

static void what_is_no_such_text_says_so(void **state) {
    (void)state;
    expect_unpacked(1024 * 1024 + 1, 0, "it is larger than 1 MiB");
    expect_unpacked(100, 1, "cut off");
    expect_unpacked(100, 15, "cut off");
    expect("local text, why = k8sgpt.gunzip('') return { tostring(text), why }", "[[\"nil\",\"it is not gzip, or cut off\"]]");
    expect("local text, why = k8sgpt.gunzip('plain') return { tostring(text), why }", "it is not gzip");
    expect("return k8sgpt.gunzip(nil)", "string expected");
}

static void a_certificate_tells_for_whom_and_how_long(void **state) {
    (void)state;
    expect("return k8sgpt.certificate('" CERTIFICATE "')",
           "[{\"names\":[\"web.example.org\",\"*.shop.example.org\"],\"notAfter\":\"2026-06-01T00:00:00Z\","
           "\"notBefore\":\"2026-01-01T00:00:00Z\",\"strangers\":[]}]");
    expect("return k8sgpt.certificate('text before\\n" CERTIFICATE "', { 'web.example.org', 'WEB.example.org', 'a.shop.example.org', "
           "'*.shop.example.org', 'a.b.shop.example.org', 'shop.example.org', 'web.example.com', '' }).strangers",
           "[[\"a.b.shop.example.org\",\"shop.example.org\",\"web.example.com\"");
}

static void what_is_no_certificate_says_so(void **state) {
    (void)state;
    expect("local c, why = k8sgpt.certificate('') return { tostring(c), why }", "[[\"nil\",\"it holds no certificate in PEM\"]]");
    expect("local c, why = k8sgpt.certificate('-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n') return { c == nil, why "
           "~= nil }",
           "[[true,true]]");
    expect("local c = k8sgpt.certificate(('" CERTIFICATE "'):sub(1, 300)) return tostring(c)", "nil");
    expect("return k8sgpt.certificate('" CERTIFICATE "', { 1 })", "a list of host names");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_unpacked),
        cmocka_unit_test(what_is_no_such_text_says_so),
        cmocka_unit_test(a_certificate_tells_for_whom_and_how_long),
        cmocka_unit_test(what_is_no_certificate_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
