/*
 * yaml: YAML text to documents and back, by libyaml.
 *
 * Kubernetes' dialect: plain scalars resolve as kubectl resolves them (null, booleans incl. yes/no/on/off, integers, floats), keys are
 * strings, the merge key and custom tags are refused. Aliases are refused, depth and size are bounded (reference: billion laughs).
 */
#ifndef DOC_YAML_H
#define DOC_YAML_H

#include "base/buf.h"
#include "doc/builder.h"

enum { YAML_MAX_DEPTH = 64, YAML_MAX_BYTES = 16 * 1024 * 1024 };

/* Called with each document of a stream in turn (borrowed). A non-zero return stops the reading and is returned. */
typedef int (*yaml_each)(struct doc *doc, void *arg, struct err *err);

/* Every document of the text; empty ones are skipped. JSON is YAML, so JSON text works too. Errors name the line. */
int yaml_read(struct str text, yaml_each each, void *arg, struct err *err) ERR_MUST_CHECK;

/* The text is exactly one document. */
struct doc *yaml_decode(struct str text, struct err *err) ERR_MUST_CHECK;

/*
 * Appends a value as one document, with its "---". Strings that somebody could take for something else are quoted: numbers, times, yes and
 * no, whatever dialect reads them. ERR_LIMIT where `out` is full.
 */
int yaml_write(struct doc_value v, struct buf *out, struct err *err) ERR_MUST_CHECK;

#endif
