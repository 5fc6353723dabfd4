/*
 * watch: streams of events, from a resourceVersion on, for as long as the client asks.
 *
 * Source: kubernetes.io/docs, "Efficient detection of changes" and "Streaming lists" in the API concepts.
 */
#ifndef DEVCLUSTER_WATCH_H
#define DEVCLUSTER_WATCH_H

#include "devcluster/request.h"

/* Begins a watch; the exchange is answered over time. A Status, or NULL. */
cJSON *dev_watch_start(const struct dev_request *r);

/* Tells every watch that is concerned. */
void dev_watch_notify(struct dev_cluster *c, const struct dev_event *event);

/* Ends the watches of a kind that is going away; NULL: all. */
void dev_watch_end(struct dev_cluster *c, const struct dev_kind *kind);

#endif
