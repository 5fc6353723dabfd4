/*
 * config: how to reach an API server and who we are there: kubeconfig files and the in-cluster environment.
 *
 * Kubernetes docs: "Organizing Cluster Access Using kubeconfig Files", "Accessing the Kubernetes API from a Pod".
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include "base/err.h"
#include "net/http_client.h"

struct kube_config {
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
};

/*
 * In this order: `path` (or NULL), $KUBECONFIG (its existing files; of each entry the first counts), the in-cluster environment,
 * ~/.kube/config. `context` NULL: the current one. Errors name the file and the field. What the file asks for and this build does not do
 * (exec plugins, auth-provider) is ERR_UNSUPPORTED, not ignored.
 */
int kube_config_load(const char *path, const char *context, struct kube_config **out, struct err *err) ERR_MUST_CHECK;

/* From the mounted service account below `dir` and KUBERNETES_SERVICE_HOST / _PORT. ERR_NOT_FOUND outside a pod. */
int kube_config_in_cluster(const char *dir, struct kube_config **out, struct err *err) ERR_MUST_CHECK;

void kube_config_free(struct kube_config *config);

#endif
