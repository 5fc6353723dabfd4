/*
 * telemetry: the operator's metrics: upstream's names and labels (dashboards rely on them), and our own.
 */
#ifndef OPERATOR_TELEMETRY_H
#define OPERATOR_TELEMETRY_H

#include "metrics/metrics.h"
#include "operator/tenant.h"

struct telemetry;

/* Defines them and refreshes those that are read on demand at each exposition. Borrows op. NULL without memory. */
struct telemetry *telemetry_new(struct k8s_operator *op, struct metrics *metrics);
void telemetry_free(struct telemetry *t);

void telemetry_enqueued(struct telemetry *t);
void telemetry_dequeued(struct telemetry *t, int64_t waited_us);
void telemetry_step(struct telemetry *t, const char *step, int64_t duration_us);
void telemetry_run(struct telemetry *t, const struct tenant *tenant, bool failed, int64_t duration_us);
void telemetry_result_written(struct telemetry *t, int64_t noticed_us); /* 0: not due to a change */
void telemetry_notified(struct telemetry *t, struct str sink, const char *outcome);
void telemetry_asked(struct telemetry *t, const char *method, const char *peer, const struct err *err); /* a gRPC call ended */
void telemetry_tenant_gone(struct telemetry *t, const struct tenant *tenant);
void telemetry_analysed(struct telemetry *t, const struct tenant *tenant);

#endif
