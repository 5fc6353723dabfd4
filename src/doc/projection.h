/*
 * projection: which fields of a resource are kept, as a tree of names.
 *
 * A policy declares paths ("status.phase", "spec.volumes[].configMap.name", `metadata.annotations["a.b/c"]`); a path keeps its
 * whole subtree, [] is written where an array is meant and costs nothing. A path that ends in # ("data#") keeps of each text below only
 * how many bytes it has, as an integer, unless another path wants the text. apiVersion, kind and metadata are always kept, metadata without
 * managedFields and without annotations other than those under k8sgpt.ai/, unless a path says more.
 *
 * Two uses: the union of all policies' projections decides while bytes stream in, and each policy's own decides whether one of
 * its reads was declared. Immutable once shared; reference-counted.
 */
#ifndef DOC_PROJECTION_H
#define DOC_PROJECTION_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct projection;      /* a whole tree */
struct projection_node; /* a place in it; NULL: nothing below here is kept */

struct projection *projection_new(void);    /* apiVersion, kind, metadata as above; NULL without memory */
struct projection *projection_whole(void);  /* everything, byte for byte: managedFields and annotations too */
struct projection *projection_object(void); /* everything but managedFields: for objects that we manage */
struct projection *projection_ref(const struct projection *p);
void projection_unref(const struct projection *p);

/* Adds a path; ERR_SYNTAX says what is wrong with it. Only before p is shared. */
int projection_add(struct projection *p, struct str path, struct err *err) ERR_MUST_CHECK;

/* A new tree that keeps what a or b keeps. NULL without memory. */
struct projection *projection_union(const struct projection *a, const struct projection *b);

/* True when a keeps everything that b keeps. */
bool projection_covers(const struct projection *a, const struct projection *b);

const struct projection_node *projection_root(const struct projection *p);

/* The place of a field below `node`; `key_id` is what key_find or key_intern says of its name. Array elements stay at their array's node.
 */
const struct projection_node *projection_child(const struct projection_node *node, uint32_t key_id, struct str key);

/* True when everything below is kept, so that no further look-up is needed. */
bool projection_is_whole(const struct projection_node *node);

#endif
