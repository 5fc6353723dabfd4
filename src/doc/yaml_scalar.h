/*
 * yaml_scalar: what a plain YAML scalar means. For the files of this folder only.
 *
 * The rules are those of go-yaml v2, by which kubectl reads manifests: YAML 1.1 with "yes" and "on", but without "y", base-60 numbers and
 * timestamps.
 */
#ifndef DOC_YAML_SCALAR_H
#define DOC_YAML_SCALAR_H

#include "base/str.h"
#include "doc/doc.h"

struct yaml_scalar {
    enum doc_type type; /* NULL, BOOL, INT, DOUBLE or STRING; ABSENT: NaN or an infinity, which documents cannot hold */
    bool boolean;
    int64_t integer;
    double number;
};

struct yaml_scalar yaml_resolve(struct str text);

#endif
