/* Whom the client trusts, under which name, and as whom it appears. */
#include "tls_server.h"

static struct identity ca, other_ca, api, person;
static struct tls_server *plain, *strict;
static char url[64];

static int make_identities(void **state) {
    (void)state;
    ca = identity_new("spec ca", NULL, NULL);
    other_ca = identity_new("other ca", NULL, NULL);
    api = identity_new("api", "DNS:api.internal,DNS:localhost", &ca);
    person = identity_new("jane", NULL, &ca);
    return 0;
}

static int free_identities(void **state) {
    (void)state;
    identity_free(&ca), identity_free(&other_ca), identity_free(&api), identity_free(&person);
    return 0;
}

static int setup(void **state) {
    if (base_setup(state)) return -1;
    plain = tls_server_new(&api, NULL);
    strict = tls_server_new(&api, &ca);
    return 0;
}

static int teardown(void **state) {
    int rc = base_teardown(state);
    tls_server_free(plain);
    tls_server_free(strict);
    return rc;
}

static struct http_tls trusting(const struct identity *who) { return (struct http_tls){.ca_pem = str_of(who->cert_pem)}; }

static struct got ask(const char *host, const struct tls_server *s, const struct http_tls *tls) {
    struct got g;
    (void)snprintf(url, sizeof url, "https://%s:%u/", host, s->port);
    struct http_request r = get_of(url, &g);
    r.tls = tls;
    exchange(&r, &g);
    return g;
}

static void expect_answer(const char *host, const struct tls_server *s, const struct http_tls *tls, const char *expected) {
    struct got g = ask(host, s, tls);
    if (g.err.code) fail_msg("%s", g.err.msg);
    assert_string_equal(g.body.data, expected);
    got_free(&g);
}

static void expect_refusal(const char *host, const struct tls_server *s, const struct http_tls *tls, const char *word) {
    struct got g = ask(host, s, tls);
    assert_int_equal(g.status, 0);
    assert_int_equal(g.err.code, ERR_UNREACHABLE);
    if (!strstr(g.err.msg, word)) fail_msg("no \"%s\" in: %s", word, g.err.msg);
    assert_null(strchr(g.err.msg, '\n'));
    got_free(&g);
}

static const char *saw(const char *sni, const char *host, const struct tls_server *s, const char *cn) {
    static char text[200];
    (void)snprintf(text, sizeof text, "sni=%s host=%s:%u client=%s", sni, host, s->port, cn);
    return text;
}

static void the_given_ca_is_trusted(void **state) {
    (void)state;
    struct http_tls tls = trusting(&ca);
    expect_answer("localhost", plain, &tls, saw("localhost", "localhost", plain, "-"));
    assert_true(plain->h2_offered);
}

static void nobody_else_is(void **state) {
    (void)state;
    struct http_tls tls = trusting(&other_ca);
    expect_refusal("localhost", plain, &tls, "certificate");
    expect_refusal("localhost", plain, NULL, "certificate");
}

/* A connection that one CA vouched for is not used under another. */
static void trust_is_not_shared_by_connections(void **state) {
    (void)state;
    struct http_tls good = trusting(&ca), bad = trusting(&other_ca), careless = {.insecure = true};
    expect_answer("localhost", plain, &good, saw("localhost", "localhost", plain, "-"));
    expect_refusal("localhost", plain, &bad, "certificate");
    expect_answer("localhost", plain, &careless, saw("localhost", "localhost", plain, "-"));
    expect_refusal("localhost", plain, &bad, "certificate");
    expect_answer("localhost", plain, &good, saw("localhost", "localhost", plain, "-"));
    assert_int_equal(plain->count, 4);
}

static void the_name_must_match(void **state) {
    (void)state;
    struct http_tls tls = trusting(&ca);
    expect_refusal("127.0.0.1", plain, &tls, "127.0.0.1");
}

static void a_server_name_replaces_the_host_for_tls_alone(void **state) {
    (void)state;
    struct http_tls tls = trusting(&ca);
    tls.server_name = "api.internal";
    expect_answer("127.0.0.1", plain, &tls, saw("api.internal", "127.0.0.1", plain, "-"));
    tls.server_name = "evil.internal";
    expect_refusal("localhost", plain, &tls, "evil.internal");
}

static void insecure_skips_both_checks(void **state) {
    (void)state;
    struct http_tls tls = {.insecure = true};
    expect_answer("127.0.0.1", plain, &tls, saw("-", "127.0.0.1", plain, "-"));
}

static void a_client_certificate_is_shown(void **state) {
    (void)state;
    struct http_tls tls = trusting(&ca);
    expect_refusal("localhost", strict, &tls, "https://localhost");
    tls.cert_pem = str_of(person.cert_pem);
    tls.key_pem = str_of(person.key_pem);
    expect_answer("localhost", strict, &tls, saw("localhost", "localhost", strict, "jane"));
    expect_answer("localhost", plain, &tls, saw("localhost", "localhost", plain, "-"));
}

static void unusable_pem_is_an_error_of_the_configuration(void **state) {
    (void)state;
    struct http_tls tls[] = {{.ca_pem = STR("nonsense")},
                             {.ca_pem = str_of(ca.cert_pem), .cert_pem = STR("nonsense"), .key_pem = str_of(person.key_pem)},
                             {.ca_pem = str_of(ca.cert_pem), .cert_pem = str_of(person.cert_pem), .key_pem = str_of(api.key_pem)}};
    for (size_t i = 0; i < 3; i++) {
        struct got g = ask("localhost", plain, &tls[i]);
        assert_int_equal(g.err.code, ERR_INVALID);
        assert_int_equal(g.status, 0);
        got_free(&g);
    }
}

static void a_peer_without_tls_is_unreachable(void **state) {
    (void)state;
    const struct http_server_limits limits = HTTP_SERVER_PROBES;
    struct err err = {0};
    struct http_server *s = http_server_new(loop, "127.0.0.1:0", &limits, NULL, NULL, &err);
    struct tls_server no_tls = {.port = http_server_port(s)};
    expect_refusal("127.0.0.1", &no_tls, NULL, "https://127.0.0.1");
    http_server_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_given_ca_is_trusted),
        TEST(nobody_else_is),
        TEST(trust_is_not_shared_by_connections),
        TEST(the_name_must_match),
        TEST(a_server_name_replaces_the_host_for_tls_alone),
        TEST(insecure_skips_both_checks),
        TEST(a_client_certificate_is_shown),
        TEST(unusable_pem_is_an_error_of_the_configuration),
        TEST(a_peer_without_tls_is_unreachable),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
