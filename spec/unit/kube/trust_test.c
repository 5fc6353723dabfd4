/* Kubeconfig files against a real TLS server: whom we trust, as whom we appear and by which way we go, also while files rotate. */
#include "tunnel.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "doc/json.h"
#include "kube/client_internal.h"
#include "kube/login_internal.h"
#include "metrics/metrics.h"
#include "support/figure.h"

static struct identity ca, next_ca, api, next_api, jane, next_jane, proxy_id;
static struct tls_server *server;
static struct tunnel *tunnel;
static struct kube_client *kube;
static struct metrics *metrics;
static char folder[64], authorization[256];
static const char *accepted, *wanted; /* the only Authorization and the only client that are accepted; NULL: any */
static FILE *log_file;

/* ---- the server ------------------------------------------------------------------------------------------------------------------- */

static void answer(SSL *ssl, const char *request, struct tls_server *s) {
    char cn[64] = "-", body[512], text[1024];
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), *line = strcasestr(request, "\r\nAuthorization: ");
    X509 *peer = SSL_get1_peer_certificate(ssl);
    if (peer) (void)X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, cn, sizeof cn);
    X509_free(peer);
    authorization[0] = '\0';
    if (line) (void)sscanf(line + 17, "%255[^\r]", authorization);
    bool refused = (accepted && strcmp(accepted, authorization) != 0) || (wanted && strcmp(wanted, cn) != 0);
    int n = snprintf(body, sizeof body, "{\"kind\":\"Seen\",\"sni\":\"%s\",\"client\":\"%s\"}", sni ? sni : "-", cn);
    n = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
                 refused ? "401 Unauthorized" : "200 OK", s->closes ? "Connection: close\r\n" : "", n, body);
    (void)SSL_write(ssl, text, n);
}

static int any_certificate(int ok, X509_STORE_CTX *ctx) {
    (void)ok;
    (void)ctx;
    return 1;
}

/* ---- files ------------------------------------------------------------------------------------------------------------------------ */

static const char *path_of(const char *name) {
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text) {
    struct err err;
    if (file_write(path_of(name), str_of(text), 0600, &err)) fail_msg("%s", err.msg);
}

/* Logs in by a kubeconfig with these fields of cluster and user. */
static void log_in(const char *host, const char *cluster, const char *user) {
    char text[8192];
    struct kube_config *config;
    struct err err;
    (void)snprintf(text, sizeof text,
                   "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                   "clusters: [{name: c, cluster: {server: 'https://%s:%u', %s}}]\nusers: [{name: u, user: {%s}}]\n",
                   host, server->port, cluster, user);
    put("config", text);
    if (kube_config_load(path_of("config"), NULL, &config, &err)) fail_msg("%s", err.msg);
    kube = kube_client_new(loop, client, config, metrics, &err);
    kube_config_free(config);
    assert_non_null(kube);
}

/* ---- requests --------------------------------------------------------------------------------------------------------------------- */

struct seen {
    bool done;
    struct err err;
    char sni[64], client[64];
};

static void on_seen(struct doc *object, const struct err *err, void *arg) {
    struct seen *s = arg;
    s->done = true;
    if (err) s->err = *err;
    (void)snprintf(s->sni, sizeof s->sni, STR_FMT, STR_ARG(doc_path_str(doc_root(object), "sni")));
    (void)snprintf(s->client, sizeof s->client, STR_FMT, STR_ARG(doc_path_str(doc_root(object), "client")));
}

static struct seen ask(void) {
    struct seen s = {0};
    const struct kube_request request = {.verb = KUBE_GET, .path = "/version", .done = on_seen, .arg = &s};
    if (!kube_send(kube, &request, NULL, &s.err)) assert_true(loop_run_until(loop, &s.done, WAIT_MS));
    return s;
}

static void ask_well(const char *client_name) {
    struct seen s = ask();
    if (s.err.code) fail_msg("%s", s.err.msg);
    assert_string_equal(s.client, client_name);
}

static void a_minute_passes(void) { kube->login->files.due_us -= LOGIN_FILE_AGE_US; }

