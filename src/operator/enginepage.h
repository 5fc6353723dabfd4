/*
 * enginepage: what is kept of the metrics that a K8sGPT engine shows, and as what the operator shows it.
 *
 * The engine counts, by object, what its analyzers found (analyzer_errors), and says what its process costs. The operator shows both with
 * the K8sGPT that the engine works for, and whether the engine shows any (k8sgpt_engine_up). Everything else on the page is left out. A
 * page comes from a process that others choose: it is taken whole, or refused whole for what is wrong with it. Called by scrape.c and
 * telemetry.c.
 */
#ifndef OPERATOR_ENGINEPAGE_H
#define OPERATOR_ENGINEPAGE_H

#include "metrics/metrics.h"

struct enginepage;     /* what one engine showed */
struct enginefamilies; /* what the operator shows of all */

/*
 * Reads a page; of the series by object at most max_series. NULL with ERR_INVALID (no exposition), ERR_SYNTAX (a label that is not UTF-8,
 * with which Prometheus would refuse all that the operator shows), ERR_LIMIT or ERR_NOMEM.
 */
struct enginepage *enginepage_read(struct str text, size_t max_series, struct err *err) ERR_MUST_CHECK;
void enginepage_free(struct enginepage *page); /* NULL: nothing */

/* Defines the families in m, which must outlive it. NULL without memory. */
struct enginefamilies *enginefamilies_new(struct metrics *m);
void enginefamilies_free(struct enginefamilies *f);

/* Shows nothing any more. */
void enginefamilies_clear(struct enginefamilies *f);

/* Whose engine it is; pod: which of several, "" where there is one. */
struct engineid {
    struct str ns, k8sgpt, pod;
};

/* Shows an engine; page NULL: it gave none when it was asked last. */
void enginefamilies_put(struct enginefamilies *f, const struct engineid *id, const struct enginepage *page);

#endif
