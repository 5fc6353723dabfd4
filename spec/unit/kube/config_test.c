/* Kubeconfig files and the in-cluster environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "kube/base64.h"
#include "kube/config.h"
#include "net/tls_server.h"

static char dir[64];
static struct identity ca, person, other;
static char *ca_base64, *cert_base64, *key_base64;

static const char *path_of(const char *name) {
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

/* $CA, $CERT and $KEY stand for the base64 of those. */
static const char *put(const char *name, const char *content) {
    const struct { const char *name, *value; } variables[] = {{"$CA", ca_base64}, {"$CERT", cert_base64}, {"$KEY", key_base64}};
    struct err err;
    struct buf text = buf_new(1 << 20);
    const char *path = path_of(name);
    while (*content) {
        const char *value = NULL;
        size_t n = 1;
        for (size_t i = 0; i < 3 && !value; i++) {
            size_t len = strlen(variables[i].name);
            if (strncmp(content, variables[i].name, len) == 0) value = variables[i].value, n = len;
        }
        assert_int_equal(value ? buf_puts(&text, value, &err) : buf_append(&text, content, 1, &err), 0);
        content += n;
    }
    assert_int_equal(file_write(path, (struct str){text.data, text.len}, 0600, &err), 0);
    buf_free(&text);
    return path;
}

static struct kube_config *load(const char *path, const char *context) {
    struct kube_config *config = NULL;
    struct err err;
    if (kube_config_load(path, context, &config, &err)) fail_msg("%s", err.msg);
    return config;
}

static void refused(const char *path, const char *context, int code, const char *says) {
    struct kube_config *config = NULL;
    struct err err;
    assert_int_equal(kube_config_load(path, context, &config, &err), code);
    if (!strstr(err.msg, says)) fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
    assert_null(strchr(err.msg, '\n'));
    if (path) assert_non_null(strstr(err.msg, path));
}

#define CONTEXTS                                                                                                                           \
    "current-context: dev\ncontexts:\n- name: dev\n  context: {cluster: c, user: u, namespace: shop}\n"                                    \
    "- name: other\n  context: {cluster: c2, user: u2}\n"
#define CLUSTERS                                                                                                                           \
    "clusters:\n- name: c\n  cluster: {server: 'https://10.0.0.1:6443/', certificate-authority-data: $CA, tls-server-name: kube, "         \
    "proxy-url: 'http://proxy:3128'}\n- name: c2\n  cluster: {server: 'http://x', insecure-skip-tls-verify: true}\n"
#define USERS                                                                                                                              \
    "users:\n- name: u\n  user: {client-certificate: pki/cert.pem, client-key-data: $KEY}\n- name: u2\n  user: {token: abc, tokenFile: "   \
    "t}\n"

static void reads_a_whole_entry(void **state) {
    (void)state;
    mkdir(path_of("pki"), 0700);
    put("pki/cert.pem", person.cert_pem);
    const char *path = put("config", CONTEXTS CLUSTERS USERS);
    struct kube_config *config = load(path, NULL);
    char origin[256];
    snprintf(origin, sizeof origin, "%s, context dev", path);
    assert_string_equal(config->origin, origin);
    assert_string_equal(config->server, "https://10.0.0.1:6443");
    assert_string_equal(config->namespace_, "shop");
    assert_string_equal(config->proxy_url, "http://proxy:3128");
    assert_string_equal(config->tls.server_name, "kube");
    assert_true(str_is(config->tls.ca_pem, ca.cert_pem));
    assert_true(str_is(config->tls.cert_pem, person.cert_pem));
    assert_true(str_is(config->tls.key_pem, person.key_pem));
    assert_false(config->tls.insecure);
    assert_null(config->token);
    assert_string_equal(config->cert_file, path_of("pki/cert.pem"));
    assert_null(config->key_file);
    assert_null(config->ca_file);
    kube_config_free(config);
}

static void another_context_is_another_server(void **state) {
    (void)state;
    struct kube_config *config = load(put("config", CONTEXTS CLUSTERS USERS), "other");
    assert_string_equal(config->server, "http://x");
    assert_true(config->tls.insecure);
    assert_string_equal(config->token, "abc");
    assert_string_equal(config->token_file, path_of("t")); /* relative to the file, not to where we stand */
    assert_string_equal(config->namespace_, "default");
    kube_config_free(config);
}

static void files_of_the_environment_are_one(void **state) {
    (void)state;
    char list[512];
    const char *first = put("one", "current-context: dev\nusers:\n- name: u\n  user: {token: first}\n");
    const char *second = put("two", CONTEXTS CLUSTERS USERS);
    snprintf(list, sizeof list, "%s:%s:%s", path_of("absent"), first, second);
    setenv("KUBECONFIG", list, 1);
    struct kube_config *config = load(NULL, NULL);
    assert_string_equal(config->token, "first");
    assert_string_equal(config->server, "https://10.0.0.1:6443");
    assert_non_null(strstr(config->origin, "KUBECONFIG "));
    kube_config_free(config);
    setenv("KUBECONFIG", path_of("absent"), 1);
    refused(NULL, NULL, ERR_NOT_FOUND, "no such file exists");
    unsetenv("KUBECONFIG");
}

