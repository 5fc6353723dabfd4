/*
 * reflector: keeps a store equal to the API server by list and watch.
 *
 * The rules are client-go's: the list is the beginning of a watch where the server can (see lists.h), else pages of 500 and a watch from
 * their resourceVersion; bookmarks; the version advances only after an event was applied whole; what vanished goes when a list is whole;
 * an ended watch resumes; 410 lists again, 429 does not; errors back off 0.8 s to 30 s with jitter, no earlier than Retry-After; no
 * polling.
 *
 * The store never goes back in time: lists are consistent reads (never resourceVersion "0"), and an older list or object than was seen
 * already (see version.h) changes nothing, until servers have shown nothing newer for 5 minutes. An event has 60 s from its first byte to
 * its last; what is silent altogether is link.h's matter.
 */
#ifndef KUBE_REFLECTOR_H
#define KUBE_REFLECTOR_H

#include "kube/client.h"
#include "kube/store.h"

struct reflector;

enum reflector_state {
    REFLECTOR_SYNCING, /* not listed yet, or not reachable */
    REFLECTOR_SYNCED,  /* listed once; stays so while it resumes */
    REFLECTOR_DENIED,  /* 401 or 403; tried again by back-off */
    REFLECTOR_MISSING, /* the server does not serve the kind; tried again by back-off */
};

/* Called when the state changes; `err` says why for DENIED, MISSING and a SYNCING that failed, else NULL. */
typedef void (*reflector_changed)(struct reflector *r, enum reflector_state state, const struct err *err, void *arg);

/* `ns` empty: all namespaces. Starts at once. Borrows client and store; copies resource. */
struct reflector *reflector_new(struct loop *loop, struct kube_client *client, const struct resource *resource, struct str ns,
                                struct store *store, struct metrics *metrics, reflector_changed changed, void *arg, struct err *err);
void reflector_free(struct reflector *r);

/* Right after reflector_new: of the objects only their metadata is asked for (Kubernetes API concepts: "Metadata-only fetches"). */
void reflector_metadata_only(struct reflector *r);

/* Only objects with such labels. Borrowed; to be said before the loop turns. */
void reflector_select(struct reflector *r, const char *selector);

/* Ends with the first list that is whole: nothing is watched. To be said before the loop turns. */
void reflector_once(struct reflector *r);

enum reflector_state reflector_state(const struct reflector *r);

#endif
