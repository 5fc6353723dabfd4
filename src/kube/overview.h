/*
 * overview: all that an API server serves, by two requests: aggregated discovery (Kubernetes docs: "The Kubernetes API", "Aggregated
 * discovery"; KEP-3352). Used by discovery when kinds of many group-versions are wanted at once.
 *
 * The answers may be long, with hundreds of CRDs: they are read as they arrive, a group at a time, and nothing of them is kept.
 */
#ifndef KUBE_OVERVIEW_H
#define KUBE_OVERVIEW_H

#include "doc/doc.h"
#include "kube/client.h"

struct overview;

/* A resource of a version that the server knows for certain: one of an API server that it cannot reach is stale, and left out. */
struct overview_entry {
    struct str group, version, kind; /* group empty for core */
    struct str plural;
    bool namespaced, watchable, has_status;
};

/*
 * Calls `entry` for each, then `done` once, from the loop, whatever became of the requests: what was not told need not be missing, as
 * servers before 1.26 answer in another form. NULL with *err when it cannot be asked.
 */
struct overview *overview_new(struct kube_client *client, void (*entry)(const struct overview_entry *e, void *arg), void (*done)(void *arg),
                              void *arg, struct err *err) ERR_MUST_CHECK;
void overview_free(struct overview *o); /* also from within `done` */

/* Whether a resource, in either form of discovery, lists the verb. */
bool overview_has_verb(struct doc_value resource, const char *verb);

#endif
