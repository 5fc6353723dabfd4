/*
 * connection: a cluster for a verb that looks at it once: the loop, the clients and what they need, made and released together.
 */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include "kube/cluster.h"
#include "net/loop.h"

struct connection {
    struct loop *loop;
    struct http_client *http;
    struct kube_config *config;
    struct kube_client *client;
    struct cluster *cluster;
};

/*
 * Finds the API server as kube_config_load does and asks it for its version, so that a server that is not there, or does not know who
 * asks, is an error here and now. Released by connection_close, also after an error.
 */
int connection_open(struct connection *c, const char *kubeconfig, const char *context, struct err *err) ERR_MUST_CHECK;
void connection_close(struct connection *c);

#endif
