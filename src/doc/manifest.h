/*
 * manifest: Kubernetes objects out of text as people keep it: YAML or JSON, one document or many, Lists, JSON lines.
 *
 * kubectl writes all of these ("get -o yaml", "get -o json", "get --raw"). The items of a list are handed over one by one; those of a
 * typed list (PodList), which say neither apiVersion nor kind, get both. Of JSON a list may be of any length; a YAML document is
 * bounded by YAML_MAX_BYTES. Used for snapshots of clusters.
 */
#ifndef DOC_MANIFEST_H
#define DOC_MANIFEST_H

#include "base/err.h"
#include "base/str.h"
#include "doc/doc.h"
#include "doc/projection.h"

/* Called with each object in turn (borrowed): it has an apiVersion, a kind and metadata.name. `kept` is what it was reduced to by
 * manifest_keep, NULL: it is whole. A non-zero return ends the reading. */
typedef int (*manifest_object)(struct doc *object, const struct projection *kept, void *arg, struct err *err);

/* What is to be kept of the objects of a kind; NULL: all. Of YAML all is kept in any case. */
typedef const struct projection *(*manifest_keep)(struct str api_version, struct str kind, void *arg);

/*
 * `keep` may be NULL. Every object of the text; empty documents are skipped. ERR_SYNTAX and ERR_INVALID name the line or the document
 * ("document 3, item 17: it lacks metadata.name"), counted from one.
 */
int manifest_read(struct str text, manifest_object each, manifest_keep keep, void *arg, struct err *err) ERR_MUST_CHECK;

#endif
