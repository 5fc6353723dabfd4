/*
 * index: which objects of a store are found under which terms.
 *
 * A term is a 64-bit hash of (kind of index, key, value); objects under a term are kept sorted, so that a namespace of a term is a
 * range and a result needs no sorting. Two pairs of key and value may share a term: whoever asks checks each object. A kind
 * of index costs nothing before it is asked for. Borrows the documents: the store tells of each before it lets go of one.
 */
#ifndef KUBE_INDEX_H
#define KUBE_INDEX_H

#include "base/err.h"
#include "base/ptrset.h"
#include "doc/doc.h"
#include "kube/field.h"

enum { INDEX_MAX_LABEL_KEYS = 64 };

enum term_kind { TERM_ALL, TERM_NAMESPACE, TERM_LABEL, TERM_OWNER, TERM_PATH };

struct index_path {
    char *text;
    struct field_path names; /* point into text */
};

/* Which kinds: the first so many label keys and paths, and these two. */
struct index_extent {
    bool by_namespace, by_owner;
    size_t label_keys, paths;
};

struct index {
    struct ptrset postings;
    struct index_extent wanted, built; /* what is wanted but not built yet must be built before it is asked */
    char *label_keys[INDEX_MAX_LABEL_KEYS];
    struct index_path *paths; /* declared ones */
};

struct index index_new(void);
void index_free(struct index *x);

uint64_t term_of(enum term_kind kind, struct str key, struct str value);

typedef void (*index_term)(uint64_t term, void *arg);

/* Each term that an object can ever be found under. May repeat one. */
void index_all_terms(const struct index *x, const struct doc *object, index_term each, void *arg);

/* Wants a kind. False: there are too many label keys. */
void index_use_namespace(struct index *x);
void index_use_owner(struct index *x);
bool index_use_label(struct index *x, struct str key);
int index_add_path(struct index *x, struct str path, struct err *err) ERR_MUST_CHECK;
bool index_has_path(const struct index *x, struct str path);

bool index_is_built(const struct index *x);

/* Builds what is wanted and missing. `objects` are all there are. */
int index_build(struct index *x, struct doc *const *objects, size_t count, struct err *err) ERR_MUST_CHECK;

/* One object changed: NULL before: new; NULL after: gone. Without memory the index is dropped, to be built again. */
void index_update(struct index *x, struct doc *before, struct doc *after);

/* The objects under a term, sorted; with a non-empty ns only those in it. */
struct doc **index_find(const struct index *x, uint64_t term, struct str ns, size_t *count);

#endif
