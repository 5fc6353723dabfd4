/*
 * builder: the only way to make a document.
 *
 * The JSON decoder, the YAML reader and the Lua converter all speak to it in the same events. It checks depth, size and
 * duplicate names, interns names, and lays the document out. One builder is reused for many documents, so that decoding
 * a list allocates once an item.
 *
 * The first error sticks: later calls do nothing and doc_builder_finish reports it, so that feeders need no check after every event.
 */
#ifndef DOC_BUILDER_H
#define DOC_BUILDER_H

#include "base/err.h"
#include "doc/doc.h"

enum {
    DOC_MAX_DEPTH = 128,              /* nested arrays and objects */
    DOC_MAX_BYTES = 16 * 1024 * 1024, /* one document; offsets would allow more */
};

struct doc_builder;

struct doc_builder *doc_builder_new(void); /* NULL without memory */
void doc_builder_free(struct doc_builder *b);

void doc_null(struct doc_builder *b);
void doc_put_bool(struct doc_builder *b, bool value);
void doc_put_int(struct doc_builder *b, int64_t value);
void doc_put_double(struct doc_builder *b, double value);
void doc_put_str(struct doc_builder *b, struct str text);  /* UTF-8 is the feeder's business */
void doc_put_atom(struct doc_builder *b, struct str text); /* a string stored once in the process: kinds, phases */
void doc_begin_object(struct doc_builder *b);
void doc_key(struct doc_builder *b, struct str name);
void doc_end_object(struct doc_builder *b);
void doc_begin_array(struct doc_builder *b);
void doc_end_array(struct doc_builder *b);

/* A deep copy of a value of any document (absent: null). */
void doc_put_value(struct doc_builder *b, struct doc_value v);

/* Shorthands for one pair. An absent or empty text still writes the pair. */
void doc_pair_str(struct doc_builder *b, const char *name, struct str text);
void doc_pair_int(struct doc_builder *b, const char *name, int64_t value);
void doc_pair_bool(struct doc_builder *b, const char *name, bool value);

/* Marks the build as failed with this error (a feeder that finds a syntax error). The first mark wins. */
void doc_builder_fail(struct doc_builder *b, enum err_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool doc_builder_failed(const struct doc_builder *b);

/*
 * The document (one reference, the caller's) and an empty builder; NULL with *err set after a failed or unbalanced build.
 * The builder is empty and usable again in either case.
 */
struct doc *doc_builder_finish(struct doc_builder *b, struct err *err) ERR_MUST_CHECK;

/* Drops what was fed. */
void doc_builder_reset(struct doc_builder *b);

#endif
