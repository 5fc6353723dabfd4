/*
 * pages: what the operator shows of itself by HTTP: /metrics, and at another address /healthz and /readyz. For run alone.
 */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include "metrics/metrics.h"
#include "operator/operator.h"

struct pages;

/* Serves them; borrows what they show. An address "0": not that page. ERR_IO where an address cannot be had; *out is to be freed then, too.
 */
int pages_open(struct loop *loop, struct metrics *metrics, const struct k8s_operator *op, const char *metrics_address,
               const char *health_address, struct pages **out, struct err *err) ERR_MUST_CHECK;
void pages_free(struct pages *p); /* NULL: nothing */

#endif
