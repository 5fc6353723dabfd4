/* Who we are: tokens from files as they rotate, and credential plugins. */
#include "kube/api.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kube/client_internal.h"
#include "kube/login_internal.h"
#include "support/figure.h"

enum { MAX_CALLS = 16 };
static const int64_t NOON_MS = 1772366400000; /* 2026-03-01T12:00:00Z */

/* What the server accepts and saw, the calls of a test, and the folder with its files. */
struct fixture {
    const char *accepted; /* the one token that is; NULL: any */
    char last[256];       /* Authorization of the last request */
    size_t refused, ended, failed;
    struct err err; /* of the last call */
    char folder[64], token_file[96], runs_file[96];
};
static struct fixture f;
static char *args[4], *env[3], exec_env[128];
static struct kube_exec exec;

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)q;
    (void)nth;
    struct str authorization = http_header(x, "Authorization");
    api_copy(f.last, sizeof f.last, authorization);
    bool accepted = !f.accepted || (str_starts(authorization, STR("Bearer ")) &&
                                    str_is((struct str){authorization.p + 7, authorization.n - 7}, f.accepted));
    if (accepted) {
        api_json(x, 200, "{}");
        return;
    }
    f.refused++;
    api_status(x, 401, "Unauthorized", "Unauthorized", 0);
}

static void on_answer(struct doc *object, const struct err *err, void *arg) {
    struct api *api = arg;
    (void)object;
    f.ended++;
    f.failed += err != NULL;
    f.err = err ? *err : (struct err){0};
    api->flag = true;
}

static int try_send(struct api *api, struct kube_call **call) {
    const struct kube_request request = {.verb = KUBE_GET, .path = "/version", .done = on_answer, .arg = api};
    f.err = (struct err){0};
    return kube_send(api->client, &request, call, &f.err);
}

/* A request and its end, which may come at once where there is no credential. */
static void ask(struct api *api) {
    api->flag = false;
    if (try_send(api, NULL))
        f.failed++;
    else
        api_wait(api);
}

static void ask_well(struct api *api, const char *token) {
    char expected[128];
    ask(api);
    if (f.err.code) fail_msg("%s", f.err.msg);
    snprintf(expected, sizeof expected, "Bearer %s", token);
    assert_string_equal(f.last, expected);
}

static void put(const char *path, const char *text) {
    struct err err;
    assert_int_equal(file_write(path, str_of(text), 0600, &err), 0);
}

static struct login *login_of(struct api *api) { return api->client->login; }

static void a_minute_passes(struct api *api) { login_of(api)->files.due_us -= LOGIN_FILE_AGE_US; }

/* ---- token files ------------------------------------------------------------------------------------------------------------------ */

static void a_token_file_is_read_again_after_a_minute(void **state) {
    struct api *api = *state;
    api->config.token_file = f.token_file;
    put(f.token_file, "one\n");
    ask_well(api, "one");
    put(f.token_file, " two \n");
    ask_well(api, "one");
    a_minute_passes(api);
    ask_well(api, "two");
    assert_true(login_of(api)->files.due_us <= clock_mono_us() + LOGIN_FILE_AGE_US);
}

/* As the kubelet does it: files lie in a folder with a time in its name, and a link to it is exchanged. */
static void swap(const char *generation, const char *token) {
    char path[192], link[128], next[128];
    snprintf(path, sizeof path, "%s/..%s", f.folder, generation);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/..%s/token", f.folder, generation);
    put(path, token);
    snprintf(link, sizeof link, "%s/..data", f.folder);
    snprintf(next, sizeof next, "%s/..data_tmp", f.folder);
    snprintf(path, sizeof path, "..%s", generation);
    assert_int_equal(symlink(path, next), 0);
    assert_int_equal(rename(next, link), 0);
}

static void a_swapped_link_costs_one_refusal_at_most(void **state) {
    struct api *api = *state;
    size_t most = 0;
    api->config.token_file = f.token_file;
    swap("1", "token-1");
    assert_int_equal(symlink("..data/token", f.token_file), 0);
    f.accepted = "token-1";
    ask_well(api, "token-1");
    for (int i = 2; i < 8; i++) {
        char name[2] = {(char)('0' + i), '\0'}, token[32];
        snprintf(token, sizeof token, "token-%d", i);
        swap(name, token);
        f.accepted = token;
        f.refused = 0;
        if (i % 2) a_minute_passes(api); /* else the server is faster */
        for (int k = 0; k < 5; k++) ask_well(api, token);
        if (f.refused > most) most = f.refused;
        assert_int_equal(f.refused, i % 2 ? 0 : 1);
    }
    assert_int_equal(f.failed, 0);
    figure_record("rotation", "refusals by the server a swapped token file", (double)most, "");
    figure_record("rotation", "failed requests while token files are swapped, empty or missing", (double)f.failed, "");
}

