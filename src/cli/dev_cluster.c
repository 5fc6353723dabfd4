/* dev-cluster: an API server in memory, for demos and tests. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/verbs.h"
#include "devcluster/server.h"
#include "net/loop.h"

static const char HELP[] = "Usage: k8sgpt-operator dev-cluster [flags]\n"
                           "\n"
                           "Runs a Kubernetes API server in memory, for demos and tests. Keeps nothing when it ends.\n"
                           "\n"
                           "Flags:\n"
                           "  --listen ADDR          address to serve on, HOST:PORT; port 0: any free one (default 127.0.0.1:0)\n"
                           "  --kubeconfig-out FILE  write a kubeconfig that reaches the server\n"
                           "  --load FILE            objects to begin with, YAML or JSON, \"-\" for standard input (repeatable)\n"
                           "  --deny GVK             answer 403 to every request for a kind, as v1/Secret (repeatable)\n"
                           "  -h, --help             this text\n"
                           "\n"
                           "Examples:\n"
                           "  k8sgpt-operator dev-cluster --kubeconfig-out /tmp/dev.kubeconfig &\n"
                           "  kubectl --kubeconfig /tmp/dev.kubeconfig get namespaces\n"
                           "\n"
                           "  k8sgpt-operator dev-cluster --listen 127.0.0.1:8001 --load crds.yaml --load objects.yaml --deny v1/Secret\n";

enum { MAX_FILES = 64 };

struct options {
    const char *listen, *kubeconfig;
    const char *load[MAX_FILES], *deny[MAX_FILES];
    size_t load_count, deny_count;
    int exit_code; /* >= 0: end at once with it */
};

static int usage(const char *what, const char *value) { return verb_usage("dev-cluster", what, value); }

static bool add(const char **list, size_t *count, const char *value) {
    if (*count == MAX_FILES) return false;
    list[(*count)++] = value;
    return true;
}

static void take(struct options *o, int flag, const char *value) {
    bool fits = true;
    if (flag == 'a') o->listen = value;
    if (flag == 'k') o->kubeconfig = value;
    if (flag == 'l') fits = add(o->load, &o->load_count, value);
    if (flag == 'd') fits = add(o->deny, &o->deny_count, value);
    if (flag == '?') o->exit_code = usage("unknown or incomplete flag", "");
    if (!fits) o->exit_code = usage("too many of a repeated flag", "");
    if (flag != 'h') return;
    fputs(HELP, stdout);
    o->exit_code = 0;
}

static void read_options(struct options *o, int argc, char **argv) {
    static const struct option FLAGS[] = {{"listen", required_argument, NULL, 'a'}, {"kubeconfig-out", required_argument, NULL, 'k'},
                                          {"load", required_argument, NULL, 'l'},   {"deny", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int flag;
    *o = (struct options){.listen = "127.0.0.1:0", .exit_code = -1};
    optind = 0;
    opterr = 0;
    while (o->exit_code < 0 && (flag = getopt_long(argc, argv, "h", FLAGS, NULL)) != -1) take(o, flag, optarg);
    if (o->exit_code < 0 && optind < argc) o->exit_code = usage("unexpected argument ", argv[optind]);
}

/* The host that clients on this machine use: an address that listens everywhere is reached by loopback. */
static void server_url(const char *listen, uint16_t port, char *out, size_t size) {
    const char *colon = strrchr(listen, ':');
    int host = colon ? (int)(colon - listen) : 0;
    bool any = host == 0 || strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0;
    snprintf(out, size, "http://%.*s:%u", any ? 9 : host, any ? "127.0.0.1" : listen, port);
}

static int write_kubeconfig(const char *path, const char *url, struct err *err) {
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "apiVersion: v1\nkind: Config\ncurrent-context: dev-cluster\n"
                     "clusters:\n- name: dev-cluster\n  cluster:\n    server: %s\n"
                     "users:\n- name: dev\n  user: {}\n"
                     "contexts:\n- name: dev-cluster\n  context:\n    cluster: dev-cluster\n    user: dev\n    namespace: default\n",
                     url);
    if (n < 0 || (size_t)n >= sizeof text) return err_set(err, ERR_LIMIT, "the address is too long");
    return file_write(path, (struct str){text, (size_t)n}, 0600, err);
}

static int prepare(struct dev_cluster *c, const struct options *o, struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < o->deny_count; i++) rc = dev_server_deny(c, o->deny[i], err);
    for (size_t i = 0; !rc && i < o->load_count; i++) rc = dev_server_load(c, o->load[i], NULL, err);
    return rc;
}

static void on_signal(int signum, void *arg) {
    (void)signum;
    loop_stop(arg);
}

static int announce(const struct dev_cluster *c, const struct options *o, struct err *err) {
    char url[512];
    server_url(o->listen, dev_server_port(c), url, sizeof url);
    int rc = o->kubeconfig ? write_kubeconfig(o->kubeconfig, url, err) : 0;
    if (rc) return rc;
    printf("dev-cluster is ready on %s\n", url);
    fflush(stdout);
    return 0;
}

static int run(struct loop *loop, const struct options *o, struct err *err) {
    struct dev_cluster *c = dev_server_new(loop, o->listen, err);
    int rc = c ? prepare(c, o, err) : (int)err->code;
    if (!rc) rc = loop_on_signal(loop, SIGTERM, on_signal, loop, err);
    if (!rc) rc = loop_on_signal(loop, SIGINT, on_signal, loop, err);
    if (!rc) rc = announce(c, o, err);
    if (!rc) loop_run(loop);
    dev_server_free(c);
    return rc;
}

int cli_dev_cluster(int argc, char **argv) {
    struct options o;
    struct err err = {0};
    read_options(&o, argc, argv);
    if (o.exit_code >= 0) return o.exit_code;
    struct loop *loop = loop_new(&err);
    int rc = loop ? run(loop, &o, &err) : (int)err.code;
    if (rc) fprintf(stderr, "dev-cluster: %s\n", err.msg);
    if (loop) loop_free(loop);
    return rc ? 1 : 0;
}
