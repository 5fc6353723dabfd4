/*
 * owners: who controls an object, through kinds that nobody watches.
 *
 * Owner chains are followed only from objects with findings, so their metadata is asked for one by one (PartialObjectMetadata),
 * cached by UID, and never watched. An answer makes the analyses that waited for it run again. Where the API server denies or
 * does not know the kind, the chain ends at the reference; where it cannot be asked, it ends there until it can.
 */
#ifndef OPERATOR_OWNERS_H
#define OPERATOR_OWNERS_H

#include "kube/cluster.h"
#include "operator/reads.h"

struct owners;

/* Borrows all. `loop` NULL: of a cluster that is not connected. NULL without memory. */
struct owners *owners_new(struct loop *loop, struct cluster *cluster, struct reads *reads);
void owners_free(struct owners *o);

/* What the server told `known` it is not asked for again. Borrows it for its life. */
void owners_share(struct owners *o, const struct owners *known);

/*
 * The controlling owner of `object`: a borrowed document with apiVersion, kind and metadata, valid until the next turn of the loop;
 * *out NULL when nothing controls it. ERR_TIMEOUT: asked for, not known yet. Records what it read into e (NULL: nothing).
 */
int owners_parent(struct owners *o, struct evaluation *e, const struct doc *object, const struct doc **out, struct err *err) ERR_MUST_CHECK;

#endif
