/*
 * registry: what the files of this folder know of each other. Not for other folders.
 */
#ifndef METRICS_REGISTRY_H
#define METRICS_REGISTRY_H

#include "base/ptrset.h"
#include "metrics/metrics.h"

/* A series stands in its family's set (found by labels) and in its list (order of first use). */
struct series {
    struct series *next;
    struct series **prev_link;
    uint64_t hash;
    int label_count;
    char *text; /* the label values, one after the other; inside this allocation */
    size_t label_end[METRIC_MAX_LABELS];
    double numbers[];
};

struct metric {
    struct metric *next;
    struct metric_def def;
    int label_count;
    size_t bucket_count;
    struct ptrset by_labels;
    struct series *first_series;
    struct series **last_series;
};

struct collector {
    struct collector *next;
    void (*collect)(void *arg);
    void *arg;
};

struct metrics {
    struct metric *first;
    struct collector *collectors;
    struct {
        struct metric *cpu, *resident, *virtual, *heap, *fds, *max_fds, *start;
    } process;
};

static inline struct str series_label(const struct series *s, int i) {
    size_t start = i ? s->label_end[i - 1] : 0;
    return (struct str){s->text + start, s->label_end[i] - start};
}

#endif
