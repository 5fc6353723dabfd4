/*
 * lease_internal: lease_record.c reads and writes Lease objects for lease.c. Not for other units.
 */
#ifndef KUBE_LEASE_INTERNAL_H
#define KUBE_LEASE_INTERNAL_H

#include "kube/lease.h"

struct str lease_record_holder(const struct doc *lease); /* "": nobody */
int64_t lease_record_duration_ms(const struct doc *lease);

/* True when both say the same of who holds it since when, and was last seen alive. NULL: there is no Lease. */
bool lease_record_equal(const struct doc *a, const struct doc *b);

/*
 * The Lease to write in place of `seen` (NULL: to create). Its metadata stay as they are, the resourceVersion among them. A new holder
 * counts as a transition and dates its acquisition; holder "" is a release.
 */
struct doc *lease_record_next(const struct lease_options *o, const struct doc *seen, struct str holder, struct err *err);

#endif