static size_t warnings(void) {
    char line[2048];
    size_t count = 0;
    rewind(log_file);
    while (fgets(line, sizeof line, log_file)) count += strstr(line, "keeping what was read before") != NULL;
    (void)fseek(log_file, 0, SEEK_END);
    return count;
}

/* ---- what a kubeconfig can say ----------------------------------------------------------------------------------------------------- */

#define TRUSTING "certificate-authority: pki/ca.pem"
#define AS_JANE "client-certificate: pki/jane.pem, client-key: pki/jane.key"

static void a_relative_authority_is_trusted_and_no_other(void **state) {
    (void)state;
    log_in("localhost", TRUSTING, "token: secret");
    ask_well("-");
    assert_string_equal(authorization, "Bearer secret");
    kube_client_free(kube);
    put("pki/ca.pem", next_ca.cert_pem);
    log_in("localhost", TRUSTING, "token: secret");
    struct seen s = ask();
    assert_int_equal(s.err.code, ERR_UNREACHABLE);
    assert_non_null(strstr(s.err.msg, "certificate"));
}

static void a_server_name_is_asked_for_and_checked(void **state) {
    (void)state;
    log_in("127.0.0.1", TRUSTING ", tls-server-name: api.internal", "token: t");
    struct seen s = ask();
    assert_int_equal(s.err.code, ERR_NONE);
    assert_string_equal(s.sni, "api.internal");
    kube_client_free(kube);
    log_in("127.0.0.1", TRUSTING, "token: t");
    assert_int_equal(ask().err.code, ERR_UNREACHABLE);
}

static void insecure_trusts_anybody(void **state) {
    (void)state;
    log_in("127.0.0.1", "insecure-skip-tls-verify: true", "token: t");
    ask_well("-");
}

