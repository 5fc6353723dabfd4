/*
 * status: refusals as metav1.Status objects, with the codes, reasons and sentences of the real API server.
 *
 * Every function of the embedded API server that may refuse returns such an object (the caller deletes it) or NULL for success.
 * Source: k8s.io/apimachinery pkg/api/errors as observed on the wire; API conventions, "Response Status Kind".
 */
#ifndef DEVCLUSTER_STATUS_H
#define DEVCLUSTER_STATUS_H

#include <cjson/cJSON.h>

#include "devcluster/kind.h"

/* A failure with code (HTTP), reason and message. */
cJSON *dev_status(int code, const char *reason, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Success: what a delete answers. */
cJSON *dev_status_success(const struct dev_kind *kind, const char *name, const char *uid);

cJSON *dev_status_bad_request(const char *format, ...) __attribute__((format(printf, 1, 2)));
cJSON *dev_status_no_resource(void); /* a path that nothing serves */
cJSON *dev_status_not_found(const struct dev_kind *kind, const char *name);
cJSON *dev_status_exists(const struct dev_kind *kind, const char *name);
cJSON *dev_status_method(void);
cJSON *dev_status_expired(const char *format, ...) __attribute__((format(printf, 1, 2)));
cJSON *dev_status_media_type(const struct dev_kind *kind);

/* 409; `why` follows "Operation cannot be fulfilled on …: ". */
cJSON *dev_status_conflict(const struct dev_kind *kind, const char *name, const char *why);
cJSON *dev_status_modified(const struct dev_kind *kind, const char *name); /* the usual reason: a stale resourceVersion */

/* 403; `ns` NULL: at the cluster scope. */
cJSON *dev_status_forbidden(const struct dev_kind *kind, const char *verb, const char *ns, const char *name);

/* One cause {reason, message, field} of an Invalid or a Conflict, and the 422 over a list of them (taken). */
void dev_cause_add(cJSON *causes, const char *reason, const char *field, const char *format, ...) __attribute__((format(printf, 4, 5)));
cJSON *dev_status_invalid(const struct dev_kind *kind, const char *name, cJSON *causes);

int dev_status_code(const cJSON *status);

#endif
