/*
 * sample: reads the text exposition that others write (Prometheus text format 0.0.4), sample by sample. Comments are passed over,
 * HELP and TYPE too, and so are timestamps. Allocates nothing: label values lose their escapes in the text itself.
 */
#ifndef METRICS_SAMPLE_H
#define METRICS_SAMPLE_H

#include "base/err.h"
#include "base/str.h"

enum { SAMPLE_MAX_LABELS = 16 };

struct sample {
    struct str name;
    struct {
        struct str name, value;
    } labels[SAMPLE_MAX_LABELS];
    int label_count;
    double value;
};

struct sample_reader {
    char *at, *end;
    int line;
};

/* Reads from text[0..n), which has to live as long as its samples and is changed. */
struct sample_reader sample_reader_new(char *text, size_t n);

/* 1: *out is the next sample; 0: there is none; -1: ERR_INVALID, with the line. After an error the reader is at its end. */
int sample_next(struct sample_reader *r, struct sample *out, struct err *err) ERR_MUST_CHECK;

/* The value of a label; absent when the sample does not have it. */
struct str sample_label(const struct sample *s, const char *name);

#endif
