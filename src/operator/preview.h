/*
 * preview: what there would be for K8sGPT resources that are in no cluster: step Init looks at each, and the render policies say what they
 * want, as in the operator. For the verb render.
 */
#ifndef OPERATOR_PREVIEW_H
#define OPERATOR_PREVIEW_H

#include "script/bundle.h"

struct preview;

/* Borrows the bundle. `engine`: "deployment" or "embedded", where a K8sGPT does not say; see operator_options for dynamic_rbac. */
struct preview *preview_new(struct bundle *bundle, const char *engine, bool dynamic_rbac, struct err *err) ERR_MUST_CHECK;
void preview_free(struct preview *p);

/* All of them are added before the first is rendered, as those of a namespace share objects. */
int preview_add(struct preview *p, struct doc *cr, struct err *err) ERR_MUST_CHECK;
size_t preview_count(const struct preview *p);

/*
 * The objects of all, each once: an array, the caller's. NULL with *err: "K8sGPT ops/main: what is wrong"; ERR_INVALID with the K8sGPT, or
 * ERR_POLICY.
 */
struct doc *preview_objects(struct preview *p, struct err *err) ERR_MUST_CHECK;

#endif
