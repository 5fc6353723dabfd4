/*
 * doc: immutable, reference-counted JSON documents, one allocation each.
 *
 * Every Kubernetes object in memory, every message between C and Lua and every configuration file is a document. Inside there
 * are no pointers, only offsets and key ids, so a document can be compared and moved as bytes. Documents come from a
 * doc_builder (fed by JSON, YAML or Lua); they never change.
 *
 * A value is a handle (document, word): cheap to copy, valid while its document lives, borrowing it. Questions about an
 * absent value, or of the wrong type, have a quiet answer ("absent", 0, an empty span), so that reading a path needs no ladder of
 * checks in C.
 */
#ifndef DOC_DOC_H
#define DOC_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct doc;

enum doc_type { DOC_ABSENT, DOC_NULL, DOC_BOOL, DOC_INT, DOC_DOUBLE, DOC_STRING, DOC_ARRAY, DOC_OBJECT };

struct doc_value {
    const struct doc *doc; /* NULL: absent */
    uint32_t word;
};

#define DOC_NO_VALUE ((struct doc_value){0})

/* Shares and releases. doc_unref(NULL) does nothing; the last one frees. */
struct doc *doc_ref(const struct doc *doc);
void doc_unref(const struct doc *doc);

/* Bytes of the allocation. */
size_t doc_size_bytes(const struct doc *doc);

/* The outermost value; absent for NULL. */
struct doc_value doc_root(const struct doc *doc);

enum doc_type doc_type(struct doc_value v);
const char *doc_type_name(enum doc_type type); /* "string" … */

/* Scalars: false, 0, 0.0 or an empty span when v is of another type (doc_double also reads an integer). */
bool doc_bool(struct doc_value v);
int64_t doc_int(struct doc_value v);
double doc_double(struct doc_value v);
struct str doc_str(struct doc_value v); /* NUL-terminated where p is not NULL; may hold NUL bytes */

/* Elements of an array, or pairs of an object, in document order. */
size_t doc_len(struct doc_value v);
struct doc_value doc_at(struct doc_value v, size_t i);                                      /* element i, or value of pair i */
struct doc_value doc_pair(struct doc_value v, size_t i, struct str *key, uint32_t *key_id); /* key_id may be NULL; KEY_NONE: not interned */

/* A field of an object: by name, by interned id, by a path such as "metadata.labels" (plain names only, no arrays). */
struct doc_value doc_get(struct doc_value v, struct str key);
struct doc_value doc_get_id(struct doc_value v, uint32_t key_id);
struct doc_value doc_path(struct doc_value v, const char *path);

/* The string at a path, or an empty span. */
struct str doc_path_str(struct doc_value v, const char *path);

/* Equality by content: order of pairs does not matter; 1 and 1.0 are equal. */
bool doc_equal(struct doc_value a, struct doc_value b);

/* As doc_equal of two whole Kubernetes objects, but for metadata.resourceVersion, which changes with fields we do not keep. */
bool doc_same_object(const struct doc *a, const struct doc *b);

#endif
