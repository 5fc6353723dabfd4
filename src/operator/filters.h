/*
 * filters: what the filter policies decide for one K8sGPT: which analyzers it wants, and which findings are reported to it.
 *
 * Asked by tenants, and by one-shot diagnosis for a K8sGPT made of flags. A filter that fails hides no fault: the layer below stands in,
 * and at last everything is kept.
 */
#ifndef OPERATOR_FILTERS_H
#define OPERATOR_FILTERS_H

#include "operator/findings.h"

/* What filters run on. All borrowed. */
struct filters {
    struct bundle *bundle;
    struct cluster *cluster;
    struct policycalls *calls;
    struct owners *owners;
    struct reads *reads; /* where reads are recorded, under a group's kept_by; NULL: nowhere */
};

/* Names of analyzers. */
struct choice {
    char **names;
    size_t count;
    char **unknown; /* asked for, and no policy bears them */
    size_t unknown_count;
};

/*
 * What every filter with a select chooses. Without any such filter that is every analyzer. ERR_POLICY: one failed, and all layers
 * below it. *out is released by choice_free, also after an error.
 */
int filters_choose(const struct filters *f, struct doc *cr, struct choice *out, struct err *err) ERR_MUST_CHECK;
void choice_free(struct choice *c);
bool choice_holds(char *const *names, size_t count, struct str name);

/* True when every filter keeps the finding. One that fails keeps its last decision. */
bool filters_keep(const struct filters *f, struct doc *cr, struct group *g, struct finding *finding);

#endif
