/*
 * request: one API request after routing: which resource, which object, which verb, which form of answer.
 *
 * Source of the paths and parameters: kubernetes.io/docs, "Kubernetes API Concepts".
 */
#ifndef DEVCLUSTER_REQUEST_H
#define DEVCLUSTER_REQUEST_H

#include "devcluster/cluster.h"

enum dev_form { DEV_PLAIN, DEV_TABLE, DEV_PARTIAL };

struct dev_request {
    struct dev_cluster *cluster;
    struct http_exchange *x;
    struct dev_kind *kind;
    char *ns, *name, *subresource; /* "" where the path has none */
    const char *verb;              /* "get", "deletecollection" …, as authorisation names it; NULL: method not allowed */
    enum dev_form form;
    bool dry_run;
};

/*
 * Routes a request to a resource. A Status (404 for a path that nothing serves, 403, 405), or NULL. Release with
 * dev_request_free in both cases; the exchange stays the caller's.
 */
cJSON *dev_request_route(struct dev_request *r, struct dev_cluster *c, struct http_exchange *x);
void dev_request_free(struct dev_request *r);

/* A query parameter as text ("" when absent; the caller frees it), as a flag, as a number. */
char *dev_request_text(const struct dev_request *r, const char *name);
bool dev_request_flag(const struct dev_request *r, const char *name);
int64_t dev_request_int(const struct dev_request *r, const char *name, int64_t otherwise);

/* The body as a tree (JSON or YAML by its content type). A Status, or NULL with *out (the caller deletes it; NULL for no body). */
cJSON *dev_request_body(const struct dev_request *r, cJSON **out);

/* Who writes: fieldManager, or the first word of the User-Agent, as the real server does. The caller frees it. */
char *dev_request_manager(const struct dev_request *r);

/* Reads YAML or JSON text; NULL with a message in *err. */
cJSON *dev_yaml_tree(struct str text, struct err *err);

#endif
