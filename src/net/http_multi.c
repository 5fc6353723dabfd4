#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>
#include <uv.h>

#include "net/http_client_internal.h"

enum {
    KEPT_CONNECTIONS = 32,
    MUCH_BYTES = 8 << 10, /* half of the smallest buffer that a request of curl has */
};

/* One socket that curl wants watched. */
struct http_sock {
    uv_poll_t uv;
    struct http_client *client;
    struct http_sock *prev, *next;
    curl_socket_t fd;
    int wanted;  /* UV_READABLE | UV_WRITABLE */
    bool unread; /* is to be read again */
};

/* ---- what curl read and left lying -------------------------------------------------------------------------------------------- */

/*
 * curl 7.88 reads an HTTP/2 connection on behalf of whichever request it comes to. Once the buffer of another is full it stops (nghttp2's
 * NGHTTP2_ERR_PAUSE), hands the buffer over, and then forgets two things until more comes, which on a quiet connection, such as that of
 * watches, is until the next event:
 *   the rest of what it has read (cf_h2_data_pending compares the wrong way round): so when a buffer may have been full, or a request
 *     ended that curl may have stopped for, its sockets are read again until nothing more is handed over;
 *   where the rest was empty, the end of the frame, and with it that of the answer, which nghttp2 would tell if it were called: so whoever
 *     knows by other means that his answer is whole is asked then.
 */
void http_multi_look_again(struct http_client *c) {
    c->reread = true;
    worker_wake(c->sweeper);
}

static void note_handed(struct http_client *c, size_t enough_bytes) {
    if (c->handed_bytes >= enough_bytes) http_multi_look_again(c);
    c->handed_bytes = 0;
}

/*
 * The only place where curl sends (and before_request looks before each request that begins). The gate's timer alone would be late: a
 * process that was stopped comes back in the middle of a turn of libuv, which hands it the sockets that became ready before it looks at its
 * timers.
 */
static void drive(struct http_client *c, curl_socket_t fd, int events, size_t enough_bytes) {
    int still_running = 0;
    http_client_enter(c);
    if (http_client_may_send(c)) {
        c->in_curl = true;
        (void)curl_multi_socket_action(c->multi, fd, events, &still_running);
        c->in_curl = false;
        note_handed(c, enough_bytes);
        http_client_collect(c);
    }
    http_client_leave(c);
}

/* Sockets come and go meanwhile. */
void http_multi_reread(struct http_client *c) {
    c->reread = false;
    for (struct http_sock *s = c->socks; s; s = s->next) s->unread = true;
    for (struct http_sock *s = c->socks; s && !c->closing;) {
        if (!s->unread) {
            s = s->next;
            continue;
        }
        s->unread = false;
        drive(c, s->fd, CURL_CSELECT_IN, 1);
        s = c->socks;
    }
    if (!c->reread && !c->closing) http_client_end_whole(c);
}

void http_multi_timeout(struct http_client *c) {
    c->due = false;
    drive(c, CURL_SOCKET_TIMEOUT, 0, MUCH_BYTES);
}

static void on_timeout(void *arg) { http_multi_timeout(arg); }

static void on_ready(uv_poll_t *handle, int status, int events);

/* libuv stops a handle whose socket has an error; what curl makes of the error must not depend on it going on. */
static void watch(struct http_sock *s) { (void)uv_poll_start(&s->uv, s->wanted, on_ready); }

static void on_ready(uv_poll_t *handle, int status, int events) {
    struct http_sock *s = handle->data;
    int bits = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    /* With IN curl reads what came before the error, such as an early 413, and finds the error itself. */
    if (status < 0) bits = CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR;
    drive(s->client, s->fd, bits, MUCH_BYTES);
    if (status < 0 && !uv_is_closing((uv_handle_t *)handle) && !uv_is_active((uv_handle_t *)handle)) watch(s);
}

static void on_closed(uv_handle_t *handle) { free(handle->data); }

static struct http_sock *sock_new(struct http_client *c, curl_socket_t fd) {
    struct http_sock *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    if (uv_poll_init_socket(loop_uv(c->loop), &s->uv, fd)) {
        free(s);
        return NULL;
    }
    s->uv.data = s;
    s->client = c;
    s->fd = fd;
    return s;
}

/* An error here would be the end of the multi handle: curl aborts whatever is added to it from then on. Only this call has to end. */
static void end_unwatched(CURL *easy) {
    struct http_call *call = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    if (!call) return;
    call->unwatched = true;
    (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    http_cancel(call);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *client, void *socket) {
    struct http_client *c = client;
    struct http_sock *s = socket;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            DL_DELETE(c->socks, s);
            uv_close((uv_handle_t *)&s->uv, on_closed);
        }
        (void)curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!s) {
        s = sock_new(c, fd);
        if (!s) {
            end_unwatched(easy);
            return 0;
        }
        DL_APPEND(c->socks, s);
        (void)curl_multi_assign(c->multi, fd, s);
    }
    s->wanted = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    watch(s);
    return 0;
}

/* "At once" is a turn of the loop, not a timer: no millisecond is lost at the start of each request. */
static int on_timer(CURLM *multi, long timeout_ms, void *client) {
    (void)multi;
    struct http_client *c = client;
    c->due = timeout_ms == 0;
    if (timeout_ms > 0) {
        timer_start(c->timer, timeout_ms);
    } else {
        timer_stop(c->timer);
    }
    if (c->due) worker_wake(c->sweeper);
    return 0;
}

/* connect(2): AF_UNSPEC dissolves the association; of a TCP socket Linux then drops what is unsent and resets the peer (tcp_disconnect). */
void http_multi_reset(struct http_client *c) {
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    for (struct http_sock *s = c->socks; s; s = s->next) (void)connect(s->fd, &nobody, sizeof nobody);
}

int http_multi_open(struct http_client *c, struct err *err) {
    c->timer = timer_new(c->loop, on_timeout, c);
    c->multi = curl_multi_init();
    if (!c->timer || !c->multi) return err_set(err, ERR_NOMEM, "no memory for an HTTP client");
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    (void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    return 0;
}

/* Closing the connections still calls on_socket and on_timer: the timer goes last. */
void http_multi_close(struct http_client *c) {
    if (c->multi) (void)curl_multi_cleanup(c->multi);
    timer_free(c->timer);
}