static void put_later(void *arg) { put(f.token_file, arg); }

/* The server refuses the old token while the new one is not there yet: the request waits for it. */
static void a_file_that_is_empty_or_missing_for_a_moment_fails_nothing(void **state) {
    struct api *api = *state;
    api->config.token_file = f.token_file;
    put(f.token_file, "old");
    f.accepted = "old";
    ask_well(api, "old");
    for (int missing = 0; missing < 2; missing++) {
        put(f.token_file, "");
        if (missing) unlink(f.token_file);
        a_minute_passes(api);
        ask_well(api, missing ? "new" : "old"); /* the last one goes on being used */
        f.refused = 0;
        f.accepted = missing ? "newer" : "new";
        struct timer *timer = timer_new(api->loop, put_later, (void *)(uintptr_t)f.accepted);
        timer_start(timer, 120);
        ask_well(api, f.accepted);
        assert_int_equal(f.refused, 1);
        timer_free(timer);
    }
    assert_int_equal(f.failed, 0);
}

static void a_file_that_stays_away_is_an_error_in_time(void **state) {
    struct api *api = *state;
    api->config.token_file = f.token_file;
    put(f.token_file, "old");
    ask_well(api, "old");
    unlink(f.token_file);
    f.accepted = "new";
    api->flag = false;
    assert_int_equal(try_send(api, NULL), 0);
    while (!login_of(api)->await_until_us) api_idle(api, 1);
    login_of(api)->await_until_us = clock_mono_us(); /* time is up */
    api_wait(api);
    assert_int_equal(f.err.code, ERR_UNAUTHORIZED);
    assert_non_null(strstr(f.err.msg, f.token_file));
    assert_null(strstr(f.err.msg, "old"));
    assert_int_equal(f.refused, 1);
}

/* The server may let nobody do a little: without a token nothing is asked in nobody's name. */
static void without_a_token_nothing_is_asked(void **state) {
    struct api *api = *state;
    api->config.token_file = f.token_file;
    ask(api);
    assert_int_equal(f.err.code, ERR_IO);
    assert_non_null(strstr(f.err.msg, f.token_file));
    assert_int_equal(api->count, 0);
    put(f.token_file, "late");
    login_of(api)->files.due_us = 0; /* a second passes */
    ask_well(api, "late");
}

/* ---- plugins ---------------------------------------------------------------------------------------------------------------------- */

/* A plugin in shell: `body`, after it has noted that it ran. */
static void use_plugin(struct api *api, const char *body) {
    static char text[4096];
    snprintf(text, sizeof text, "echo run >>%s; %s", f.runs_file, body);
    args[2] = text;
    exec = (struct kube_exec){
        .api_version = (char *)(uintptr_t) "client.authentication.k8s.io/v1", .args = args, .env = env, .timeout_ms = KUBE_EXEC_TIMEOUT_MS};
    api->config.exec = &exec;
}

#define ANSWER_HEAD "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{"
#define GIVES(status) "echo '" ANSWER_HEAD status "}}'"

static size_t runs(void) {
    struct buf text = buf_new(1 << 20);
    size_t count = 0;
    if (file_read(f.runs_file, &text, NULL) == 0)
        for (size_t i = 0; i < text.len; i++) count += text.data[i] == '\n';
    buf_free(&text);
    return count;
}

/* token-N, where N counts the runs. */
static const char *counting(const char *expires) {
    static char body[1024];
    snprintf(body, sizeof body, "printf '" ANSWER_HEAD "\"token\":\"token-%%d\"%s%s%s}}' $(wc -l <%s)",
             expires ? ",\"expirationTimestamp\":\"" : "", expires ? expires : "", expires ? "\"" : "", f.runs_file);
    return body;
}

static void one_run_serves_all_who_wait(void **state) {
    struct api *api = *state;
    use_plugin(api, counting(NULL));
    for (int i = 0; i < MAX_CALLS; i++) assert_int_equal(try_send(api, NULL), 0);
    assert_int_equal(api->count, 0);
    while (f.ended < MAX_CALLS) api_wait(api);
    assert_int_equal(f.failed, 0);
    for (int i = 0; i < 3; i++) ask_well(api, "token-1");
    assert_int_equal(runs(), 1);
}

static void the_environment_is_ours_and_theirs(void **state) {
    struct api *api = *state;
    setenv("LOGIN_TEST_OURS", "ours", 1);
    setenv("LOGIN_TEST_BOTH", "ours", 1);
    use_plugin(api, "printf '" ANSWER_HEAD "\"token\":\"%s-%s-%s\"}}' $LOGIN_TEST_OURS $LOGIN_TEST_BOTH "
                    "$(tr '\\0' '\\n' </proc/$$/environ | grep -c ^LOGIN_TEST)");
    ask_well(api, "ours-theirs-2");
}

