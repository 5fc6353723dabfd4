#include "support/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "pods.h"
#include "support/population.h"

enum { REQUEST_MAX_BYTES = 1 << 20, SEND_BYTES = 64 * 1024, VERSION = 1000000 };

struct server {
    int listener, pods;
    uint16_t port, upstream_port;
    atomic_llong pod_bytes;
    pthread_mutex_t lock;
    int watcher;           /* the connection of the last watch of pods that has its list; -1: none */
    atomic_llong *written; /* a pod: AWAITED, or when */
    struct buf event;      /* of server_change_pod */
};

enum { AWAITED = -1 };

/* One connection of the client. */
struct connection {
    struct server *server;
    int fd, upstream;
    struct buf request; /* what was read and not answered yet */
    struct buf out;     /* what was not sent yet */
};

static _Noreturn void die(const char *what) {
    fprintf(stderr, "bench server: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- sending -------------------------------------------------------------------------------------------------------------------- */

static bool send_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool flush(struct connection *c) {
    bool ok = send_all(c->fd, c->out.data, c->out.len);
    buf_clear(&c->out);
    return ok;
}

static void put_head(struct buf *out) {
    put(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

/* Room for the size of a chunk that begins here. */
static size_t begin_chunk(struct buf *out) {
    put(out, "00000000\r\n");
    return out->len;
}

static void end_chunk(struct buf *out, size_t began) {
    char size[9];
    snprintf(size, sizeof size, "%08zx", out->len - began);
    memcpy(out->data + began - 10, size, 8);
    put(out, "\r\n");
}

static void put_event(struct buf *out, const char *type) {
    put(out, "{\"type\":\"");
    put(out, type);
    put(out, "\",\"object\":");
}

/* ---- lists ---------------------------------------------------------------------------------------------------------------------- */

static void put_item(struct connection *c, enum population_kind kind, int i, bool typed) {
    size_t before = c->out.len;
    population_put(&c->out, kind, i, typed);
    if (kind == POPULATION_PODS) atomic_fetch_add(&c->server->pod_bytes, (long long)(c->out.len - before));
}

static bool send_bookmark(struct connection *c, enum population_kind kind) {
    struct err err;
    size_t began = begin_chunk(&c->out);
    put_event(&c->out, "BOOKMARK");
    need(buf_printf(&c->out, &err,
                    "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"resourceVersion\":\"%d\",\"annotations\":"
                    "{\"k8s.io/initial-events-end\":\"true\"}}}}\n",
                    POPULATION[kind].api_version, POPULATION[kind].kind, VERSION),
         &err);
    end_chunk(&c->out, began);
    return flush(c);
}

static bool send_initial_events(struct connection *c, enum population_kind kind) {
    int count = population_count(kind, c->server->pods);
    for (int i = 0; i < count; i++) {
        size_t began = begin_chunk(&c->out);
        put_event(&c->out, "ADDED");
        put_item(c, kind, i, true);
        put(&c->out, "}\n");
        end_chunk(&c->out, began);
        if (c->out.len >= SEND_BYTES && !flush(c)) return false;
    }
    return send_bookmark(c, kind);
}

static long parameter(const char *query, const char *name, long otherwise) {
    const char *at = strstr(query, name);
    return at ? strtol(at + strlen(name), NULL, 10) : otherwise;
}

static bool send_page(struct connection *c, enum population_kind kind, const char *query) {
    struct err err;
    int count = population_count(kind, c->server->pods), from = (int)parameter(query, "continue=", 0);
    long limit = parameter(query, "limit=", count);
    int end = from + limit < count ? from + (int)limit : count;
    put_head(&c->out);
    size_t began = begin_chunk(&c->out);
    need(buf_printf(&c->out, &err, "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"metadata\":{\"resourceVersion\":\"%d\"",
                    POPULATION[kind].kind, POPULATION[kind].api_version, VERSION),
         &err);
    if (end < count) need(buf_printf(&c->out, &err, ",\"continue\":\"%d\"", end), &err);
    put(&c->out, "},\"items\":[");
    for (int i = from; i < end; i++) {
        if (i > from) put(&c->out, ",");
        put_item(c, kind, i, false);
        if (c->out.len < SEND_BYTES) continue;
        end_chunk(&c->out, began);
        if (!flush(c)) return false;
        began = begin_chunk(&c->out);
    }
    put(&c->out, "]}");
    end_chunk(&c->out, began);
    put(&c->out, "0\r\n\r\n");
    return flush(c);
}

static void set_watcher(struct server *s, int from, int to) {
    pthread_mutex_lock(&s->lock);
    if (from < 0 || s->watcher == from) s->watcher = to;
    pthread_mutex_unlock(&s->lock);
}

/* Goes on until the client has enough. Always false: such a connection ends with its watch. */
static bool send_watch(struct connection *c, enum population_kind kind, const char *query) {
    char byte;
    put_head(&c->out);
    if (!flush(c)) return false;
    if (strstr(query, "sendInitialEvents=true") && !send_initial_events(c, kind)) return false;
    if (kind == POPULATION_PODS) set_watcher(c->server, -1, c->fd);
    while (recv(c->fd, &byte, 1, 0) > 0) continue;
    if (kind == POPULATION_PODS) set_watcher(c->server, c->fd, -1);
    return false;
}

/* ---- the rest, by the embedded API server ----------------------------------------------------------------------------------------- */

static int connect_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die("the embedded API server");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* Reads until the head is whole; the length of the body, -1: it has no length. */
static long read_head(int fd, struct buf *in, size_t *head_bytes) {
    char piece[16384];
    struct err err;
    const char *end;
    while (!in->data || !(end = strstr(in->data, "\r\n\r\n"))) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0) return -2;
        need(buf_append(in, piece, (size_t)n, &err), &err);
    }
    *head_bytes = (size_t)(end - in->data) + 4;
    const char *length = strcasestr(in->data, "\r\ncontent-length:");
    return length && length < end ? strtol(length + 17, NULL, 10) : -1;
}

static bool read_to(int fd, struct buf *in, size_t bytes) {
    char piece[16384];
    struct err err;
    while (in->len < bytes) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0) return false;
        need(buf_append(in, piece, (size_t)n, &err), &err);
    }
    return true;
}

