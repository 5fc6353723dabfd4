#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "net/http_client_internal.h"

static void destroy(struct http_client *c);

/* From enter to leave calls back; a client that is freed meanwhile goes when the last of these frames ends. */
void http_client_enter(struct http_client *c) { c->depth++; }

void http_client_leave(struct http_client *c) {
    if (--c->depth == 0 && c->closing) destroy(c);
}

static struct http_call **list_of(struct http_call *call) {
    struct http_client *c = call->client;
    if (call->state == CALL_STARTING) return &c->starting;
    return call->state == CALL_RUNNING ? &c->running : &c->ending;
}

static void move(struct http_call *call, enum call_state state) {
    struct http_call **from = list_of(call);
    DL_DELETE(*from, call);
    call->state = state;
    struct http_call **to = list_of(call);
    DL_APPEND(*to, call);
}

static void finish(struct http_call *call, CURLcode code) {
    struct http_client *c = call->client;
    struct http_call **list = list_of(call);
    DL_DELETE(*list, call);
    if (call->in_multi) (void)curl_multi_remove_handle(c->multi, call->easy);
    if ((code || call->state == CALL_ENDING) && !c->closing && http_call_is_http2(call)) http_multi_look_again(c);
    struct http_response response = http_call_response(call, code);
    call->state = CALL_DONE;
    call->request.on_done(&response, call->request.arg);
    http_call_free(call);
}

void http_client_collect(struct http_client *c) {
    int left = 0;
    for (CURLMsg *m; !c->closing && (m = curl_multi_info_read(c->multi, &left));) {
        struct http_call *call = NULL;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
        finish(call, m->data.result);
    }
}

void http_client_end_whole(struct http_client *c) {
    struct http_call *call, *next;
    DL_FOREACH_SAFE(c->running, call, next) {
        if (!http_call_is_whole(call)) continue;
        call->whole = true;
        move(call, CALL_ENDING);
        worker_wake(c->sweeper);
    }
}

static int start(struct http_call *call) {
    CURLMcode rc = curl_multi_add_handle(call->client->multi, call->easy);
    call->in_multi = rc == CURLM_OK;
    return rc == CURLM_OK ? 0 : ERR_NOMEM;
}

static bool sweep(void *arg) {
    struct http_client *c = arg;
    http_client_enter(c);
    while (!c->closing && c->starting) {
        struct http_call *call = c->starting;
        move(call, CALL_RUNNING);
        if (start(call)) finish(call, CURLE_OUT_OF_MEMORY);
    }
    while (!c->closing && c->ending) finish(c->ending, CURLE_OK);
    if (!c->closing && c->due) http_multi_timeout(c);
    if (!c->closing && c->reread) http_multi_reread(c);
    http_client_leave(c);
    return false;
}

static void cancel_all(struct http_client *c, struct http_call **list) {
    while (*list) {
        move(*list, CALL_ENDING);
        finish(c->ending, CURLE_OK);
    }
}

/* ---- until when requests may leave -------------------------------------------------------------------------------------------- */

bool http_client_is_over(const struct http_client *c) {
    return c->allowed_until_us != HTTP_ALWAYS && clock_boot_us() >= c->allowed_until_us;
}

bool http_client_may_send(struct http_client *c) {
    if (!http_client_is_over(c)) return true;
    http_multi_reset(c);
    cancel_all(c, &c->starting);
    cancel_all(c, &c->running);
    return false;
}

static void gate_closed(void *arg) {
    struct http_client *c = arg;
    http_client_enter(c);
    (void)http_client_may_send(c);
    http_client_leave(c);
}

void http_client_allow_until(struct http_client *c, int64_t boot_us) {
    c->allowed_until_us = boot_us;
    timer_stop(c->gate);
    if (http_client_is_over(c) && c->depth == 0)
        gate_closed(c);
    else if (boot_us != HTTP_ALWAYS)
        timer_start(c->gate, (boot_us - clock_boot_us() + 999) / 1000);
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

/* Loads OpenSSL and friends: once in the life of the process, never undone. */
static bool curl_ready(void) {
    static bool ready;
    if (!ready) ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return ready;
}

struct http_client *http_client_new(struct loop *loop, const char *user_agent, struct err *err) {
    struct http_client *c = calloc(1, sizeof *c);
    if (!c || !curl_ready()) goto fail;
    c->loop = loop;
    c->user_agent = str_dup(str_of(user_agent));
    c->sweeper = worker_new(loop, sweep, c);
    c->gate = timer_new(loop, gate_closed, c);
    c->allowed_until_us = HTTP_ALWAYS;
    if (!c->user_agent || !c->sweeper || !c->gate || http_multi_open(c, err)) goto fail;
    return c;
fail:
    err_set(err, ERR_NOMEM, "no memory for an HTTP client");
    if (c) destroy(c);
    return NULL;
}

static void destroy(struct http_client *c) {
    c->depth++;
    cancel_all(c, &c->starting);
    cancel_all(c, &c->running);
    cancel_all(c, &c->ending);
    while (c->spare_count) curl_easy_cleanup(c->spare[--c->spare_count]);
    http_multi_close(c);
    worker_free(c->sweeper);
    timer_free(c->gate);
    free(c->user_agent);
    free(c);
}

void http_client_free(struct http_client *c) {
    if (!c || c->closing) return;
    c->closing = true;
    if (c->depth == 0) destroy(c);
}

static void refuse(struct http_call *call, struct err *err, enum err_code code, const char *why) {
    err_set(err, code, "%s: %s", call->label, why);
    http_call_free(call);
}

struct http_call *http_send(struct http_client *c, const struct http_request *request, struct err *err) {
    struct http_call *call = http_call_new(c, request, err);
    if (!call) return NULL;
    if (c->closing) {
        refuse(call, err, ERR_CANCELLED, "the client is closing");
        return NULL;
    }
    if (http_client_is_over(c)) {
        refuse(call, err, ERR_CANCELLED, "it may not be sent any more");
        return NULL;
    }
    if (!c->in_curl && start(call)) {
        refuse(call, err, ERR_NOMEM, "no memory for the request");
        return NULL;
    }
    call->state = c->in_curl ? CALL_STARTING : CALL_RUNNING;
    struct http_call **list = list_of(call);
    DL_APPEND(*list, call);
    if (c->in_curl) worker_wake(c->sweeper);
    return call;
}

void http_cancel(struct http_call *call) {
    if (call->state == CALL_DONE || call->state == CALL_ENDING) return;
    struct http_client *c = call->client;
    move(call, CALL_ENDING);
    worker_wake(c->sweeper);
}

/* HTTP/2 calls share a connection, which curl keeps for the next one although a call on it was cancelled: on a dead link that hangs too. */
void http_abandon(struct http_call *call) {
    if (call->state == CALL_DONE || call->state == CALL_ENDING) return;
    (void)curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    http_cancel(call);
}