static void a_credential_is_renewed_before_it_expires(void **state) {
    struct api *api = *state;
    use_plugin(api, counting("2026-03-01T12:01:00Z"));
    clock_fix_wall(NOON_MS);
    ask_well(api, "token-1");
    clock_fix_wall(NOON_MS + 49000);
    ask_well(api, "token-1");
    assert_int_equal(runs(), 1);
    clock_fix_wall(NOON_MS + 51000);
    ask_well(api, "token-1"); /* nobody waits for the next one */
    while (plugin_is_running(login_of(api)->plugin.plugin)) api_idle(api, 1);
    assert_int_equal(runs(), 2);
    assert_string_equal(login_of(api)->plugin.answer.token, "token-2");
}

static void an_expired_credential_is_waited_for(void **state) {
    struct api *api = *state;
    use_plugin(api, counting("2026-03-01T12:01:00Z"));
    clock_fix_wall(NOON_MS);
    ask_well(api, "token-1");
    clock_fix_wall(NOON_MS + 61000);
    ask_well(api, "token-2");
    /* It has expired by our clock, which may be wrong: the server judges, and the plugin does not run for every request. */
    for (int i = 0; i < 5; i++) ask_well(api, "token-2");
    assert_int_equal(runs(), 2);
    login_of(api)->plugin.not_before_us = 0;
    ask_well(api, "token-3");
}

static void a_refused_credential_is_replaced(void **state) {
    struct api *api = *state;
    use_plugin(api, counting(NULL));
    ask_well(api, "token-1");
    f.accepted = "token-2";
    ask_well(api, "token-2");
    assert_int_equal(f.refused, 1);
    assert_int_equal(f.failed, 0);
    assert_int_equal(runs(), 2);
}

static void a_server_that_goes_on_refusing_is_no_storm_of_runs(void **state) {
    struct api *api = *state;
    use_plugin(api, counting(NULL));
    f.accepted = "another";
    for (int i = 0; i < 50; i++) ask(api);
    assert_int_equal(f.failed, 50);
    assert_int_equal(f.err.code, ERR_UNAUTHORIZED);
    assert_in_range(runs(), 2, 3); /* on a slow machine the first pause, 0.8 s, may be over */
    assert_true(login_of(api)->plugin.not_before_us > 0);
}

static void a_failing_plugin_is_told_of_and_left_alone_for_a_while(void **state) {
    struct api *api = *state;
    use_plugin(api, "echo 'canary-on-stdout'; echo >&2; echo 'the session has expired: run `login`' >&2; exit 7");
    for (int i = 0; i < 30; i++) ask(api);
    assert_int_equal(f.failed, 30);
    assert_int_equal(f.err.code, ERR_IO);
    assert_string_equal(f.err.msg, "credential plugin /bin/sh: exit status 7: the session has expired: run `login`");
    assert_in_range(f.err.retry_after_s, 1, 3);
    assert_int_equal(api->count, 0);
    assert_in_range(runs(), 1, 2);
    size_t before = runs();
    login_of(api)->plugin.not_before_us = 0; /* the pause is over */
    use_plugin(api, GIVES("\"token\":\"well\""));
    ask_well(api, "well");
    assert_int_equal(runs(), before + 1);
}

static void a_hanging_plugin_holds_nothing_up_for_long(void **state) {
    struct api *api = *state;
    use_plugin(api, "sleep 1000");
    exec.timeout_ms = 250;
    int64_t start_us = clock_mono_us();
    ask(api);
    assert_int_equal(f.err.code, ERR_TIMEOUT);
    assert_non_null(strstr(f.err.msg, "did not end within 250 ms"));
    figure_record("login", "time that a request waits beyond the deadline of a hanging plugin",
                  (double)(clock_mono_us() - start_us) / 1e6 - 0.25, "s");
}

static void a_noisy_plugin_is_refused(void **state) {
    struct api *api = *state;
    use_plugin(api, "yes 0123456789");
    ask(api);
    assert_int_equal(f.err.code, ERR_IO);
    assert_non_null(strstr(f.err.msg, "printed more than 1024 KiB on its standard output"));
}

static void a_missing_plugin_shows_how_to_install_it(void **state) {
    struct api *api = *state;
    char *nothing[] = {(char *)(uintptr_t) "no-such-login", NULL};
    use_plugin(api, "");
    exec.args = nothing;
    exec.install_hint = (char *)(uintptr_t) "apt install\nno-such-login";
    ask(api);
    assert_string_equal(f.err.msg, "credential plugin no-such-login: no such program in PATH: apt install no-such-login");
    assert_int_equal(f.err.code, ERR_IO);
}

