/*
 * config: how to reach an API server and who we are there: kubeconfig files and the in-cluster environment.
 *
 * Kubernetes docs: "Organizing Cluster Access Using kubeconfig Files", "Accessing the Kubernetes API from a Pod".
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include "base/err.h"
#include "net/http_client.h"

/* A program that prints a credential: kubeconfig users[].user.exec (Kubernetes docs: "client-go credential plugins"). */
struct kube_exec {
    char *api_version;  /* "client.authentication.k8s.io/v1" or …/v1beta1 */
    char **args;        /* the command first: a path where it has a slash, else a name for PATH; NULL-terminated */
    char **env;         /* "NAME=value", in place of ours of that name; NULL-terminated */
    char *install_hint; /* what to do when there is no such command, or NULL */
    int64_t timeout_ms; /* KUBE_EXEC_TIMEOUT_MS */
};

enum { KUBE_EXEC_TIMEOUT_MS = 30 * 1000 };

struct kube_config {
    unsigned shares; /* references beside the first */
    char *origin; /* what it was read from, for messages: "KUBECONFIG /x/y, context dev", "/root/.kube/config, context dev", "in-cluster" */
    char *server; /* "https://10.0.0.1:443", without a slash at the end */
    char *namespace_; /* of the context or the service account; "default" where none */
    char *proxy_url;  /* http, https or socks5h; NULL: none */
    char *token;      /* bearer token, or NULL */
    char *token_file; /* re-read as it rotates, or NULL; wins over token */
    char *username;   /* basic authentication, or NULL */
    char *password;
    struct http_tls tls; /* points into memory that this config owns */
    char *ca_pem;
    char *cert_pem;
    char *key_pem;
    char *ca_file, *cert_file, *key_file; /* where those came from, to be read again as they rotate; NULL: from the configuration itself */
    char *server_name;
    struct kube_exec *exec; /* NULL: none, or something else of the user says who we are */
};

/*
 * In this order: `path` (or NULL), $KUBECONFIG (its existing files; of each entry the first counts), the in-cluster environment,
 * ~/.kube/config. `context` NULL: the current one. Errors name the file and the field. What the file asks for and this build does not do
 * (auth-provider, plugins that need a terminal) is ERR_UNSUPPORTED, not ignored.
 */
int kube_config_load(const char *path, const char *context, struct kube_config **out, struct err *err) ERR_MUST_CHECK;

/* From the mounted service account below `dir` and KUBERNETES_SERVICE_HOST / _PORT. ERR_NOT_FOUND outside a pod. */
int kube_config_in_cluster(const char *dir, struct kube_config **out, struct err *err) ERR_MUST_CHECK;

/* Shares it; each share is given back by kube_config_free, the last of which frees. NULL: nothing. */
const struct kube_config *kube_config_share(const struct kube_config *config);
void kube_config_free(const struct kube_config *config);

/* The same server by the same way, and the same user: also the content of the files that were read. */
bool kube_config_equal(const struct kube_config *a, const struct kube_config *b);

#endif
