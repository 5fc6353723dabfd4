/*
 * What a Status object says, for units that have it as a document already (ERROR events of a watch).
 */
#ifndef KUBE_STATUS_INTERNAL_H
#define KUBE_STATUS_INTERNAL_H

#include "base/err.h"
#include "doc/doc.h"

/* `http_status` 0: the Status itself says it. */
void kube_status_doc_error(int http_status, const struct doc *status, struct err *err);

#endif
