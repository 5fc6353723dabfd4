/*
 * metrics: counters, gauges and histograms, and their text exposition (Prometheus text format 0.0.4).
 *
 * A family is defined once, at start-up, with its label names; a series exists from its first use until it is removed with what
 * it describes. A registry belongs to one operator; tests make their own. Main thread only. Running out of memory drops
 * the update, never the process.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct metrics;
struct metric; /* a family */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { METRIC_MAX_LABELS = 6 };

struct metric_def {
    const char *name;
    const char *help;
    enum metric_type type;
    const char *labels[METRIC_MAX_LABELS + 1]; /* NULL-terminated */
    const double *buckets;                     /* of a histogram: upper bounds, ascending, 0-terminated; NULL: 1 ms … 10 s */
};

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* Defines a family; strings must outlive m. NULL without memory. Defining a name twice returns the first. */
struct metric *metrics_define(struct metrics *m, const struct metric_def *def);

/* `labels` are the values, in the order of the definition, as many as it has (NULL for none). A NULL family does nothing. */
void metric_add(struct metric *f, const struct str *labels, double by);        /* counter (by >= 0), gauge */
void metric_set(struct metric *f, const struct str *labels, double value);     /* gauge */
void metric_observe(struct metric *f, const struct str *labels, double value); /* histogram */
double metric_value(const struct metric *f, const struct str *labels);         /* 0 when there is no such series; histogram: its count */

/* Removes the series whose label `index` has this value, or one series, or all. */
void metric_remove_where(struct metric *f, int index, struct str value);
void metric_remove(struct metric *f, const struct str *labels);
void metric_clear(struct metric *f);

/* Convenience for calls with literal labels: METRIC_LABELS(a, b) from struct str values. */
#define METRIC_LABELS(...) ((const struct str[]){__VA_ARGS__})

/* Called before each exposition, to set values that are read on demand (queue depth, store sizes). */
void metrics_on_collect(struct metrics *m, void (*collect)(void *arg), void *arg);

/* Those that were given this arg are not called any more. */
void metrics_off_collect(struct metrics *m, const void *arg);

/* Adds process_* (CPU, resident and virtual memory, heap, open and maximal descriptors, start time) by the names of the Prometheus client
 * libraries. */
void metrics_define_process(struct metrics *m);

/* Appends the exposition: families in order of definition, series in order of first use; HELP and TYPE escaped as the format says. */
int metrics_write(struct metrics *m, struct buf *out, struct err *err) ERR_MUST_CHECK;

#endif