/* Of a watch: until one of the two has enough. */
static void relay(struct connection *c) {
    struct pollfd ends[2] = {{.fd = c->upstream, .events = POLLIN}, {.fd = c->fd, .events = POLLIN}};
    char piece[16384];
    while (poll(ends, 2, -1) > 0 && !ends[1].revents) {
        ssize_t n = recv(c->upstream, piece, sizeof piece, 0);
        if (n <= 0 || !send_all(c->fd, piece, (size_t)n)) return;
    }
}

static bool forward(struct connection *c, size_t request_bytes) {
    struct buf answer = buf_new(64 * REQUEST_MAX_BYTES);
    size_t head;
    if (c->upstream < 0) c->upstream = connect_to(c->server->upstream_port);
    bool ok = send_all(c->upstream, c->request.data, request_bytes);
    long length = ok ? read_head(c->upstream, &answer, &head) : -2;
    bool whole = length >= 0 && read_to(c->upstream, &answer, head + (size_t)length);
    ok = length > -2 && send_all(c->fd, answer.data, answer.len);
    buf_free(&answer);
    if (ok && !whole) relay(c);
    return ok && whole;
}

/* ---- requests --------------------------------------------------------------------------------------------------------------------- */

static bool answer_itself(struct connection *c, const char *path, const char *query, bool *goes_on) {
    for (int kind = 0; kind < POPULATION_KINDS; kind++) {
        if (strcmp(path, POPULATION[kind].path) != 0) continue;
        bool watches = strstr(query, "watch=true") != NULL;
        *goes_on = watches ? send_watch(c, (enum population_kind)kind, query) : send_page(c, (enum population_kind)kind, query);
        return true;
    }
    return false;
}