static void a_name_and_password_are_basic(void **state) {
    (void)state;
    log_in("localhost", TRUSTING, "username: Aladdin, password: open sesame");
    ask_well("-");
    assert_string_equal(authorization, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="); /* RFC 7617's own example */
}

static void a_client_certificate_is_shown(void **state) {
    (void)state;
    tls_server_become(server, &api, &ca);
    log_in("localhost", TRUSTING, AS_JANE);
    ask_well("jane");
    assert_string_equal(authorization, "");
}

static void files_of_the_environment_add_up(void **state) {
    (void)state;
    char list[512], text[512];
    struct kube_config *config;
    struct err err;
    mkdir(path_of("other"), 0700);
    put("other/token", "from-the-second");
    put("other/config", "users: [{name: u, user: {tokenFile: token}}]\n");
    (void)snprintf(text, sizeof text,
                   "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                   "clusters: [{name: c, cluster: {server: 'https://localhost:%u', " TRUSTING "}}]\n",
                   server->port);
    put("config", text);
    (void)snprintf(list, sizeof list, "%s:%s", path_of("config"), path_of("other/config"));
    setenv("KUBECONFIG", list, 1);
    int rc = kube_config_load(NULL, NULL, &config, &err);
    unsetenv("KUBECONFIG");
    if (rc) fail_msg("%s", err.msg);
    kube = kube_client_new(loop, client, config, metrics, &err);
    kube_config_free(config);
    ask_well("-");
    assert_string_equal(authorization, "Bearer from-the-second");
}

/* ---- proxies ------------------------------------------------------------------------------------------------------------------------ */

/* A name that nobody resolves but the proxy. */
static void goes_through(const char *scheme, const char *user) {
    char cluster[256], target[64];
    (void)snprintf(cluster, sizeof cluster, TRUSTING ", proxy-url: '%s://%s127.0.0.1:%u'", scheme, user, tunnel->port);
    log_in("api.internal", cluster, "token: t");
    ask_well("-");
    ask_well("-");
    (void)snprintf(target, sizeof target, "api.internal:%u", server->port);
    assert_string_equal(tunnel->target, target);
    assert_int_equal(tunnel->count, 1); /* the tunnel is used again, too */
}

static void an_http_proxy_is_used(void **state) {
    (void)state;
    tunnel = tunnel_new(false, NULL);
    goes_through("http", "jane:canary-proxy@");
    assert_string_equal(tunnel->authorization, "Basic amFuZTpjYW5hcnktcHJveHk=");
    assert_string_equal(authorization, "Bearer t"); /* the proxy's password is not the server's business */
}

static void a_proxy_may_speak_tls(void **state) {
    (void)state;
    tunnel = tunnel_new(false, &proxy_id);
    goes_through("https", "");
}

static void a_socks_proxy_resolves_the_name(void **state) {
    (void)state;
    tunnel = tunnel_new(true, NULL);
    goes_through("socks5", "");
}

static void a_proxy_that_is_away_is_an_error_without_its_password(void **state) {
    (void)state;
    log_in("localhost", TRUSTING ", proxy-url: 'http://jane:canary-proxy@127.0.0.1:1'", "token: t");
    struct seen s = ask();
    assert_int_equal(s.err.code, ERR_UNREACHABLE);
    assert_null(strstr(s.err.msg, "canary"));
}

/* ---- rotation ----------------------------------------------------------------------------------------------------------------------- */

static void a_new_authority_is_taken_after_a_minute_and_old_connections_are_left(void **state) {
    (void)state;
    char both[8192];
    log_in("localhost", TRUSTING, "token: t");
    ask_well("-");
    ask_well("-");
    assert_int_equal(server->count, 1);
    (void)snprintf(both, sizeof both, "%s%s", ca.cert_pem, next_ca.cert_pem);
    put("pki/ca.pem", both);
    ask_well("-");
    assert_int_equal(server->count, 1);
    a_minute_passes();
    ask_well("-"); /* what the old ones vouched for, the new ones may not */
    assert_int_equal(server->count, 2);
    put("pki/ca.pem", next_ca.cert_pem);
    a_minute_passes();
    assert_int_equal(ask().err.code, ERR_UNREACHABLE);
}

static void a_failed_handshake_reads_the_files_at_once(void **state) {
    (void)state;
    size_t failed = 0;
    server->closes = true;
    log_in("localhost", TRUSTING, "token: t");
    ask_well("-");
    tls_server_become(server, &next_api, NULL);
    put("pki/ca.pem", next_ca.cert_pem);
    for (int i = 0; i < 3; i++) failed += ask().err.code != ERR_NONE;
    assert_int_equal(failed, 0);
    figure_record("rotation", "failed requests while the certificate authority is exchanged", (double)failed, "");
}

static void a_bad_file_leaves_the_old_authority_and_is_warned_of_once(void **state) {
    (void)state;
    static const char *const BAD[] = {"", "-----BEGIN CERTIFICATE-----\nMIIB", "not a certificate"};
    log_in("localhost", TRUSTING, "token: t");
    server->closes = true;
    ask_well("-");
    for (size_t i = 0; i < 3; i++) {
        put("pki/ca.pem", BAD[i]);
        a_minute_passes();
        ask_well("-");
    }
    unlink(path_of("pki/ca.pem"));
    a_minute_passes();
    ask_well("-");
    assert_int_equal(warnings(), 1);
    put("pki/ca.pem", ca.cert_pem);
    a_minute_passes();
    ask_well("-");
    put("pki/ca.pem", "");
    a_minute_passes();
    ask_well("-");
    assert_int_equal(warnings(), 2);
}

static void a_client_certificate_and_its_key_rotate_together(void **state) {
    (void)state;
    tls_server_become(server, &api, &ca);
    log_in("localhost", TRUSTING, AS_JANE);
    ask_well("jane");
    put("pki/jane.pem", next_jane.cert_pem);
    a_minute_passes();
    ask_well("jane"); /* its key has not come yet */
    put("pki/jane.key", next_jane.key_pem);
    a_minute_passes();
    ask_well("next jane");
    assert_int_equal(warnings(), 1);
}

/* TLS 1.2 and 1.3 differ in when a server judges a client: in the handshake, and after it. */
static void a_certificate_that_the_server_refuses_is_read_again_at_once(void **state) {
    (void)state;
    struct identity heir = identity_new("heir", NULL, &next_ca);
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    server->closes = true;
    for (int i = 0; i < 2; i++) {
        put("pki/jane.pem", jane.cert_pem);
        put("pki/jane.key", jane.key_pem);
        tls_server_become(server, &api, &ca);
        log_in("localhost", TRUSTING, AS_JANE);
        ask_well("jane");
        tls_server_become(server, &api, &next_ca);
        assert_int_equal(SSL_CTX_set_max_proto_version(server->ctx, versions[i]), 1);
        put("pki/jane.pem", heir.cert_pem);
        put("pki/jane.key", heir.key_pem);
        ask_well("heir");
        kube_client_free(kube);
    }
    kube = NULL;
    identity_free(&heir);
}

/* Refuses a certificate without the alert that would say so. */
static int silent_refusal(int ok, X509_STORE_CTX *ctx) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (!ok) (void)shutdown(SSL_get_fd(ssl), SHUT_WR);
    return ok;
}

