/*
 * crds: tells when a custom resource definition appears, changes or goes, so that kinds come and go with theirs and nobody waits for a
 * back-off. Made by the cluster.
 *
 * Their metadata alone are watched, since whole definitions are hundreds of kilobytes each. Who may not list them does without.
 */
#ifndef KUBE_CRDS_H
#define KUBE_CRDS_H

#include "kube/client.h"

struct crds;

/* `changed` is told the group. Definitions that are there from the beginning are no news. Borrows all. NULL without memory. */
struct crds *crds_new(struct loop *loop, struct kube_client *client, struct metrics *metrics, void (*changed)(struct str group, void *arg),
                      void *arg);
void crds_free(struct crds *c);

#endif
