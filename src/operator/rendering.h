/*
 * rendering: the objects that the render policies want for a K8sGPT resource.
 *
 * Asked by the step Configure (ctx.render) for the operator, and by the verb render offline. Policies only say what they want: who calls
 * applies it. A policy that fails fails the whole, so that nothing is taken for unwanted because somebody could not say that it is.
 */
#ifndef OPERATOR_RENDERING_H
#define OPERATOR_RENDERING_H

#include "operator/policycall.h"
#include "script/bundle.h"

/* What render policies run on. All borrowed. */
struct rendering {
    struct bundle *bundle;
    struct cluster *cluster;
    struct policycalls *calls;
    struct owners *owners;
};

/*
 * All objects in the order of the policies: an array, the caller's. `size` is what they get beside the K8sGPT (k8sgpt.Size of meta.lua);
 * NULL: it was not asked for. NULL with *err, which names the policy: ERR_POLICY (retry_after_s as
 * it asked) or ERR_NOMEM. An object is refused that is of a kind which the policy does not declare, is in another namespace, is there
 * twice, or lacks the label that says whose it is.
 */
struct doc *rendering_objects(const struct rendering *r, struct doc *cr, struct doc *size, struct err *err) ERR_MUST_CHECK;

/* True when both are the same object, by apiVersion, kind, namespace and name. */
bool rendering_same_object(struct doc_value a, struct doc_value b);

/* Calls back for each kind that some render policy of the bundle writes, or follows: then it is others that write it. */
void rendering_each_kind(const struct bundle *bundle, void (*each)(const struct gvk *gvk, bool written, void *arg), void *arg);

extern const char LABEL_OF_NAMESPACE[]; /* "k8sgpts.k8sgpt.ai/namespace": of everything that is made for K8sGPT resources there */
extern const char LABEL_OF_NAME[];      /* "k8sgpts.k8sgpt.ai/name": of what belongs to one of them alone */

#endif