/* Whether the request was done cannot be told then: it is not repeated, but the next one knows better. */
static void a_lost_connection_has_the_files_read_again(void **state) {
    (void)state;
    struct identity heir = identity_new("heir", NULL, &next_ca);
    server->closes = true;
    log_in("localhost", TRUSTING, AS_JANE);
    ask_well("-");
    put("pki/jane.pem", heir.cert_pem);
    put("pki/jane.key", heir.key_pem);
    tls_server_become(server, &api, &next_ca);
    SSL_CTX_set_verify(server->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, silent_refusal);
    assert_int_equal(ask().err.code, ERR_UNREACHABLE);
    ask_well("heir");
    identity_free(&heir);
}

/* kube-apiserver takes any certificate in the handshake, and answers 401 where it does not know who that is. */
static void an_unauthorized_certificate_is_read_again_at_once(void **state) {
    (void)state;
    log_in("localhost", TRUSTING, AS_JANE);
    tls_server_become(server, &api, NULL);
    SSL_CTX_set_verify(server->ctx, SSL_VERIFY_PEER, any_certificate);
    wanted = "next jane";
    assert_int_equal(ask().err.code, ERR_UNAUTHORIZED);
    put("pki/jane.pem", next_jane.cert_pem);
    put("pki/jane.key", next_jane.key_pem);
    ask_well("next jane");
}

static void a_plugin_may_give_a_certificate(void **state) {
    (void)state;
    struct buf text = buf_new(1 << 16);
    struct err err;
    int rc = buf_puts(&text, "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{", &err);
    if (!rc) rc = buf_puts(&text, "\"clientCertificateData\":", &err);
    if (!rc) rc = json_write_str(str_of(jane.cert_pem), JSON_COMPACT, &text, &err);
    if (!rc) rc = buf_puts(&text, ",\"clientKeyData\":", &err);
    if (!rc) rc = json_write_str(str_of(jane.key_pem), JSON_COMPACT, &text, &err);
    if (!rc) rc = buf_puts(&text, "}}", &err);
    assert_int_equal(rc, 0);
    put("pki/credential", text.data);
    put("login", "#!/bin/sh\nexec cat \"${0%/*}/pki/credential\"\n");
    assert_int_equal(chmod(path_of("login"), 0700), 0);
    buf_free(&text);
    tls_server_become(server, &api, &ca);
    log_in("localhost", TRUSTING, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ./login}");
    ask_well("jane");
}

/* ---- secrets ------------------------------------------------------------------------------------------------------------------------ */

static void must_not_tell(const char *where, const char *text) {
    const char *canary = strstr(text, "canary");
    if (canary) fail_msg("%s tells: %.200s", where, canary);
    if (strstr(text, "PRIVATE KEY")) fail_msg("%s tells a key", where);
}

