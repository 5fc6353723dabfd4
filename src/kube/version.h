/*
 * version: the order of resourceVersions.
 *
 * They are opaque, but those of one resource compare as positive integers of any length where both are written as such (Kubernetes API
 * concepts: "Resource versions", since 1.35, which says so of all versions before; KEP-5504). An API server of somebody else's may hand
 * out others: about these nothing is said.
 */
#ifndef KUBE_VERSION_H
#define KUBE_VERSION_H

#include <stdbool.h>

#include "base/str.h"

/* True when both are integers without leading zeros and a < b. "0" and "" compare with nothing. */
bool version_is_older(struct str a, struct str b);

#endif
