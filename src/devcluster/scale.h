/*
 * scale: the scale subresource (autoscaling/v1 Scale) of workloads and of custom kinds that declare one.
 */
#ifndef DEVCLUSTER_SCALE_H
#define DEVCLUSTER_SCALE_H

#include "devcluster/request.h"

/* get, update and patch of /scale. A Status, or NULL when answered. */
cJSON *dev_scale_serve(const struct dev_request *r);

#endif
