/*
 * store: the objects of one resource in memory, by namespace and name, with indexes.
 *
 * One store serves every policy and CR that reads the resource. It is filled by a reflector (or from files, for policy tests and
 * one-shot diagnosis) and tells its listener of every change that touched a kept field. Documents are shared by reference:
 * whoever keeps one longer than a call takes a reference.
 */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "doc/doc.h"
#include "doc/projection.h"
#include "kube/gvk.h"

struct store;

/* `before` NULL: new; `after` NULL: deleted. Both borrowed. */
typedef void (*store_changed)(struct store *store, const struct doc *before, const struct doc *after, void *arg);

struct store *store_new(const struct gvk *gvk, const struct projection *projection); /* NULL without memory */
void store_free(struct store *s);
const struct gvk *store_gvk(const struct store *s);
const struct projection *store_projection(const struct store *s);

/* One listener; NULL stops. */
void store_on_change(struct store *s, store_changed changed, void *arg);

/* Puts an object in place of the one of its name. Tells nobody when no kept field differs (but keeps the newer document). */
int store_put(struct store *s, struct doc *object, struct err *err) ERR_MUST_CHECK;
void store_delete(struct store *s, struct str ns, struct str name);

/*
 * A new full list of a namespace, or with an empty ns of all: begin, put each, then end, which deletes (and tells of) everything there
 * that was not put since begin. Lists of several namespaces may be under way at once.
 */
void store_replace_begin(struct store *s, struct str ns);
void store_replace_end(struct store *s, struct str ns);

/* NULL when absent. Borrowed. */
struct doc *store_get(const struct store *s, struct str ns, struct str name);
size_t store_count(const struct store *s);
size_t store_bytes(const struct store *s); /* documents, without index overhead */

/* Any order; `i` starts at 0. NULL at the end. The store must not change meanwhile. */
struct doc *store_next(const struct store *s, size_t *i);

enum { STORE_QUERY_MAX_LABELS = 16 };

/* All given parts must hold. At least one of labels, owner, index, or a non-empty ns answers by an index. */
struct store_query {
    struct str ns;         /* empty: any */
    struct str owner_uid;  /* one of metadata.ownerReferences[].uid */
    struct str index_path; /* a path declared by store_add_index */
    struct str index_value;
    size_t limit; /* so many, the first ones in order; 0: all. No part of what has to hold */
    size_t label_count;
    struct store_label {
        struct str key, value;
    } labels[STORE_QUERY_MAX_LABELS]; /* last: a keeper of queries may cut the unused ones off */
};

/* Declares an index on the values at a path ("spec.volumes[].configMap.name"); scalars only. Built at once, kept up to date. Twice is once.
 */
int store_add_index(struct store *s, struct str path, struct err *err) ERR_MUST_CHECK;
bool store_has_index(const struct store *s, struct str path);

/*
 * The objects that satisfy the query, or the first `limit` of them, sorted by namespace, then name. *out is an array of *count borrowed
 * documents, to be freed by the caller. ERR_INVALID for an index_path without index. Label, owner and namespace indexes are built at their
 * first use.
 */
int store_list(struct store *s, const struct store_query *query, struct doc ***out, size_t *count, struct err *err) ERR_MUST_CHECK;

/* True when the object satisfies every part of the query. */
bool store_query_matches(const struct store_query *query, const struct doc *object);

/* One text a query stands for and those an object can be found under, so that a reader of the query learns of changes: see diagnosis. */
typedef void (*store_term)(uint64_t term, void *arg);
uint64_t store_query_term(const struct store *s, const struct store_query *query);
void store_object_terms(const struct store *s, const struct doc *object, store_term each, void *arg);

#endif
