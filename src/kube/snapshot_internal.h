/*
 * snapshot_internal: what snapshot.c (reading) and snapshot_write.c share: the object that a snapshot of ours begins with.
 */
#ifndef KUBE_SNAPSHOT_INTERNAL_H
#define KUBE_SNAPSHOT_INTERNAL_H

#include "kube/snapshot.h"

extern const char SNAPSHOT_API[], SNAPSHOT_KIND[];

#endif