static void who_waits_may_go(void **state) {
    struct api *api = *state;
    struct kube_call *dropped, *cancelled;
    use_plugin(api, "sleep 1000");
    assert_int_equal(try_send(api, &dropped), 0);
    assert_int_equal(try_send(api, &cancelled), 0);
    kube_drop(dropped);
    api->flag = false;
    kube_cancel(cancelled);
    assert_int_equal(f.ended, 0);
    api_wait(api);
    assert_int_equal(f.ended, 1);
    assert_int_equal(f.err.code, ERR_CANCELLED);
    assert_int_equal(try_send(api, NULL), 0); /* waits still as the client goes, and the plugin with it */
}

static void another_configuration_is_used_from_then_on(void **state) {
    struct api *api = *state;
    struct err err;
    use_plugin(api, "sleep 1000");
    assert_int_equal(try_send(api, NULL), 0);
    struct kube_config other = {.server = api->server_url, .origin = api->origin, .token = (char *)(uintptr_t) "other"};
    assert_int_equal(kube_client_use(api->client, &other, &err), 0);
    assert_int_equal(f.err.code, ERR_CANCELLED); /* it had not been sent */
    ask_well(api, "other");
    assert_int_equal(kube_client_use(api->client, &api->config, &err), 0);
    assert_int_equal(other.shares, 0);
}

static void answers_are_read_strictly(void **state) {
    (void)state;
    const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no JSON"},
        {"canary", "no JSON"},
        {"[]", "no ExecCredential"},
        {"{\"kind\":\"ExecCredential\"}", "the kubeconfig says client.authentication.k8s.io/v1"},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"canary\"}}",
         "it answered as \"client.authentication.k8s.io/v1beta1\""},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\"}", "no status"},
        {ANSWER_HEAD "}}", "neither a token nor"},
        {ANSWER_HEAD "\"token\":\"\"}}", "neither a token nor"},
        {ANSWER_HEAD "\"token\":5}}", "status.token is not a string"},
        {ANSWER_HEAD "\"token\":\"canary\\nHost: evil\"}}", "line break"},
        {ANSWER_HEAD "\"clientCertificateData\":\"canary\"}}", "only one of"},
        {ANSWER_HEAD "\"clientCertificateData\":\"canary\",\"clientKeyData\":\"canary\"}}", "the client certificate is none"},
        {ANSWER_HEAD "\"token\":\"canary\",\"expirationTimestamp\":\"soon\"}}", "no RFC 3339 time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plugin_answer answer;
        struct err err;
        assert_int_not_equal(plugin_read_answer(str_of(cases[i].text), "client.authentication.k8s.io/v1", &answer, &err), 0);
        if (!strstr(err.msg, cases[i].says)) fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i].says);
        assert_null(strstr(err.msg, "canary"));
        assert_null(answer.token);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------------------------- */

static int setup(void **state) {
    f = (struct fixture){0};
    snprintf(f.folder, sizeof f.folder, "/tmp/login_test.XXXXXX");
    if (!mkdtemp(f.folder) || api_setup(state)) return -1;
    snprintf(f.token_file, sizeof f.token_file, "%s/token", f.folder);
    snprintf(f.runs_file, sizeof f.runs_file, "%s/runs", f.folder);
    snprintf(exec_env, sizeof exec_env, "LOGIN_TEST_BOTH=theirs");
    args[0] = (char *)(uintptr_t) "/bin/sh";
    args[1] = (char *)(uintptr_t) "-c";
    env[0] = exec_env;
    env[1] = (char *)(uintptr_t) "KUBERNETES_EXEC_INFO={}";
    clock_fix_wall(NOON_MS);
    ((struct api *)*state)->script = script;
    return 0;
}

static int teardown(void **state) {
    char command[128];
    int rc = api_teardown(state);
    snprintf(command, sizeof command, "rm -rf %s", f.folder);
    return rc ? rc : system(command);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_token_file_is_read_again_after_a_minute),
        TEST(a_swapped_link_costs_one_refusal_at_most),
        TEST(a_file_that_is_empty_or_missing_for_a_moment_fails_nothing),
        TEST(a_file_that_stays_away_is_an_error_in_time),
        TEST(without_a_token_nothing_is_asked),
        TEST(one_run_serves_all_who_wait),
        TEST(the_environment_is_ours_and_theirs),
        TEST(a_credential_is_renewed_before_it_expires),
        TEST(an_expired_credential_is_waited_for),
        TEST(a_refused_credential_is_replaced),
        TEST(a_server_that_goes_on_refusing_is_no_storm_of_runs),
        TEST(a_failing_plugin_is_told_of_and_left_alone_for_a_while),
        TEST(a_hanging_plugin_holds_nothing_up_for_long),
        TEST(a_noisy_plugin_is_refused),
        TEST(a_missing_plugin_shows_how_to_install_it),
        TEST(who_waits_may_go),
        TEST(another_configuration_is_used_from_then_on),
        cmocka_unit_test(answers_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