static void no_secret_is_told(void **state) {
    (void)state;
    static const char *const USERS[] = {
        "token: canary-token",
        "tokenFile: pki/token",
        "username: jane, password: canary-password",
        AS_JANE,
        "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /bin/sh, args: [-c, 'echo "
        "canary-stdout'], env: [{name: SECRET, value: canary-env}]}",
        "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /bin/sh, args: [-c, 'cat pki/x; exit 3 # "
        "canary-argument']}"};
    put("pki/token", "canary-file");
    accepted = "nothing";
    for (size_t i = 0; i < sizeof USERS / sizeof *USERS; i++) {
        log_in("localhost", TRUSTING ", proxy-url: 'http://jane:canary-proxy@127.0.0.1:1'", USERS[i]);
        must_not_tell("an error of a proxy", ask().err.msg);
        kube_client_free(kube);
        log_in("localhost", TRUSTING, USERS[i]);
        put("pki/ca.pem", i % 2 ? "" : ca.cert_pem);
        a_minute_passes();
        must_not_tell("an error", ask().err.msg);
        put("pki/ca.pem", ca.cert_pem);
        kube_client_free(kube);
    }
    kube = NULL;
    struct buf text = buf_new(1 << 20);
    struct err err;
    char line[4096];
    assert_int_equal(metrics_write(metrics, &text, &err), 0);
    must_not_tell("a metric", text.data);
    buf_free(&text);
    rewind(log_file);
    while (fgets(line, sizeof line, log_file)) must_not_tell("the log", line);
}

/* ---- life --------------------------------------------------------------------------------------------------------------------------- */

static int make_identities(void **state) {
    (void)state;
    ca = identity_new("spec ca", NULL, NULL);
    next_ca = identity_new("next ca", NULL, NULL);
    api = identity_new("api", "DNS:api.internal,DNS:localhost", &ca);
    next_api = identity_new("api", "DNS:api.internal,DNS:localhost", &next_ca);
    jane = identity_new("jane", NULL, &ca);
    next_jane = identity_new("next jane", NULL, &ca);
    proxy_id = identity_new("proxy", "IP:127.0.0.1", &ca);
    return 0;
}

static int free_identities(void **state) {
    (void)state;
    identity_free(&ca), identity_free(&next_ca), identity_free(&api), identity_free(&next_api);
    identity_free(&jane), identity_free(&next_jane), identity_free(&proxy_id);
    return 0;
}

static int setup(void **state) {
    (void)snprintf(folder, sizeof folder, "/tmp/trust_test.XXXXXX");
    log_file = tmpfile();
    if (!mkdtemp(folder) || !log_file || base_setup(state)) return -1;
    log_init(log_file, LOG_JSON, LOG_DEBUG);
    metrics = metrics_new();
    server = tls_server_new(&api, NULL);
    server->answer = answer;
    accepted = wanted = NULL;
    mkdir(path_of("pki"), 0700);
    put("pki/ca.pem", ca.cert_pem);
    put("pki/jane.pem", jane.cert_pem);
    put("pki/jane.key", jane.key_pem);
    return 0;
}

static int teardown(void **state) {
    char command[128];
    kube_client_free(kube);
    int rc = base_teardown(state);
    tls_server_free(server);
    if (tunnel) tunnel_free(tunnel);
    metrics_free(metrics);
    kube = NULL;
    tunnel = NULL;
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    fclose(log_file);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return rc ? rc : system(command);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_relative_authority_is_trusted_and_no_other),
        TEST(a_server_name_is_asked_for_and_checked),
        TEST(insecure_trusts_anybody),
        TEST(a_name_and_password_are_basic),
        TEST(a_client_certificate_is_shown),
        TEST(files_of_the_environment_add_up),
        TEST(an_http_proxy_is_used),
        TEST(a_proxy_may_speak_tls),
        TEST(a_socks_proxy_resolves_the_name),
        TEST(a_proxy_that_is_away_is_an_error_without_its_password),
        TEST(a_new_authority_is_taken_after_a_minute_and_old_connections_are_left),
        TEST(a_failed_handshake_reads_the_files_at_once),
        TEST(a_bad_file_leaves_the_old_authority_and_is_warned_of_once),
        TEST(a_client_certificate_and_its_key_rotate_together),
        TEST(a_certificate_that_the_server_refuses_is_read_again_at_once),
        TEST(a_lost_connection_has_the_files_read_again),
        TEST(an_unauthorized_certificate_is_read_again_at_once),
        TEST(a_plugin_may_give_a_certificate),
        TEST(no_secret_is_told),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
