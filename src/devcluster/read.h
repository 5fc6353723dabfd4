/*
 * read: the verbs get and list.
 */
#ifndef DEVCLUSTER_READ_H
#define DEVCLUSTER_READ_H

#include "devcluster/request.h"

/* Each answers the request and returns NULL, or returns a Status for the caller to send. */
cJSON *dev_read_get(const struct dev_request *r);
cJSON *dev_read_list(const struct dev_request *r);

#endif
