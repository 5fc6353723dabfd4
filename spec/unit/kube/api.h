/*
 * api: a scripted API server for tests, and a client of it, on one loop.
 *
 * Each request is recorded and handed to the test's script with its number, so that a test says what is answered when, and
 * afterwards what was asked.
 */
#ifndef SPEC_KUBE_API_H
#define SPEC_KUBE_API_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "net/http_server.h"

enum { API_MAX_SEEN = 4096, API_WAIT_MS = 20 * 1000 };

struct seen {
    char method[8], path[128], version[32], token[64], limit[8], timeout[8];
    bool watch, bookmarks, initial; /* initial: a list that is to be streamed */
    bool gzip;
    int64_t at_us;
};

struct api {
    struct loop *loop;
    struct metrics *metrics;
    struct http_server *server;
    struct http_client *http;
    struct kube_config config;
    struct kube_client *client;
    void (*script)(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth);
    void *arg;
    struct seen seen[API_MAX_SEEN];
    size_t count;
    size_t probes; /* GET /readyz, which is answered without the script, or not at all */
    bool ignores_probes;
    struct http_exchange *ignored;
    bool flag; /* the script or a callback sets it to end api_wait */
    char server_url[64], origin[8];
};

static inline void api_copy(char *out, size_t size, struct str text) { snprintf(out, size, STR_FMT, STR_ARG(text)); }

static inline void api_probe(struct api *api, struct http_exchange *x) {
    api->probes++;
    if (api->ignores_probes)
        api->ignored = x;
    else
        http_respond(x, 200, "text/plain", STR("ok"));
}

static inline void api_handle(struct http_exchange *x, void *arg) {
    struct api *api = arg;
    if (str_is(http_path(x), "/readyz")) {
        api_probe(api, x);
        return;
    }
    assert_true(api->count < API_MAX_SEEN);
    struct seen *q = &api->seen[api->count];
    *q = (struct seen){.at_us = clock_mono_us()};
    api_copy(q->method, sizeof q->method, http_method(x));
    api_copy(q->path, sizeof q->path, http_path(x));
    api_copy(q->version, sizeof q->version, http_query(x, "resourceVersion"));
    api_copy(q->token, sizeof q->token, http_query(x, "continue"));
    api_copy(q->limit, sizeof q->limit, http_query(x, "limit"));
    api_copy(q->timeout, sizeof q->timeout, http_query(x, "timeoutSeconds"));
    q->watch = str_is(http_query(x, "watch"), "true");
    q->initial = str_is(http_query(x, "sendInitialEvents"), "true") && str_is(http_query(x, "resourceVersionMatch"), "NotOlderThan");
    q->gzip = str_is(http_header(x, "Accept-Encoding"), "gzip");
    q->bookmarks = str_is(http_query(x, "allowWatchBookmarks"), "true");
    api->script(api, x, q, api->count++);
}

static inline void api_wait(struct api *api) {
    if (!loop_run_until(api->loop, &api->flag, API_WAIT_MS))
        fail_msg("nothing happened within %d ms; %zu requests", API_WAIT_MS, api->count);
    api->flag = false;
}

/* Lets the loop run for a while in which nothing must happen. */
static inline void api_idle(struct api *api, int64_t ms) {
    const bool never = false;
    (void)loop_run_until(api->loop, &never, ms);
}

static inline int api_setup(void **state) {
    static const struct http_server_limits LIMITS = {
        .connections = 600, .header_bytes = 16384, .body_bytes = 1 << 20, .idle_timeout_s = 60};
    struct api *api = calloc(1, sizeof *api);
    struct err err;
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    api->loop = loop_new(&err);
    api->metrics = metrics_new();
    api->server = http_server_new(api->loop, "127.0.0.1:0", &LIMITS, api_handle, api, &err);
    api->http = http_client_new(api->loop, "test", &err);
    if (!api->loop || !api->metrics || !api->server || !api->http) return -1;
    snprintf(api->server_url, sizeof api->server_url, "http://127.0.0.1:%u", (unsigned)http_server_port(api->server));
    snprintf(api->origin, sizeof api->origin, "test");
    api->config.server = api->server_url;
    api->config.origin = api->origin;
    api->client = kube_client_new(api->loop, api->http, &api->config, api->metrics, &err);
    *state = api;
    return api->client ? 0 : -1;
}

static inline int api_teardown(void **state) {
    struct api *api = *state;
    kube_client_free(api->client);
    http_client_free(api->http);
    if (api->server) http_server_free(api->server);
    loop_free(api->loop);
    metrics_free(api->metrics);
    free(api);
    return 0;
}

static inline void api_json(struct http_exchange *x, int status, const char *text) {
    http_respond(x, status, "application/json", str_of(text));
}

static inline void api_status(struct http_exchange *x, int code, const char *reason, const char *message, int retry_after_s) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"%s\",\"reason\":\"%s\","
             "\"details\":{\"retryAfterSeconds\":%d},\"code\":%d}",
             message, reason, retry_after_s, code);
    api_json(x, code, text);
}

#endif
