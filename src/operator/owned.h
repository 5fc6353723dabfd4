/*
 * owned: whether an object is as we applied it.
 *
 * What the server fills in, rounds or writes in another way ("0.2" CPUs become "200m") makes a comparison of values useless. The
 * server's books do not lie: whoever changes a field of ours takes it from us, and metadata.managedFields says so (Kubernetes docs,
 * "Server-Side Apply"). So an object is as we applied it when it bears the mark of what is wanted, and every field that is wanted is ours.
 */
#ifndef OPERATOR_OWNED_H
#define OPERATOR_OWNED_H

#include "doc/doc.h"

/* The mark: an annotation that says what was applied last, so that other wishes show. Whoever applies sets it (step Configure). */
extern const char OWNED_MARK[]; /* "k8sgpt.ai/applied" */

/* `have`: the whole object with its managedFields. */
bool owned_is_marked(struct doc_value wanted, struct doc_value have); /* both bear the same mark */
bool owned_is_whole(struct doc_value wanted, struct doc_value have);  /* every field that is wanted is ours */

#endif
