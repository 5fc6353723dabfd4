/*
 * protobuf: objects as kubectl's imperative commands send them (`kubectl create namespace`, `create secret`, `auth can-i`).
 *
 * Since 1.32 kubectl encodes those in protobuf and does not fall back to JSON. The kinds that it can create so are described by
 * tables of field numbers; others are refused as an unknown media type.
 * Source: kubernetes.io/docs, "Kubernetes Protobuf encoding"; field numbers: the generated.proto files of k8s.io/api.
 */
#ifndef DEVCLUSTER_PROTOBUF_H
#define DEVCLUSTER_PROTOBUF_H

#include <cjson/cJSON.h>

#include "base/str.h"

/* The object of an envelope ("k8s\0" and runtime.Unknown); NULL when it is none, broken, or of a kind that is not described. */
cJSON *dev_protobuf_read(struct str body);

#endif
