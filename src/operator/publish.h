/*
 * publish: the one place that writes Results.
 *
 * Brings the Results of some groups to what a step rendered: the object first, then its status; each only where it differs
 * from what was written or read last. Up to MAX_WRITES writes are under way at once.
 */
#ifndef OPERATOR_PUBLISH_H
#define OPERATOR_PUBLISH_H

#include "operator/run.h"

/*
 * items: [{group: id, result: object | absent}]; absent deletes. Returns what the run is to wait for, and calls `done` once when
 * all is done, with the ids of the groups whose Result was written or deleted (an array, borrowed; NULL: none) and the first error or NULL.
 * NULL: nothing had to be written, or with err->code set, it could not be started.
 */
typedef void (*publish_done)(struct run *r, const struct doc *written, const struct err *err);
struct wait *publish_start(struct run *r, struct doc_value items, publish_done done, struct err *err);

#endif
