/*
 * faultproxy: stands between a client and an API server and does to their connections what a test asks for. A tool of the tests, see
 * spec/support/faultproxy.lua.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "channel.h"
#include "control.h"
#include "memory.h"
#include "tls.h"

static const char HELP[] =
    "Usage: faultproxy --upstream URL [flags]\n"
    "\n"
    "Passes connections on to a server, with the faults that rules ask for. Prints a line of JSON with its ports, then one an event.\n"
    "\n"
    "Flags:\n"
    "  --upstream URL             http://127.0.0.1:PORT or https://127.0.0.1:PORT\n"
    "  --upstream-ca FILE         who must have signed the server's certificate (default: it is not verified)\n"
    "  --upstream-cert FILE       the certificate to show to the server\n"
    "  --upstream-key FILE        its key\n"
    "  --upstream-token FILE      the token to name to the server (default: the client's)\n"
    "  --tls-ca-out FILE          listen by TLS, and write whom clients have to trust\n"
    "  --raw                      pass bytes unread, whatever protocol they are of\n"
    "  --quiet                    print no events\n";

struct settings {
    const char *upstream, *ca, *cert, *key, *token, *ca_out;
    bool raw, quiet;
};

static bool read_flags(struct settings *s, int argc, char **argv) {
    static const struct option FLAGS[] = {{"upstream", required_argument, NULL, 'u'},
                                          {"upstream-ca", required_argument, NULL, 'a'},
                                          {"upstream-cert", required_argument, NULL, 'c'},
                                          {"upstream-key", required_argument, NULL, 'k'},
                                          {"upstream-token", required_argument, NULL, 't'},
                                          {"tls-ca-out", required_argument, NULL, 'o'},
                                          {"raw", no_argument, NULL, 'r'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {NULL, 0, NULL, 0}};
    int flag;
    while ((flag = getopt_long(argc, argv, "", FLAGS, NULL)) != -1) {
        switch (flag) {
        case 'u': s->upstream = optarg; break;
        case 'a': s->ca = optarg; break;
        case 'c': s->cert = optarg; break;
        case 'k': s->key = optarg; break;
        case 't': s->token = optarg; break;
        case 'o': s->ca_out = optarg; break;
        case 'r': s->raw = true; break;
        case 'q': s->quiet = true; break;
        default: return false;
        }
    }
    return s->upstream && optind == argc;
}

static int read_token(struct proxy *p, const char *path, struct err *err) {
    enum { MAX_TOKEN_BYTES = 64 * 1024 };
    struct buf token = buf_new(MAX_TOKEN_BYTES), line = buf_new(MAX_TOKEN_BYTES);
    int rc = file_read(path, &token, err);
    if (!rc && token.data) token.data[strcspn(token.data, "\r\n")] = '\0';
    if (!rc) rc = buf_printf(&line, err, "Bearer %s", token.data ? token.data : "");
    if (!rc) p->authorization = buf_take(&line, NULL);
    buf_free(&token);
    buf_free(&line);
    return rc;
}

static int prepare(struct proxy *p, const struct settings *s, struct err *err) {
    int rc = proxy_set_upstream(p, s->upstream, err);
    p->raw = s->raw;
    p->quiet = s->quiet;
    if (!rc && !s->raw && str_starts(str_of(s->upstream), STR("https://")) &&
        !(p->upstream_tls = tls_client_new(s->ca, s->cert, s->key, err)))
        rc = (int)err->code;
    if (!rc && s->token) rc = read_token(p, s->token, err);
    if (!rc && s->ca_out && !(p->listen_tls = tls_server_new(s->ca_out, err))) rc = (int)err->code;
    return rc ? rc : proxy_open(p, err);
}

static void on_signal(int signum, void *arg) {
    (void)signum;
    loop_stop(arg);
}

static int run(struct proxy *p, const struct settings *s, struct err *err) {
    struct control *control = NULL;
    int rc = prepare(p, s, err);
    if (!rc && !(control = control_new(p, err))) rc = (int)err->code;
    if (!rc) rc = loop_on_signal(p->loop, SIGTERM, on_signal, p->loop, err);
    if (!rc) rc = loop_on_signal(p->loop, SIGINT, on_signal, p->loop, err);
    if (!rc) {
        printf("{\"port\":%u,\"control\":%u}\n", p->port, control_port(control));
        (void)fflush(stdout);
        loop_run(p->loop);
    }
    control_free(control);
    return rc;
}

int main(int argc, char **argv) {
    struct settings s = {0};
    struct err err = {0};
    if (!read_flags(&s, argc, argv)) {
        fputs(HELP, stderr);
        return 2;
    }
    struct proxy p = {.loop = loop_new(&err)};
    int rc = p.loop ? run(&p, &s, &err) : (int)err.code;
    if (rc) fprintf(stderr, "faultproxy: %s\n", err.msg);
    if (!p.loop) return 1;
    proxy_close(&p);
    channel_end_all(p.loop);
    loop_free(p.loop);
    return rc ? 1 : 0;
}
