/*
 * secrets: whether a Secret exists.
 *
 * Secrets are never listed or watched. Where an analyzer asks for one, its metadata is asked for by name and what was found is kept,
 * and verified again from time to time for as long as some analysis rests on it: soon where it was missing or denied, later where it was
 * there.
 */
#ifndef OPERATOR_SECRETS_H
#define OPERATOR_SECRETS_H

#include "kube/cluster.h"
#include "operator/reads.h"

struct secrets;

/* Borrows all. NULL without memory. */
struct secrets *secrets_new(struct loop *loop, struct cluster *cluster, struct reads *reads);
void secrets_free(struct secrets *s);

bool secrets_is(const struct gvk *gvk); /* v1/Secret */

/* ERR_TIMEOUT: asked for, not known yet; ERR_FORBIDDEN. Records the read into e in any case. */
int secrets_exists(struct secrets *s, struct evaluation *e, struct str ns, struct str name, bool *out, struct err *err) ERR_MUST_CHECK;

/* False once the API server has denied a look-up in the namespace (empty: in any), until it grants one. Records into e. */
bool secrets_readable(struct secrets *s, struct evaluation *e, struct str ns);

#endif
