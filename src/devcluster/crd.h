/*
 * crd: kinds that CustomResourceDefinitions define: they are served as soon as the definition is stored, and go with it.
 */
#ifndef DEVCLUSTER_CRD_H
#define DEVCLUSTER_CRD_H

#include "devcluster/cluster.h"

/* Completes a definition: names that follow from others, and the status that the real controller would write. */
void dev_crd_complete(cJSON *tree);

/* Serves (or serves anew) every served version of the definition; stops serving, and deletes the objects. */
void dev_crd_serve(struct dev_cluster *c, const struct dev_object *definition);
void dev_crd_withdraw(struct dev_cluster *c, const struct dev_object *definition);

#endif
