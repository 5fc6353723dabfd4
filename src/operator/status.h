/*
 * status: the status of one K8sGPT resource as its steps build it: conditions and fields, written when they differ.
 */
#ifndef OPERATOR_STATUS_H
#define OPERATOR_STATUS_H

#include <stdbool.h>

#include "base/err.h"
#include "doc/doc.h"

struct status;

/* Starts from what the resource says already, so that times of transition survive a restart. NULL without memory. */
struct status *status_new(const struct doc *cr);
void status_free(struct status *s);

/* API conventions: "Typical status properties". lastTransitionTime moves only when `value` ("True" …) does. */
int status_condition(struct status *s, struct str type, struct str value, struct str reason, struct str message,
                     struct err *err) ERR_MUST_CHECK;

/* Sets the fields of an object value, replacing those of the same name. */
int status_fields(struct status *s, struct doc_value fields, struct err *err) ERR_MUST_CHECK;

/* True when nothing was said in it yet, by the resource or by a step. */
bool status_is_blank(const struct status *s);

/* The object to apply to the status subresource: apiVersion, kind, metadata.{name,namespace}, status. The caller's. */
struct doc *status_document(const struct status *s, const struct doc *cr, struct err *err) ERR_MUST_CHECK;

#endif