/* A write of a pod's Result itself; its status says nothing new. */
static void note_write(struct server *s, const char *path) {
    const char *name = strstr(path, "/results/");
    int pod = name && !strchr(name + 9, '/') ? population_pod_of_result(name + 9) : -1;
    long long awaited = AWAITED;
    if (pod >= 0 && pod < s->pods) atomic_compare_exchange_strong(&s->written[pod], &awaited, (long long)clock_mono_us());
}

/* True when the connection goes on. */
static bool answer(struct connection *c, size_t request_bytes) {
    char method[16], target[1024];
    bool goes_on;
    if (sscanf(c->request.data, "%15s %1023s", method, target) != 2) die("a request that cannot be read");
    char *query = strchr(target, '?');
    if (query) *query++ = '\0';
    if (strcmp(method, "GET") != 0) note_write(c->server, target);
    if (strcmp(method, "GET") == 0 && answer_itself(c, target, query ? query : "", &goes_on)) return goes_on;
    return forward(c, request_bytes);
}

static void *serve(void *arg) {
    struct connection *c = arg;
    bool goes_on = true;
    while (goes_on) {
        size_t head;
        long length = read_head(c->fd, &c->request, &head);
        if (length < -1) break;
        size_t bytes = head + (size_t)(length > 0 ? length : 0);
        goes_on = read_to(c->fd, &c->request, bytes) && answer(c, bytes);
        buf_consume(&c->request, bytes);
    }
    if (c->upstream >= 0) close(c->upstream);
    close(c->fd);
    buf_free(&c->request);
    buf_free(&c->out);
    free(c);
    return NULL;
}

static void *accept_all(void *arg) {
    struct server *s = arg;
    for (;;) {
        pthread_t thread;
        int one = 1, fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        struct connection *c = fd < 0 ? NULL : malloc(sizeof *c);
        if (!c) die("accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        *c = (struct connection){s, fd, -1, buf_new(REQUEST_MAX_BYTES), buf_new(4 * REQUEST_MAX_BYTES)};
        if (pthread_create(&thread, NULL, serve, c)) die("thread");
        pthread_detach(thread);
    }
    return NULL;
}

struct server *server_new(int pods, uint16_t upstream_port) {
    struct server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    if (!s || !(s->written = calloc((size_t)pods, sizeof *s->written))) die("memory");
    s->pods = pods;
    s->upstream_port = upstream_port;
    s->watcher = -1;
    s->event = buf_new(REQUEST_MAX_BYTES);
    pthread_mutex_init(&s->lock, NULL);
    population_prepare();
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, size) || listen(s->listener, 64)) die("listen");
    if (getsockname(s->listener, (struct sockaddr *)&address, &size)) die("port");
    s->port = ntohs(address.sin_port);
    if (pthread_create(&thread, NULL, accept_all, s)) die("thread");
    pthread_detach(thread);
    return s;
}

uint16_t server_port(const struct server *s) { return s->port; }

int64_t server_pod_bytes(const struct server *s) { return atomic_load(&s->pod_bytes); }

bool server_is_watched(struct server *s) {
    pthread_mutex_lock(&s->lock);
    bool is_watched = s->watcher >= 0;
    pthread_mutex_unlock(&s->lock);
    return is_watched;
}

bool server_change_pod(struct server *s, int pod, int version, bool faulty) {
    buf_clear(&s->event);
    size_t began = begin_chunk(&s->event);
    put_event(&s->event, "MODIFIED");
    population_put_pod(&s->event, pod, version, faulty);
    put(&s->event, "}\n");
    end_chunk(&s->event, began);
    pthread_mutex_lock(&s->lock);
    bool ok = s->watcher >= 0 && send_all(s->watcher, s->event.data, s->event.len);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void server_await(struct server *s, int pod) { atomic_store(&s->written[pod], AWAITED); }

int64_t server_written(const struct server *s, int pod) {
    long long at = atomic_load(&s->written[pod]);
    return at > 0 ? at : 0;
}
