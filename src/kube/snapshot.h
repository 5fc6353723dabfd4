/*
 * snapshot: a cluster out of files: what an API server held at one moment, as kubectl or the verb snapshot wrote it down.
 *
 * Objects go into the stores of an offline cluster; kinds that nobody wants are passed over. What the verb snapshot writes begins with an
 * object of its own that says when it was made, and which kinds were read, denied or not served. Called by the verbs analyze and snapshot.
 */
#ifndef KUBE_SNAPSHOT_H
#define KUBE_SNAPSHOT_H

#include "base/buf.h"
#include "base/ptrset.h"
#include "kube/cluster.h"

struct snapshot {
    size_t objects;     /* read, of any kind */
    int64_t newest_ms;  /* the newest moment that an object tells of; 0: none does, or the clock is set */
    struct ptrset seen; /* struct gvk: kinds with an object or a CustomResourceDefinition */
};

struct snapshot snapshot_new(void);
void snapshot_free(struct snapshot *s);

/*
 * Reads a file ("-": standard input) or every .yaml, .yml, .json and .jsonl below a folder into the stores of `c`, which are open already.
 * Where an object is there twice, the later one counts. Errors name file and line or document.
 */
int snapshot_read(struct snapshot *s, const char *path, struct cluster *c, struct err *err) ERR_MUST_CHECK;

/*
 * After the last file: kinds of a custom resource that nothing read speaks of count as not served. So do Secrets where there is none:
 * who writes a snapshot leaves them out, and that is no proof that they are missing. Of other built-in kinds there are just no objects.
 */
void snapshot_finish(const struct snapshot *s, struct cluster *c);

/*
 * Appends what the stores of a cluster hold, an object a line: kinds by name, their objects by namespace and name. Kinds that are not
 * synced count as denied, unless the server does not serve them.
 */
int snapshot_write(const struct cluster *c, struct buf *out, struct err *err) ERR_MUST_CHECK;

#endif