/* An encrypted key: OpenSSL would ask the terminal for its passphrase, and wait. */
static void put_encrypted_key(const char *name) {
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, person.key, EVP_aes_128_cbc(), NULL, 0, NULL, (void *)(uintptr_t) "hush"), 1);
    fclose(file);
}

static void errors_name_file_entry_and_field(void **state) {
    (void)state;
    mkdir(path_of("pki"), 0700);
    put("pki/cert.pem", person.cert_pem);
    put("other.pem", other.cert_pem);
    put_encrypted_key("secret.pem");
    const struct {
        const char *text, *says;
        int code;
    } cases[] = {
        {"clusters: [", ": line", ERR_SYNTAX},
        {"clusters: []\n", "current-context is missing", ERR_INVALID},
        {"current-context: x\n", "no context \"x\"", ERR_NOT_FOUND},
        {"current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\n", "no cluster \"y\"", ERR_NOT_FOUND},
        {CONTEXTS CLUSTERS, "no user \"u\"", ERR_NOT_FOUND},
        {CONTEXTS USERS "clusters: [{name: c, cluster: {}}]\n", "cluster \"c\": server is missing", ERR_INVALID},
        {CONTEXTS USERS "clusters: [{name: c, cluster: {server: 'ftp://x'}}]\n", "must start with https://", ERR_INVALID},
        {CONTEXTS USERS "clusters: [{name: c, cluster: {server: 5}}]\n", "cluster \"c\": server must be a string", ERR_INVALID},
        {CONTEXTS USERS "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority: nope}}]\n",
         "cluster \"c\": certificate-authority: cannot open", ERR_NOT_FOUND},
        {CONTEXTS USERS "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: '!'}}]\n",
         "certificate-authority-data is not base64", ERR_SYNTAX},
        {CONTEXTS CLUSTERS "users: [{name: u, user: {client-key-data: $KEY}}]\n", "user \"u\": client-certificate is missing", ERR_INVALID},
        {CONTEXTS USERS "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: Q0EgUEVN}}]\n",
         "cluster \"c\": certificate-authority: holds no certificate", ERR_INVALID},
        {CONTEXTS CLUSTERS "users: [{name: u, user: {client-certificate: other.pem, client-key-data: $KEY}}]\n",
         "user \"u\": the client key does not belong to the client certificate", ERR_INVALID},
        {CONTEXTS CLUSTERS "users: [{name: u, user: {client-certificate-data: $CERT, client-key: secret.pem}}]\n",
         "user \"u\": the client key needs a passphrase", ERR_INVALID},
        {CONTEXTS USERS "clusters: [{name: c, cluster: {server: 'https://x', proxy-url: 'ftp://me:hush@p'}}]\n",
         "cluster \"c\": proxy-url must start with http://", ERR_INVALID},
        {CONTEXTS CLUSTERS "users: [{name: u, user: {auth-provider: {name: gcp}}}]\n", "user \"u\": auth-provider is not supported",
         ERR_UNSUPPORTED},
        {CONTEXTS CLUSTERS "users: [{name: u, user: {token: t, as: jane}}]\n", "user \"u\": as is not supported", ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refused(put("config", cases[i].text), NULL, cases[i].code, cases[i].says);
    refused(path_of("absent"), NULL, ERR_NOT_FOUND, "cannot open");
}

static void finds_the_service_account(void **state) {
    (void)state;
    struct kube_config *config = NULL;
    struct err err;
    unsetenv("KUBERNETES_SERVICE_HOST");
    assert_int_equal(kube_config_in_cluster(dir, &config, &err), ERR_NOT_FOUND);
    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    assert_int_equal(kube_config_in_cluster(path_of("nothing"), &config, &err), ERR_NOT_FOUND);
    put("ca.crt", "half a certificate");
    assert_int_equal(kube_config_in_cluster(dir, &config, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "ca.crt"));
    put("ca.crt", ca.cert_pem);
    put("token", "t");
    put("namespace", "k8sgpt\n");
    assert_int_equal(kube_config_in_cluster(dir, &config, &err), 0);
    assert_string_equal(config->server, "https://[fd00::1]:443");
    assert_string_equal(config->namespace_, "k8sgpt");
    assert_string_equal(config->token_file, path_of("token"));
    assert_true(str_is(config->tls.ca_pem, ca.cert_pem));
    assert_string_equal(config->ca_file, path_of("ca.crt"));
    kube_config_free(config);
    unsetenv("KUBERNETES_SERVICE_HOST");
}

static void without_any_hint_it_says_where_it_looked(void **state) {
    (void)state;
    char home[128];
    snprintf(home, sizeof home, "%s", getenv("HOME") ? getenv("HOME") : "");
    unsetenv("KUBECONFIG");
    setenv("HOME", dir, 1);
    refused(NULL, NULL, ERR_NOT_FOUND, "no cluster to talk to");
    mkdir(path_of(".kube"), 0700);
    put(".kube/config", CONTEXTS CLUSTERS USERS);
    struct kube_config *config = load(NULL, "other");
    assert_string_equal(config->server, "http://x");
    kube_config_free(config);
    setenv("HOME", home, 1);
}

#define EXEC_OF(fields) CONTEXTS CLUSTERS "users: [{name: u, user: {exec: {" fields "}}}]\n"
#define V1 "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, "
#define V1BETA1 "apiVersion: client.authentication.k8s.io/v1beta1, "

static void a_plugin_is_read_as_client_go_reads_it(void **state) {
    (void)state;
    struct kube_config *config = load(put("config", EXEC_OF(V1 "command: ./bin/login, args: [-n, '$HOME `id`'], "
                                                               "env: [{name: A, value: 'b=c'}], installHint: ask Jane")),
                                      NULL);
    const struct kube_exec *exec = config->exec;
    assert_string_equal(exec->api_version, "client.authentication.k8s.io/v1");
    char command[128];
    snprintf(command, sizeof command, "%s/./bin/login", dir); /* from the folder of the kubeconfig, not from where we stand */
    assert_string_equal(exec->args[0], command);
    assert_string_equal(exec->args[1], "-n");
    assert_string_equal(exec->args[2], "$HOME `id`");
    assert_null(exec->args[3]);
    assert_string_equal(exec->env[0], "A=b=c");
    assert_string_equal(exec->env[1], "KUBERNETES_EXEC_INFO={\"kind\":\"ExecCredential\",\"apiVersion\":"
                                      "\"client.authentication.k8s.io/v1\",\"spec\":{\"interactive\":false}}");
    assert_null(exec->env[2]);
    assert_string_equal(exec->install_hint, "ask Jane");
    assert_int_equal(exec->timeout_ms, 30000);
    kube_config_free(config);
    config = load(put("config", EXEC_OF(V1BETA1 "command: aws")), NULL);
    assert_string_equal(config->exec->args[0], "aws"); /* for PATH */
    kube_config_free(config);
}

static void a_plugin_is_told_of_the_cluster_where_it_wants_to(void **state) {
    (void)state;
    char expected[4096];
    struct kube_config *config =
        load(put("config", "current-context: dev\ncontexts: [{name: dev, context: {cluster: c, user: u}}]\n"
                           "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: $CA, tls-server-name: kube, "
                           "proxy-url: 'socks5://p:1080', extensions: [{name: other, extension: 1}, "
                           "{name: client.authentication.k8s.io/exec, extension: {audience: a}}]}}]\n"
                           "users: [{name: u, user: {exec: {" V1 "command: x, provideClusterInfo: true}}}]\n"),
             NULL);
    snprintf(expected, sizeof expected,
             "KUBERNETES_EXEC_INFO={\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":"
             "{\"interactive\":false,\"cluster\":{\"server\":\"https://x\",\"tls-server-name\":\"kube\","
             "\"certificate-authority-data\":\"%s\",\"proxy-url\":\"socks5://p:1080\",\"config\":{\"audience\":\"a\"}}}}",
             ca_base64);
    assert_string_equal(config->exec->env[0], expected);
    assert_string_equal(config->proxy_url, "socks5h://p:1080");
    kube_config_free(config);
}

static void a_plugin_is_for_users_that_have_nothing_else(void **state) {
    (void)state;
    static const char *const OTHERS[] = {"token: t", "tokenFile: t", "username: jane, password: p",
                                         "client-certificate-data: $CERT, client-key-data: $KEY"};
    for (size_t i = 0; i < 4; i++) {
        char text[4096];
        snprintf(text, sizeof text, CONTEXTS CLUSTERS "users: [{name: u, user: {exec: {command: x}, %s}}]\n", OTHERS[i]);
        struct kube_config *config = load(put("config", text), NULL);
        assert_null(config->exec);
        kube_config_free(config);
    }
}

static void a_plugin_that_cannot_work_is_refused(void **state) {
    (void)state;
    const struct {
        const char *text, *says;
        int code;
    } cases[] = {
        {EXEC_OF(V1 "args: [x]"), "exec.command is missing", ERR_INVALID},
        {EXEC_OF("command: x"), "exec.apiVersion must be", ERR_INVALID},
        {EXEC_OF("command: x, apiVersion: client.authentication.k8s.io/v1alpha1"), "not \"client.authentication.k8s.io/v1alpha1\"",
         ERR_UNSUPPORTED},
        {EXEC_OF("command: x, apiVersion: client.authentication.k8s.io/v1"), "exec.interactiveMode must be", ERR_INVALID},
        {EXEC_OF(V1BETA1 "command: x, interactiveMode: Sometimes"), "exec.interactiveMode must be", ERR_INVALID},
        {EXEC_OF(V1BETA1 "command: x, interactiveMode: Always"), "has no terminal", ERR_UNSUPPORTED},
        {EXEC_OF(V1 "command: x, args: [1]"), "exec.args: each must be a string", ERR_INVALID},
        {EXEC_OF(V1 "command: x, args: y"), "exec.args must be a list", ERR_INVALID},
        {EXEC_OF(V1 "command: x, env: [{name: A}]"), "exec.env: each needs a name", ERR_INVALID},
        {EXEC_OF(V1 "command: x, env: [{name: 'A=B', value: c}]"), "exec.env: each needs a name", ERR_INVALID},
        {EXEC_OF(V1 "command: [x]"), "exec.command must be a string", ERR_INVALID},
        {CONTEXTS CLUSTERS "users: [{name: u, user: {exec: aws}}]\n", "exec must be an object", ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refused(put("config", cases[i].text), NULL, cases[i].code, cases[i].says);
}

static void configurations_are_compared_by_what_they_mean(void **state) {
    (void)state;
    static const char *const USERS_OF[] = {"{token: a}",
                                           "{token: b}",
                                           "{tokenFile: a}",
                                           "{username: jane, password: a}",
                                           "{username: jane, password: b}",
                                           "{client-certificate-data: $CERT, client-key-data: $KEY}",
                                           "{exec: {" V1 "command: a}}",
                                           "{exec: {" V1 "command: a, args: [b]}}",
                                           "{exec: {" V1 "command: a, env: [{name: b, value: c}]}}"};
    enum { COUNT = sizeof USERS_OF / sizeof *USERS_OF };
    struct kube_config *all[COUNT + 1];
    for (size_t i = 0; i < COUNT; i++) {
        char text[4096];
        snprintf(text, sizeof text, CONTEXTS CLUSTERS "users: [{name: u, user: %s}]\n", USERS_OF[i]);
        all[i] = load(put("config", text), NULL);
        struct kube_config *again = load(path_of("config"), NULL);
        assert_true(kube_config_equal(all[i], again));
        kube_config_free(again);
    }
    all[COUNT] = load(put("config", CONTEXTS "clusters: [{name: c, cluster: {server: 'https://10.0.0.2'}}]\n"
                                             "users: [{name: u, user: {token: a}}]\n"),
                      NULL);
    for (size_t i = 0; i <= COUNT; i++)
        for (size_t k = 0; k < i; k++) assert_false(kube_config_equal(all[i], all[k]));
    for (size_t i = 0; i <= COUNT; i++) kube_config_free(all[i]);
}

static void make_identities(void) {
    ca = identity_new("ca", NULL, NULL);
    person = identity_new("jane", NULL, &ca);
    other = identity_new("joe", NULL, &ca);
    ca_base64 = base64_encode(str_of(ca.cert_pem));
    cert_base64 = base64_encode(str_of(person.cert_pem));
    key_base64 = base64_encode(str_of(person.key_pem));
}

static int make_dir(void **state) {
    (void)state;
    make_identities();
    unsetenv("KUBECONFIG");
    unsetenv("KUBERNETES_SERVICE_HOST");
    snprintf(dir, sizeof dir, "/tmp/kube_config_test.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    static const char *const FILES[] = {"pki/cert.pem", "pki",          "config", "one",       "two",        "ca.crt", "token",
                                        "namespace",    ".kube/config", ".kube",  "other.pem", "secret.pem", ""};
    identity_free(&ca), identity_free(&person), identity_free(&other);
    free(ca_base64), free(cert_base64), free(key_base64);
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) remove(path_of(FILES[i]));
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_whole_entry),
        cmocka_unit_test(another_context_is_another_server),
        cmocka_unit_test(files_of_the_environment_are_one),
        cmocka_unit_test(errors_name_file_entry_and_field),
        cmocka_unit_test(a_plugin_is_read_as_client_go_reads_it),
        cmocka_unit_test(a_plugin_is_told_of_the_cluster_where_it_wants_to),
        cmocka_unit_test(a_plugin_is_for_users_that_have_nothing_else),
        cmocka_unit_test(a_plugin_that_cannot_work_is_refused),
        cmocka_unit_test(configurations_are_compared_by_what_they_mean),
        cmocka_unit_test(finds_the_service_account),
        cmocka_unit_test(without_any_hint_it_says_where_it_looked),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
