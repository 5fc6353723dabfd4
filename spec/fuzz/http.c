/* Requests to the HTTP server: whatever bytes come, in whatever pieces, they are answered as HTTP or the connection ends, within the limits
 * that the server was given, and a probe that comes after them gets its answer. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/http_server.h"

enum { SERVERS = 2, TURNS = 24, CLIENT_ADDRESSES = 200, PROBE_PATIENCE_MS = 5000, MAX_ANSWER_BYTES = 1 << 20 };

static const struct http_server_limits BODIES = {.connections = 8, .header_bytes = 4096, .body_bytes = 512, .idle_timeout_s = 1};
static const bool NEVER = false;

static struct loop *loop;
static struct http_server *servers[SERVERS];
static size_t handled;

/* Reads everything that a handler may ask for. */
static void handle(struct http_exchange *x, void *arg) {
    const struct http_server_limits *limits = arg;
    struct err err;
    handled++;
    FUZZ_CHECK(http_method(x).n && str_starts(http_path(x), STR("/")), "a request without method or path");
    FUZZ_CHECK(http_body(x).n <= limits->body_bytes, "%zu bytes of body", http_body(x).n);
    FUZZ_CHECK(!limits->get_only || str_is(http_method(x), "GET"), "a " STR_FMT, STR_ARG(http_method(x)));
    struct str query = http_query(x, "watch"), type = http_header(x, "Content-Type");
    if (http_set_header(x, "X-Query", query.n && query.n < 64 ? "some" : "none", &err)) abort();
    http_respond(x, type.n ? 201 : 200, "text/plain", STR("ok"));
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const struct http_server_limits *const limits[SERVERS] = {&HTTP_SERVER_PROBES, &BODIES};
    struct err err;
    (void)argc;
    (void)argv;
    loop = loop_new(&err);
    for (size_t i = 0; i < SERVERS; i++) {
        servers[i] = http_server_new(loop, "127.0.0.1:0", limits[i], handle, (void *)(uintptr_t)limits[i], &err);
        FUZZ_CHECK(servers[i], "%s", err.msg);
    }
    return 0;
}

/* A signal of libFuzzer's clock ends the call; the connection is made all the same (connect(2), EINTR). */
static bool connected(int fd, const struct sockaddr_in *to) {
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;
    if (!connect(fd, (const struct sockaddr *)to, sizeof *to)) return true;
    if (errno != EINTR) return false;
    while (poll(&writable, 1, PROBE_PATIENCE_MS) < 0 && errno == EINTR) {}
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size)) return false;
    errno = error;
    return !error && writable.revents;
}

/* Closing resets it. Where both sides had ended before, its port waits for a minute all the same (TIME_WAIT), and one address has not
 * enough of them for a run: so connections come from many addresses, in turn. */
static int open_connection(const struct http_server *server) {
    static uint32_t turn;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn++ % CLIENT_ADDRESSES)};
    struct linger reset = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    FUZZ_CHECK(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) &&
                   !bind(fd, (struct sockaddr *)&from, sizeof from) && connected(fd, &to),
               "%s", strerror(errno));
    return fd;
}

/* Sends the text in pieces of so many bytes, the loop turning in between. */
static void send_in_pieces(int fd, struct str text, size_t piece) {
    while (text.n) {
        size_t n = text.n < piece ? text.n : piece;
        ssize_t sent = send(fd, text.p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)loop_run_until(loop, &NEVER, 0);
        if (sent < 0) return; /* it was refused */
        text.p += sent;
        text.n -= (size_t)sent;
    }
}

/* What comes back, until the server ends the connection or so many milliseconds brought nothing. The kernel hands bytes over when it likes,
 * on a busy machine later than many turns of the loop: an answer that has to come is waited for by time. */
static size_t receive(int fd, int patience_ms, char out[static MAX_ANSWER_BYTES]) {
    size_t len = 0;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    for (int turns = 0, waited_ms = 0; turns < TURNS || waited_ms < patience_ms;) {
        (void)loop_run_until(loop, &NEVER, 0);
        ssize_t n = recv(fd, out + len, MAX_ANSWER_BYTES - len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN)) return len;
        if (n > 0) {
            len += (size_t)n, turns = 0, waited_ms = 0;
        } else if (++turns >= TURNS && waited_ms < patience_ms && poll(&readable, 1, 1) == 0) {
            waited_ms++;
        }
    }
    return len;
}

static size_t exchange(const struct http_server *server, struct str text, size_t piece, int patience_ms,
                       char answer[static MAX_ANSWER_BYTES]) {
    int fd = open_connection(server);
    send_in_pieces(fd, text, piece);
    (void)shutdown(fd, SHUT_WR);
    size_t len = receive(fd, patience_ms, answer);
    close(fd);
    (void)loop_run_until(loop, &NEVER, 0);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char answer[MAX_ANSWER_BYTES];
    struct str input = fuzz_input(data, size);
    const struct http_server *server = servers[fuzz_choice(&input, SERVERS)];
    size_t piece = 1 + fuzz_choice(&input, 64) * 16;
    size_t len = exchange(server, input, piece, 0, answer);
    FUZZ_CHECK(!len || str_starts((struct str){answer, len}, STR("HTTP/1.")), "answered %.*s", (int)(len < 80 ? len : 80), answer);
    len = exchange(server, STR("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), SIZE_MAX, PROBE_PATIENCE_MS, answer);
    FUZZ_CHECK(str_starts((struct str){answer, len}, STR("HTTP/1.1 200")), "the probe got %zu bytes", len);
    return 0;
}
