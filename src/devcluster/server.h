/*
 * server: an API server in memory, for demos and tests: what kubectl, curl and the operator use of the real one.
 *
 * Serves plain HTTP on the caller's loop, keeps nothing when it ends, authorises everyone as user "dev" for everything that is
 * not denied. Controllers are absent but for garbage collection, namespaces and CRDs. Not for a network that is not trusted.
 */
#ifndef DEVCLUSTER_SERVER_H
#define DEVCLUSTER_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/loop.h"

struct dev_cluster;

/* `listen`: as http_server_new. The namespaces default, kube-system and kube-public exist from the start. */
struct dev_cluster *dev_server_new(struct loop *loop, const char *listen, struct err *err) ERR_MUST_CHECK;
void dev_server_free(struct dev_cluster *c); /* open watches end */
uint16_t dev_server_port(const struct dev_cluster *c);

/* Every request for a kind ("v1/Secret", "apps/v1/Deployment") is answered 403. ERR_INVALID when it is not VERSION/KIND. */
int dev_server_deny(struct dev_cluster *c, const char *gvk, struct err *err) ERR_MUST_CHECK;

/*
 * Stores the objects of a file as they are (status, uid, times), unchecked: YAML documents, JSON values one after another, Lists.
 * Namespaces and kinds that are missing are made. `path` "-": standard input. Counts the objects into *count (may be NULL).
 */
int dev_server_load(struct dev_cluster *c, const char *path, size_t *count, struct err *err) ERR_MUST_CHECK;

#endif
