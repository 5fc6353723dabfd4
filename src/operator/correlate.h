/*
 * correlate: asks the correlate policies from what the open findings of a group follow.
 *
 * Called by whoever keeps findings (tenant), when a finding opened or changed and when something that the policies read for the group
 * did. Policies are asked by their order; the first that names a finding decides. One that fails keeps its last decision; where it has
 * made none the layer below decides, and at last the finding follows from nothing: then it is told for itself.
 */
#ifndef OPERATOR_CORRELATE_H
#define OPERATOR_CORRELATE_H

#include "operator/findings.h"
#include "operator/policycall.h"
#include "script/bundle.h"

/* What it asks with. All borrowed. */
struct correlator {
    struct cluster *cluster;
    struct policycalls *calls;
    struct owners *owners;
    struct reads *reads; /* evaluations are the groups' caused_by */
};

/* ERR_NOMEM: some are not decided, and what was read for them is not recorded; ask again. */
int correlate_group(const struct correlator *c, const struct bundle *bundle, struct group *g, struct err *err) ERR_MUST_CHECK;

#endif
