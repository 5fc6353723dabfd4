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
 * all is done, with the first error or NULL; NULL: nothing had to be written, or with err->code set, it could not be started.
 */
struct wait *publish_start(struct run *r, struct doc_value items, void (*done)(struct run *r, const struct err *err), struct err *err);

#endif
