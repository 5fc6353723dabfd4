/* Answers whose end libcurl misses (see net/http_multi.c): an object and a list are whole by their own account. */
#include "net/h2_peer.h"

#include "base/file.h"
#include "kube/client_internal.h"
#include "kube/reflector.h"
#include "metrics/metrics.h"

enum { SMALL_FRAME_BYTES = 4096, BODY_BYTES = 4 * SMALL_FRAME_BYTES + 1219, PATIENCE_MS = 5000 };

static struct resource PODS = {.plural = (char *)(uintptr_t) "pods", .namespaced = true, .watchable = true};

static struct identity ca, api;
static struct tls_server *server;
static struct h2_peer peer;
static struct metrics *metrics;
static struct kube_client *kube;
static struct kube_call *quiet[QUIET];
static int opened;

/* The buffer of a request holds all but the last frame of it. */
static const char *padded(const char *head, const char *tail) {
    static char body[BODY_BYTES + 1];
    size_t filler = BODY_BYTES - strlen(head) - strlen(tail);
    (void)snprintf(body, sizeof body, "%s%0*d%s", head, (int)filler, 0, tail);
    return body;
}

static int make_identities(void **state) {
    (void)state;
    ca = identity_new("spec ca", NULL, NULL);
    api = identity_new("api", "DNS:localhost", &ca);
    return 0;
}

static int free_identities(void **state) {
    (void)state;
    identity_free(&ca), identity_free(&api);
    return 0;
}

static void log_in(void) {
    char path[] = "/tmp/missed-end-XXXXXX", text[512];
    struct kube_config *config;
    struct err err;
    assert_int_not_equal(close(mkstemp(path)), -1);
    (void)snprintf(text, sizeof text,
                   "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                   "clusters: [{name: c, cluster: {server: 'https://localhost:%u', insecure-skip-tls-verify: true}}]\n"
                   "users: [{name: u, user: {token: t}}]\n",
                   server->port);
    if (file_write(path, str_of(text), 0600, &err) || kube_config_load(path, NULL, &config, &err)) fail_msg("%s", err.msg);
    (void)unlink(path);
    kube = kube_client_new(loop, client, config, metrics, &err);
    kube_config_free(config);
    assert_non_null(kube);
}

static void on_open(void *arg) {
    (void)arg;
    opened++;
}

static int on_event(struct str chunk, void *arg, struct err *err) {
    (void)chunk;
    (void)arg;
    (void)err;
    return 0;
}

static void on_end(const struct err *err, void *arg) {
    (void)err;
    (void)arg;
}

static void open_watches(void) {
    const struct kube_stream_request watch = {
        .path = "/watch", .resource = "pods", .verb = "watch", .timeout_ms = -1, .on_chunk = on_event, .on_open = on_open, .done = on_end};
    opened = 0;
    for (int i = 0; i < QUIET; i++) {
        struct err err;
        if (kube_stream(kube, &watch, &quiet[i], &err)) fail_msg("%s", err.msg);
        while (opened <= i) turn(1);
    }
}

static int setup(void **state) {
    if (base_setup(state)) return -1;
    metrics = metrics_new();
    h2_peer_init(&peer);
    peer.frame_bytes = SMALL_FRAME_BYTES;
    peer.body_bytes = BODY_BYTES;
    server = tls_server_new(&api, NULL);
    server->talk = h2_talk;
    server->arg = &peer;
    log_in();
    open_watches();
    return 0;
}

static int teardown(void **state) {
    for (int i = 0; i < QUIET; i++) kube_drop(quiet[i]);
    kube_client_free(kube);
    metrics_free(metrics);
    int rc = base_teardown(state);
    (void)sem_post(&peer.go); /* for what was asked last */
    tls_server_free(server);
    return rc;
}

struct seen {
    bool done, named;
};

static void on_object(struct doc *object, const struct err *err, void *arg) {
    struct seen *s = arg;
    s->done = true;
    s->named = !err && str_is(doc_path_str(doc_root(object), "metadata.name"), "a");
}

static void get(struct seen *s) {
    const struct kube_request request = {.verb = KUBE_GET, .path = "/api/v1/namespaces/x/pods/a", .done = on_object, .arg = s};
    struct err err;
    *s = (struct seen){0};
    if (kube_send(kube, &request, NULL, &err)) fail_msg("%s", err.msg);
    h2_peer_answer(&peer);
    if (!loop_run_until(loop, &s->done, PATIENCE_MS)) fail_msg("the object does not end");
    assert_true(s->named);
}

static void an_object(void **state) {
    (void)state;
    struct seen s;
    peer.body = padded("{\"metadata\":{\"name\":\"a\"},\"data\":\"", "\"}\n");
    get(&s);
}

static void on_state(struct reflector *r, enum reflector_state state, const struct err *err, void *arg) {
    bool *synced = arg;
    (void)r;
    (void)err;
    *synced |= state == REFLECTOR_SYNCED;
}

static void a_list(void **state) {
    (void)state;
    struct err err;
    struct seen s;
    bool synced = false;
    peer.body = padded("{\"metadata\":{\"name\":\"a\"},\"data\":\"", "\"}\n");
    get(&s); /* whose buffer, a small one, the list has then */
    peer.body = padded("{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[{\"metadata\":{\"name\":\"a\","
                       "\"namespace\":\"x\"},\"data\":\"",
                       "\"}]}\n");
    PODS.gvk = gvk_parse(STR("v1/Pod"), &err);
    lists_by_pages(kube);
    struct store *store = store_new(PODS.gvk, NULL);
    struct reflector *r = reflector_new(loop, kube, &PODS, STR(""), store, metrics, on_state, &synced, &err);
    assert_non_null(r);
    h2_peer_answer(&peer);
    bool ended = loop_run_until(loop, &synced, PATIENCE_MS);
    size_t count = store_count(store);
    reflector_free(r);
    store_free(store);
    if (!ended) fail_msg("the list does not end");
    assert_int_equal(count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_object),
        TEST(a_list),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
