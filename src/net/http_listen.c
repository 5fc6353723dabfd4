#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "net/http_server_internal.h"

enum { BACKLOG = 511, HOST_BYTES = 256, PORT_BYTES = 8 };

/* "HOST:PORT", ":PORT", "[V6]:PORT". */
static bool split(const char *listen, char host[HOST_BYTES], char port[PORT_BYTES]) {
    const char *colon = strrchr(listen, ':');
    if (!colon || !colon[1] || strlen(colon + 1) >= PORT_BYTES) return false;
    size_t n = (size_t)(colon - listen);
    if (n >= 2 && listen[0] == '[' && colon[-1] == ']') listen++, n -= 2;
    if (n >= HOST_BYTES) return false;
    memcpy(host, listen, n);
    host[n] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static int open_one(const struct addrinfo *a) {
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int on = 1, off = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

/* All addresses: the IPv6 one first, which takes IPv4 as well; a machine without IPv6 falls back to IPv4. */
static int open_any(const struct addrinfo *list) {
    int fd = -1;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        if (a->ai_family == AF_INET6) fd = open_one(a);
    }
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        if (a->ai_family == AF_INET) fd = open_one(a);
    }
    return fd;
}

static uint16_t port_of(int fd) {
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &size)) return 0;
    if (bound.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
    return ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

int http_listen(const char *listen, uint16_t *port, struct err *err) {
    char host[HOST_BYTES], service[PORT_BYTES];
    if (!split(listen, host, service)) {
        err_set(err, ERR_INVALID, "cannot listen on %s: not HOST:PORT", listen);
        return -1;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
    int rc = getaddrinfo(*host ? host : NULL, service, &hints, &list);
    if (rc) {
        err_set(err, ERR_INVALID, "cannot listen on %s: %s", listen, gai_strerror(rc));
        return -1;
    }
    int fd = open_any(list);
    if (fd < 0) err_set(err, ERR_IO, "cannot listen on %s: %s", listen, strerror(errno));
    freeaddrinfo(list);
    if (fd >= 0) *port = port_of(fd);
    return fd;
}
